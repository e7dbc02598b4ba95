//! The escapes of text: URLs, string literals of JSON and programming languages, HTML, mail. Each is decoded where it
//! occurs; other bytes are kept.

use super::alphabet::INVISIBLE;

/// A kind of escape for single characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// `%41` (RFC 3986).
    Percent,
    /// The same, and `+` for a space (HTML forms).
    Form,
    /// `\n`, `\"`, `\u0041` (RFC 8259), and the additions of other languages: `\x41`, `\101`, `\u{41}`, `\U00000041`,
    /// `\'`, `\_`.
    Backslash,
    /// `&amp;`, `&#65;`, `&#x41;`: the numbers and the five names of XML, in any case.
    Entity,
    /// `=41`, and `=` before a soft line break (quoted-printable, RFC 2045).
    Quoted,
    /// Invisible characters: soft hyphens, zero-width spaces and joiners, byte order marks.
    Invisible,
}

/// How many more levels of nested escapes are decoded.
#[derive(Clone, Copy)]
pub(super) struct Left {
    /// Of any kind.
    escapes: usize,
    /// Backslashes, if no other kind was decoded.
    backslashes: usize,
}

impl Left {
    /// For a text.
    pub(super) const TEXT: Self = Self {
        escapes: 2,
        // Tools put JSON in JSON in JSON.
        backslashes: 4,
    };

    /// For a JSON document, whose strings are texts with escapes.
    pub(super) const DOCUMENT: Self = Self {
        escapes: 3,
        backslashes: 5,
    };

    /// The kinds that are decoded at this level.
    pub(super) fn of(self) -> &'static [Escape] {
        match self {
            Self { escapes: 1.., .. } => &Escape::ALL,
            Self {
                backslashes: 1.., ..
            } => &[Escape::Backslash],
            _ => &[],
        }
    }

    /// What is left inside an escape of this kind.
    pub(super) fn within(self, escape: Escape) -> Self {
        let escapes = match escape {
            // Form encoding is always outermost, and invisible characters can occur inside every other kind.
            Escape::Form | Escape::Invisible => 0,
            _ => self.escapes.saturating_sub(1),
        };
        let backslashes = match escape {
            Escape::Backslash => self.backslashes.saturating_sub(1),
            _ => escapes,
        };
        Self {
            escapes,
            backslashes,
        }
    }
}

/// What the first bytes are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// No escape.
    Plain,
    /// Possibly an escape: more bytes are needed to decide.
    Incomplete,
    /// An escape of this many bytes that stands for a byte.
    Byte(usize, u8),
    /// An escape of this many bytes that stands for a character.
    Character(usize, char),
}

/// The most bytes of an escape: `&#x` with 16 digits and a semicolon.
pub(super) const LONGEST: usize = 20;

const MOST_DIGITS: usize = 16;

impl Escape {
    pub(super) const ALL: [Self; 6] = [
        Self::Percent,
        Self::Backslash,
        Self::Entity,
        Self::Form,
        Self::Quoted,
        Self::Invisible,
    ];

    /// Whether an escape of any kind begins with `byte`.
    #[inline]
    pub(super) fn may_begin_with(byte: u8) -> bool {
        matches!(byte, b'%' | b'+' | b'\\' | b'&' | b'=' | 0xc2 | 0xe2 | 0xef)
    }

    /// Whether an escape begins with `byte`.
    pub(super) fn begins_with(self, byte: u8) -> bool {
        match self {
            Self::Percent => byte == b'%',
            Self::Form => byte == b'%' || byte == b'+',
            Self::Backslash => byte == b'\\',
            Self::Entity => byte == b'&',
            Self::Quoted => byte == b'=',
            Self::Invisible => matches!(byte, 0xc2 | 0xe2 | 0xef),
        }
    }

    /// Reads the beginning of `bytes`.
    pub(super) fn read(self, bytes: &[u8]) -> Reading {
        match (self, bytes) {
            (Self::Form, [b'+', ..]) => Reading::Byte(1, b' '),
            (Self::Percent | Self::Form, [b'%', digits @ ..]) => byte_of_two(1, digits),
            (Self::Backslash, [b'\\', rest @ ..]) => backslash(rest),
            (Self::Entity, [b'&', rest @ ..]) => entity(rest),
            (Self::Quoted, [b'=', rest @ ..]) => quoted(rest),
            (Self::Invisible, _) => invisible(bytes),
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

/// Exactly `digits` hexadecimal digits, at most eight.
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
        b'0'..=b'7' => octal(rest),
        b'u' if digits.first() == Some(&b'{') => braces(digits.get(1..).unwrap_or_default()),
        b'u' => unit(digits),
        b'U' => match fixed(digits, 8) {
            Ok(code) => character(10, code),
            Err(reading) => reading,
        },
        // Shells and Markdown allow a backslash before any character that could have a meaning.
        itself if itself.is_ascii_punctuation() || *itself == b' ' => Reading::Byte(2, *itself),
        _ => Reading::Plain,
    }
}

/// One to three octal digits.
fn octal(rest: &[u8]) -> Reading {
    let digits = rest.iter().take(3);
    let digits = digits.take_while(|byte| matches!(byte, b'0'..=b'7'));
    let (length, code) = digits.fold((0, 0), |(length, code), digit| {
        (length + 1, code * 8 + u32::from(digit & 7))
    });
    if length < 3 && length == rest.len() {
        return Reading::Incomplete;
    }
    u8::try_from(code).map_or(Reading::Plain, |byte| Reading::Byte(1 + length, byte))
}

fn quoted(rest: &[u8]) -> Reading {
    match rest {
        [] | [b'\r'] => Reading::Incomplete,
        [b'\n', ..] => Reading::Byte(2, INVISIBLE),
        [b'\r', b'\n', ..] => Reading::Byte(3, INVISIBLE),
        _ => byte_of_two(1, rest),
    }
}

/// U+00AD, U+200B to U+200F, U+2060 to U+2064, U+FEFF.
fn invisible(bytes: &[u8]) -> Reading {
    match bytes {
        [0xc2, 0xad, ..] => Reading::Byte(2, INVISIBLE),
        [0xe2, 0x80, 0x8b..=0x8f, ..] | [0xe2, 0x81, 0xa0..=0xa4, ..] | [0xef, 0xbb, 0xbf, ..] => {
            Reading::Byte(3, INVISIBLE)
        }
        [0xc2 | 0xe2 | 0xef] | [0xe2, 0x80 | 0x81] | [0xef, 0xbb] => Reading::Incomplete,
        _ => Reading::Plain,
    }
}

/// `XXXX`, or `XXXX\uXXXX` if the first is half of a surrogate pair.
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
