//! Text with decoded escapes: those that change letters or digits, and the letters around them.

use std::ops::Range;

use crate::confidential::Wiped;

use super::STRETCH;
use super::candidates::candidates;
use super::pattern::{is_letter, is_simple, may_be_letter};
use crate::redaction::escape::{Escape, LONGEST, Reading};

type Undone = Option<Wiped<Vec<u8>>>;

/// How many letters around an escape are kept if the decoded character may be part of another escape.
const AROUND_DEEP: usize = 80;

const LITTLE: usize = 48;

/// `reading` with escapes of one kind decoded; `None` if that changes nothing. Simple escapes matter only if the reader
/// does not skip them.
pub(super) fn escapes(reading: &[u8], escape: Escape, are_simple_read: bool) -> Undone {
    let is_hexadecimal = |byte: u8| byte.is_ascii_hexdigit();
    match escape {
        Escape::Percent => {
            let is = |first, second, third| {
                first == b'%' && is_hexadecimal(second) && is_hexadecimal(third)
            };
            undo(reading, escape, false, candidates(reading, *b"%%", is))
        }
        Escape::Backslash => {
            let is = |first, _, _| first == b'\\';
            let at = candidates(reading, *b"\\\\", is);
            undo(reading, escape, are_simple_read, at)
        }
        Escape::Entity => {
            let is = |first, second: u8, third: u8| {
                let is_number = second == b'#' && (third.is_ascii_digit() || third | 0x20 == b'x');
                let is_name = second.is_ascii_alphabetic() && third.is_ascii_alphabetic();
                first == b'&' && (is_number | is_name)
            };
            undo(reading, escape, false, candidates(reading, *b"&&", is))
        }
        Escape::Quoted => {
            let is = |first, second, third| {
                let is_break = second == b'\r' || second == b'\n';
                let is_byte = is_hexadecimal(second) && is_hexadecimal(third);
                first == b'=' && (is_break | is_byte)
            };
            undo(reading, escape, false, candidates(reading, *b"==", is))
        }
        // These escapes decode to no letter.
        Escape::Form | Escape::Invisible => None,
    }
}

fn undo(
    reading: &[u8],
    escape: Escape,
    are_simple_read: bool,
    candidates: impl Iterator<Item = usize>,
) -> Undone {
    let mut copy = Copy::new(reading);
    let (mut at, mut run) = (0, Run::default());
    for found in candidates {
        if found < at {
            continue;
        }
        let rest = reading.get(found..).unwrap_or_default();
        if escape == Escape::Backslash
            && copy.owed == 0
            && !run.matters(reading, found, are_simple_read)
        {
            at = run.end + 1;
            continue;
        }
        let (length, decoded) = decode(escape, rest);
        if length == 0 {
            continue;
        }
        at = found + length;
        let spelled = rest.get(..length).unwrap_or_default();
        let around = if decoded.iter().any(|byte| b"\\%&=".contains(byte)) {
            AROUND_DEEP
        } else {
            STRETCH
        };
        let matters = match escape {
            Escape::Backslash => run.matters(reading, found, are_simple_read),
            Escape::Quoted => true,
            _ => spelled.iter().any(|byte| is_letter(*byte)),
        };
        copy.replace(found..at, &decoded, matters.then_some(around));
    }
    copy.finish()
}

/// `reading` without the `0x` and `x` of dumps.
pub(super) fn prefixes(reading: &[u8]) -> Undone {
    let mut copy = Copy::new(reading);
    let is = |first: u8, second: u8, third: u8| {
        first | 0x20 == b'x' && second.is_ascii_hexdigit() && third.is_ascii_hexdigit()
    };
    for at in candidates(reading, *b"xX", is) {
        let before = reading.get(..at).unwrap_or_default();
        let start = at - usize::from(before.ends_with(b"0"));
        copy.replace(start..at + 1, &[], Some(STRETCH));
    }
    copy.finish()
}

