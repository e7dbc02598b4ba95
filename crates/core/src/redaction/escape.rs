//! The escapes of text: URLs, strings of JSON and of programs, HTML. Each is undone where it occurs, the rest is kept.

/// A way to spell single characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// `%41` (RFC 3986).
    Percent,
    /// The same, and `+` for a space (forms in HTML).
    Form,
    /// `\n`, `\"`, `\u0041` (RFC 8259), and what other languages add: `\x41`, `\u{41}`, `\U00000041`, `\'`, `\_`.
    Backslash,
    /// `&amp;`, `&#65;`, `&#x41;`: the numbers and the five names of XML, in any case.
    Entity,
}

/// What stands at the begin of some bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// No escape.
    Plain,
    /// Perhaps an escape: more bytes are needed to tell.
    Incomplete,
    /// An escape so many bytes long that stands for a byte.
    Byte(usize, u8),
    /// An escape so many bytes long that stands for a character.
    Character(usize, char),
}

/// The most bytes an escape has: `&#x` with 16 digits and a semicolon.
pub(super) const LONGEST: usize = 20;

const MOST_DIGITS: usize = 16;

impl Escape {
    /// Those to undo. Forms differ from other URLs only in values that hold spaces.
    pub(super) fn worth_undoing(has_spaces: bool) -> &'static [Self] {
        if has_spaces {
            &[Self::Percent, Self::Backslash, Self::Entity, Self::Form]
        } else {
            &[Self::Percent, Self::Backslash, Self::Entity]
        }
    }

    /// Whether an escape begins with `byte`.
    pub(super) fn begins_with(self, byte: u8) -> bool {
        match self {
            Self::Percent => byte == b'%',
            Self::Form => byte == b'%' || byte == b'+',
            Self::Backslash => byte == b'\\',
            Self::Entity => byte == b'&',
        }
    }

    /// Reads what stands at the begin of `bytes`.
    pub(super) fn read(self, bytes: &[u8]) -> Reading {
        match (self, bytes) {
            (Self::Form, [b'+', ..]) => Reading::Byte(1, b' '),
            (Self::Percent | Self::Form, [b'%', digits @ ..]) => byte_of_two(1, digits),
            (Self::Backslash, [b'\\', rest @ ..]) => backslash(rest),
            (Self::Entity, [b'&', rest @ ..]) => entity(rest),
            _ => Reading::Plain,
        }
    }
}

/// Two hexadecimal digits after `before` bytes of escape.
fn byte_of_two(before: usize, digits: &[u8]) -> Reading {
    match fixed(digits, 2) {
        Ok(code) => Reading::Byte(before + 2, u8::try_from(code).unwrap_or_default()),
        Err(reading) => reading,
    }
}

/// So many hexadecimal digits, no more than eight.
fn fixed(bytes: &[u8], digits: usize) -> Result<u32, Reading> {
    let found = bytes.get(..digits).unwrap_or(bytes);
    if !found.iter().all(u8::is_ascii_hexdigit) {
        return Err(Reading::Plain);
    }
    if found.len() < digits {
        return Err(Reading::Incomplete);
    }
    let text = str::from_utf8(found).map_err(|_| Reading::Plain)?;
    u32::from_str_radix(text, 16).map_err(|_| Reading::Plain)
}

fn backslash(rest: &[u8]) -> Reading {
    let Some((first, digits)) = rest.split_first() else {
        return Reading::Incomplete;
    };
    match first {
        b'b' => Reading::Byte(2, 8),
        b'f' => Reading::Byte(2, 0xc),
        b'n' => Reading::Byte(2, b'\n'),
        b'r' => Reading::Byte(2, b'\r'),
        b't' => Reading::Byte(2, b'\t'),
        b'x' => byte_of_two(2, digits),
        b'u' if digits.first() == Some(&b'{') => braces(digits.get(1..).unwrap_or_default()),
        b'u' => unit(digits),
        b'U' => match fixed(digits, 8) {
            Ok(code) => character(10, code),
            Err(reading) => reading,
        },
        // Shells and Markdown put a backslash before anything that could mean something.
        itself if itself.is_ascii_punctuation() || *itself == b' ' => Reading::Byte(2, *itself),
        _ => Reading::Plain,
    }
}

/// `XXXX`, or `XXXX\uXXXX` if the first is half of a pair.
fn unit(digits: &[u8]) -> Reading {
    let first = match fixed(digits, 4) {
        Ok(first) => first,
        Err(reading) => return reading,
    };
    let lone = Reading::Character(6, char::REPLACEMENT_CHARACTER);
    let pair = digits.get(4..).unwrap_or_default();
    match (first, pair) {
        (0xd800..0xdc00, [] | [b'\\']) => Reading::Incomplete,
        (0xd800..0xdc00, [b'\\', b'u', second @ ..]) => match fixed(second, 4) {
            Ok(second @ 0xdc00..0xe000) => {
                character(12, 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))
            }
            Err(Reading::Incomplete) => Reading::Incomplete,
            _ => lone,
        },
        (0xd800..0xe000, _) => lone,
        _ => character(6, first),
    }
}

/// `XX}` with one to eight digits.
fn braces(digits: &[u8]) -> Reading {
    let length = digits
        .iter()
        .take(9)
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    match (length, digits.get(length)) {
        (1..=8, Some(b'}')) => match fixed(digits, length) {
            Ok(code) => character(length + 4, code),
            Err(reading) => reading,
        },
        (0..=8, None) => Reading::Incomplete,
        _ => Reading::Plain,
    }
}

fn entity(rest: &[u8]) -> Reading {
    match rest {
        [] | [b'#'] => Reading::Incomplete,
        [b'#', b'x' | b'X', digits @ ..] => number(3, digits, 16),
        [b'#', digits @ ..] => number(2, digits, 10),
        _ => named(rest),
    }
}

/// The number of a character, leading zeros allowed, and a semicolon.
fn number(before: usize, digits: &[u8], radix: u32) -> Reading {
    let mut code = 0_u32;
    for (index, byte) in digits.iter().enumerate() {
        if *byte == b';' && index > 0 {
            return character(before + index + 1, code);
        }
        let digit = char::from(*byte).to_digit(radix);
        let (Some(digit), true) = (digit, index < MOST_DIGITS) else {
            return Reading::Plain;
        };
        code = code.saturating_mul(radix).saturating_add(digit);
    }
    Reading::Incomplete
}

fn named(rest: &[u8]) -> Reading {
    const NAMES: [(&[u8], u8); 5] = [
        (b"amp;", b'&'),
        (b"lt;", b'<'),
        (b"gt;", b'>'),
        (b"quot;", b'"'),
        (b"apos;", b'\''),
    ];
    let mut reading = Reading::Plain;
    for (name, byte) in NAMES {
        let common = name.len().min(rest.len());
        let is_begin = rest
            .iter()
            .zip(name)
            .all(|(letter, wanted)| letter.to_ascii_lowercase() == *wanted);
        if is_begin && common == name.len() {
            return Reading::Byte(1 + name.len(), byte);
        }
        if is_begin {
            reading = Reading::Incomplete;
        }
    }
    reading
}

fn character(length: usize, code: u32) -> Reading {
    char::from_u32(code).map_or(Reading::Plain, |character| {
        Reading::Character(length, character)
    })
}
