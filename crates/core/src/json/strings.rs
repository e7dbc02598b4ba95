//! Strings between their JSON spelling and their text. Decoded text is zeroised on drop.
//!
//! Both directions reserve the whole size first, so that no partial copy is left behind.

use crate::confidential::Wiped;

/// A string holds half of a surrogate pair (`"\ud800"`), so it is not Unicode text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the string holds a lone surrogate")]
pub struct LoneSurrogate;

/// Decodes the text between the quotes of a checked string.
pub(super) fn decode(inner: &str) -> Result<Wiped<String>, LoneSurrogate> {
    let mut text = Wiped::new(String::with_capacity(inner.len()));
    decode_into(inner, None, &mut text)?;
    Ok(text)
}

/// Appends what [`decode`] returns to `text`, with U+FFFD for each lone surrogate.
pub(crate) fn decode_lossily(inner: &str, text: &mut String) {
    text.reserve(inner.len());
    // A lone surrogate is the only possible error.
    let _ = decode_into(inner, Some(char::REPLACEMENT_CHARACTER), text);
}

fn decode_into(inner: &str, lone: Option<char>, text: &mut String) -> Result<(), LoneSurrogate> {
    let mut rest = inner;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        text.push_str(plain);
        let mut after = escaped.chars();
        let character = match after.next() {
            Some('u') => {
                let digits = after.as_str();
                let (character, unread) = match decode_unicode(digits) {
                    Some(read) => read,
                    None => (
                        lone.ok_or(LoneSurrogate)?,
                        digits.get(4..).unwrap_or_default(),
                    ),
                };
                after = unread.chars();
                character
            }
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(itself) => itself,
            None => break,
        };
        text.push(character);
        rest = after.as_str();
    }
    text.push_str(rest);
    Ok(())
}

/// Reads `XXXX` or `XXXX\uXXXX` (a surrogate pair) and returns the rest.
fn decode_unicode(digits: &str) -> Option<(char, &str)> {
    let (first, rest) = decode_unit(digits)?;
    if !(0xd800..0xdc00).contains(&first) {
        return Some((char::from_u32(first)?, rest));
    }
    let (second, rest) = decode_unit(rest.strip_prefix("\\u")?)?;
    if !(0xdc00..0xe000).contains(&second) {
        return None;
    }
    let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    Some((char::from_u32(code)?, rest))
}

fn decode_unit(digits: &str) -> Option<(u32, &str)> {
    let (unit, rest) = digits.split_at_checked(4)?;
    Some((u32::from_str_radix(unit, 16).ok()?, rest))
}

/// Appends `text` to `out` as a JSON string with its quotes (RFC 8259, section 7).
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.reserve(escaped_length(text));
    out.push(b'"');
    for byte in text.bytes() {
        match short_escape(byte) {
            Some(letter) => out.extend_from_slice(&[b'\\', letter]),
            None if byte < 0x20 => {
                let hexadecimal = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[hexadecimal(byte >> 4), hexadecimal(byte & 15)]);
            }
            None => out.push(byte),
        }
    }
    out.push(b'"');
}

/// `text` as a JSON string.
pub fn spelled(text: &str) -> Wiped<String> {
    let mut raw = Vec::new();
    write_string(text, &mut raw);
    Wiped::new(String::from_utf8(raw).unwrap_or_default())
}

/// How many bytes [`write_string`] appends for `text`.
pub fn escaped_length(text: &str) -> usize {
    let cost = |byte| match short_escape(byte) {
        Some(_) => 2,
        None if byte < 0x20 => 6,
        None => 1,
    };
    2 + text.bytes().map(cost).sum::<usize>()
}

fn short_escape(byte: u8) -> Option<u8> {
    Some(match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => return None,
    })
}