/// The length of the escape that `rest` begins with, 0 if there is none, and what it stands for.
fn decode(escape: Escape, rest: &[u8]) -> (usize, Decoded) {
    let here = rest.get(..LONGEST).unwrap_or(rest);
    match escape.read(here) {
        Reading::Plain | Reading::Incomplete => (0, Decoded::default()),
        Reading::Byte(length, byte) => (
            length,
            Decoded {
                bytes: [byte, 0, 0, 0],
                length: 1,
            },
        ),
        Reading::Character(length, character) => {
            let mut bytes = [0; 4];
            let decoded = character.encode_utf8(&mut bytes).len();
            (
                length,
                Decoded {
                    bytes,
                    length: decoded,
                },
            )
        }
    }
}

#[derive(Default)]
struct Decoded {
    bytes: [u8; 4],
    length: usize,
}

impl std::ops::Deref for Decoded {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Consecutive backslashes, each of which may be decoded at another depth: only the byte after them matters.
#[derive(Default)]
struct Run {
    end: usize,
    matters: bool,
}

impl Run {
    fn matters(&mut self, reading: &[u8], at: usize, are_simple_read: bool) -> bool {
        if at >= self.end {
            let rest = reading.get(at..).unwrap_or_default();
            let length = rest.iter().take_while(|byte| **byte == b'\\').count();
            self.end = at + length;
            self.matters = match rest.get(length) {
                Some(byte) => may_be_letter(*byte) || are_simple_read && is_simple(*byte),
                None => false,
            };
        }
        self.matters
    }
}

/// A copy of the letters near the escapes that matter.
struct Copy<'a> {
    reading: &'a [u8],
    bytes: Wiped<Vec<u8>>,
    /// How far the copy goes.
    copied: usize,
    /// How many of the next letters remain to be copied.
    owed: usize,
}

impl<'a> Copy<'a> {
    fn new(reading: &'a [u8]) -> Self {
        Self {
            reading,
            bytes: Wiped::new(Vec::new()),
            copied: 0,
            owed: 0,
        }
    }

    /// Replaces `spelled` with `decoded` if it is near an escape that matters; `around` if this escape matters itself.
    fn replace(&mut self, spelled: Range<usize>, decoded: &[u8], around: Option<usize>) {
        self.copy_until(spelled.start);
        if let Some(around) = around {
            if self.bytes.capacity() == 0 {
                // Reserved first, so that growth leaves no copy behind.
                self.bytes.reserve_exact(self.reading.len());
            }
            let from = self.before(spelled.start, around);
            let before = self.reading.get(from..spelled.start).unwrap_or_default();
            self.bytes.extend_from_slice(before);
            self.owed = self.owed.max(around);
        }
        if self.owed > 0 {
            self.bytes.extend_from_slice(decoded);
            self.copied = spelled.end;
        }
    }

    fn copy_until(&mut self, end: usize) {
        if self.owed == 0 {
            return;
        }
        let rest = self.reading.get(self.copied..end).unwrap_or_default();
        let mut length = rest.len();
        // Copying too much is harmless, and cheaper than counting for a short piece.
        if length > LITTLE {
            let mut count = 0;
            for byte in rest {
                if self.owed == 0 {
                    break;
                }
                self.owed -= usize::from(is_letter(*byte));
                count += 1;
            }
            length = count;
        }
        let near = rest.get(..length).unwrap_or_default();
        self.bytes.extend_from_slice(near);
        self.copied += length;
    }

    /// The position that many letters before `end`, but not before what is already copied.
    fn before(&self, end: usize, mut letters: usize) -> usize {
        let open = self.reading.get(self.copied..end).unwrap_or_default();
        let near = open.iter().rev().take_while(|byte| {
            let is_near = letters > 0;
            letters -= usize::from(is_near && is_letter(**byte));
            is_near
        });
        end - near.count()
    }

    fn finish(mut self) -> Undone {
        self.copy_until(self.reading.len());
        (self.bytes.capacity() > 0).then_some(self.bytes)
    }
}
