//! Reads JSON text in place, with the error messages of Python's `json.loads` and values as slices of the input.
//!
//! [`parse`] checks a whole document without recursion, in linear time and constant memory, and returns a [`Value`]: a
//! kind and the source text. Nothing is copied until a string is decoded. `scanner` is the grammar, `strings` handles
//! escapes, [`Object`] and [`Array`] are views, and a [`Tree`] is a value under modification.
//!
//! [`unambiguous`] reads documents of others in which no member may be repeated.
//!
//! It differs from Python on purpose: `NaN` and `Infinity` are syntax errors, and UTF-16 and UTF-32 are refused.

mod error;
mod object;
mod scanner;
mod strings;
#[cfg(test)]
pub(crate) mod tests;
mod tree;
pub mod unambiguous;
mod value;

pub use error::{Error, MAXIMUM_DEPTH, MAXIMUM_INTEGER_DIGITS};
pub use object::{Array, Member, Object};
pub(crate) use scanner::{Failure, skip_string, skip_value, skip_whitespace};
pub(crate) use strings::decode_lossily;
pub use strings::{LoneSurrogate, escaped_length, spelled, write_string};
pub use tree::{Members, Tree};
pub use value::{Kind, OwnedValue, Value};

/// Checks `document`, UTF-8 with or without a byte order mark, and returns its value.
pub fn parse(document: &[u8]) -> Result<Value<'_>, Error> {
    if looks_like_wide_characters(document) {
        return Err(Error::NotUtf8);
    }
    let text = std::str::from_utf8(document).map_err(|_| Error::NotUtf8)?;
    parse_text(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Checks `text` and returns its value; a byte order mark is a syntax error here.
pub fn parse_text(text: &str) -> Result<Value<'_>, Error> {
    let bytes = text.as_bytes();
    let start = scanner::skip_whitespace(bytes, 0);
    let failed = |failure: scanner::Failure| failure.into_error(text);
    let end = scanner::skip_value(bytes, start).map_err(failed)?;
    let rest = scanner::skip_whitespace(bytes, end);
    if rest != bytes.len() {
        return Err(failed(scanner::Failure::Syntax("Extra data", rest)));
    }
    text.get(start..end)
        .map(Value::of_checked)
        .ok_or(Error::NotUtf8)
}

/// Python's `json.detect_encoding` recognises UTF-16 and UTF-32 without a byte order mark by these zero bytes.
fn looks_like_wide_characters(document: &[u8]) -> bool {
    match document {
        [first, second] | [first, second, _, _, ..] => *first == 0 || *second == 0,
        _ => false,
    }
}
