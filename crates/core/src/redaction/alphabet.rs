//! The letters of the four alphabets, and what may occur between letters.

use crate::confidential::Wiped;

/// How bytes are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// Text, without its white space.
    Plain,
    Hexadecimal,
    Base64,
    /// All bytes, for values that are mostly white space.
    Exact,
}

/// The meaning of one byte in a run of text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Letter {
    /// A letter, normalised as in patterns.
    Is(u8),
    /// A byte that may occur between letters.
    Between,
    /// White space: allowed between the letters of some patterns and between lines, otherwise the end of the run.
    Space,
    /// Skipped, and not counted.
    Nothing,
    /// The end of the run.
    Other,
}

/// How many bytes may occur between two letters of one run. This bounds how much input is held back.
pub(super) const LONGEST_GAP: u8 = 32;

/// The white space that is ignored in text.
pub(super) const SPACES: &[char] = &[' ', '\t', '\n', '\u{b}', '\u{c}', '\r'];

/// A byte that occurs in no text and stands for invisible characters such as a soft hyphen.
pub(super) const INVISIBLE: u8 = 0xff;

impl Alphabet {
    pub(super) const ALL: [Self; 4] = [Self::Plain, Self::Hexadecimal, Self::Base64, Self::Exact];

    pub(super) fn letter(self, byte: u8) -> Letter {
        match (self, byte) {
            (_, INVISIBLE) => Letter::Nothing,
            (Self::Plain, _) => plain(byte),
            (Self::Hexadecimal, _) => hexadecimal(byte),
            (Self::Base64, _) => base64(byte),
            (Self::Exact, _) => Letter::Is(byte),
        }
    }
}

/// Zeros are skipped, so that ASCII reads the same in UTF-8 and UTF-16.
fn plain(byte: u8) -> Letter {
    match byte {
        0 => Letter::Nothing,
        b'\t'..=b'\r' | b' ' => Letter::Space,
        _ => Letter::Is(byte),
    }
}

/// A digit in either case. The separators of dumps are skipped: `68 65`, `68:65`, `\x68\x65`, `0x68, 0x65`.
fn hexadecimal(byte: u8) -> Letter {
    match byte {
        b'0'..=b'9' | b'a'..=b'f' => Letter::Is(byte),
        b'A'..=b'F' => Letter::Is(byte.to_ascii_lowercase()),
        b' ' | b'\t' | b'\r' | b'\n' | b':' | b'-' | b',' | b';' | b'\\' | b'x' | b'X' => {
            Letter::Between
        }
        _ => Letter::Other,
    }
}

/// A letter of either base64 alphabet (RFC 4648). Line breaks and indentation are skipped.
fn base64(byte: u8) -> Letter {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => Letter::Is(byte),
        b'-' => Letter::Is(b'+'),
        b'_' => Letter::Is(b'/'),
        b' ' | b'\t' | b'\r' | b'\n' => Letter::Space,
        _ => Letter::Other,
    }
}

/// The digit for the lower four bits.
pub(super) fn hexadecimal_digit(bits: u8) -> u8 {
    match bits & 15 {
        low @ 0..=9 => b'0' + low,
        high => b'a' + high - 10,
    }
}

/// The letter of the standard alphabet for the lower six bits.
pub(super) fn base64_letter(bits: u8) -> u8 {
    match bits & 63 {
        upper @ 0..=25 => b'A' + upper,
        lower @ 26..=51 => b'a' + lower - 26,
        digit @ 52..=61 => b'0' + digit - 52,
        62 => b'+',
        _ => b'/',
    }
}

/// The text that `letters` of either base64 alphabet encode, with or without padding.
pub(super) fn base64_text(letters: &str) -> Option<Wiped<String>> {
    let letters = letters.trim_end_matches('=');
    let mut bytes = Wiped::new(Vec::with_capacity(letters.len()));
    let (mut bits, mut count) = (0_u16, 0);
    for byte in letters.bytes() {
        let Letter::Is(letter) = base64(byte) else {
            return None;
        };
        let six = (0..64).find(|six| base64_letter(*six) == letter)?;
        (bits, count) = ((bits << 6) + u16::from(six), count + 6);
        if count >= 8 {
            count -= 8;
            let [_, low] = (bits >> count).to_be_bytes();
            bytes.push(low);
        }
    }
    let text = str::from_utf8(&bytes).ok()?;
    Some(Wiped::new(text.to_owned()))
}
