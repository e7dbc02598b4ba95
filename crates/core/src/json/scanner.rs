//! The grammar of JSON as `CPython`'s C scanner implements it (`Modules/_json.c`, 3.8 to 3.12).
//!
//! It works on bytes of valid UTF-8 and never recurses: each open array or object is one bit. Start at [`skip_value`].
//! Every function takes an index and returns the index after what it read.

use super::error::{Error, MAXIMUM_DEPTH, MAXIMUM_INTEGER_DIGITS};

const EXPECTING_VALUE: &str = "Expecting value";
const EXPECTING_COMMA: &str = "Expecting ',' delimiter";

/// An error with a byte index; [`Error`] has an index in code points.
#[derive(Clone, Copy)]
pub(crate) enum Failure {
    Syntax(&'static str, usize),
    TooDeep,
    NumberTooLong,
}

impl Failure {
    pub(super) fn into_error(self, text: &str) -> Error {
        match self {
            Self::Syntax(message, index) => {
                let before = text.get(..index).unwrap_or(text);
                Error::Syntax {
                    message,
                    position: before.chars().count(),
                }
            }
            Self::TooDeep => Error::TooDeep,
            Self::NumberTooLong => Error::NumberTooLong,
        }
    }
}

/// The open arrays and objects, one bit each.
struct Open {
    depth: usize,
    objects: [u64; MAXIMUM_DEPTH.div_ceil(64)],
}

impl Open {
    fn push(&mut self, is_object: bool) -> Result<(), Failure> {
        if self.depth == MAXIMUM_DEPTH {
            return Err(Failure::TooDeep);
        }
        if let Some(word) = self.objects.get_mut(self.depth / 64) {
            let bit = 1_u64 << (self.depth % 64);
            *word = if is_object { *word | bit } else { *word & !bit };
        }
        self.depth += 1;
        Ok(())
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Whether the innermost one is an object; `None` when nothing is open.
    fn innermost_is_object(&self) -> Option<bool> {
        let level = self.depth.checked_sub(1)?;
        self.objects
            .get(level / 64)
            .map(|word| word & (1 << (level % 64)) != 0)
    }
}

pub(crate) fn skip_whitespace(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
        .count()
}

/// Reads one value of any kind, which must start exactly at `from`.
pub(crate) fn skip_value(bytes: &[u8], from: usize) -> Result<usize, Failure> {
    let mut open = Open {
        depth: 0,
        objects: [0; MAXIMUM_DEPTH.div_ceil(64)],
    };
    let mut at = from;
    loop {
        at = match bytes.get(at) {
            Some(opening @ (b'{' | b'[')) => {
                let is_object = *opening == b'{';
                open.push(is_object)?;
                let first = skip_whitespace(bytes, at + 1);
                let closing = if is_object { b'}' } else { b']' };
                if bytes.get(first) == Some(&closing) {
                    open.pop();
                    first + 1
                } else {
                    at = if is_object {
                        skip_key(bytes, first)?
                    } else {
                        first
                    };
                    continue;
                }
            }
            _ => skip_scalar(bytes, at)?,
        };
        match close(bytes, at, &mut open)? {
            Next::Value(index) => at = index,
            Next::End(index) => return Ok(index),
        }
    }
}

enum Next {
    Value(usize),
    End(usize),
}

/// After a value, closes what ends, up to the comma before the next value or the end of the outermost one.
fn close(bytes: &[u8], from: usize, open: &mut Open) -> Result<Next, Failure> {
    let mut at = from;
    while let Some(is_object) = open.innermost_is_object() {
        at = skip_whitespace(bytes, at);
        match (bytes.get(at), is_object) {
            (Some(b','), true) => {
                return skip_key(bytes, skip_whitespace(bytes, at + 1)).map(Next::Value);
            }
            (Some(b','), false) => return Ok(Next::Value(skip_whitespace(bytes, at + 1))),
            (Some(b'}'), true) | (Some(b']'), false) => {
                open.pop();
                at += 1;
            }
            _ => return Err(Failure::Syntax(EXPECTING_COMMA, at)),
        }
    }
    Ok(Next::End(at))
}

/// Reads `"key" :` and the space after it.
fn skip_key(bytes: &[u8], from: usize) -> Result<usize, Failure> {
    if bytes.get(from) != Some(&b'"') {
        return Err(Failure::Syntax(
            "Expecting property name enclosed in double quotes",
            from,
        ));
    }
    let at = skip_whitespace(bytes, skip_string(bytes, from)?);
    if bytes.get(at) != Some(&b':') {
        return Err(Failure::Syntax("Expecting ':' delimiter", at));
    }
    Ok(skip_whitespace(bytes, at + 1))
}

fn skip_scalar(bytes: &[u8], from: usize) -> Result<usize, Failure> {
    let rest = bytes.get(from..).unwrap_or_default();
    match rest.first() {
        Some(b'"') => skip_string(bytes, from),
        Some(b'-' | b'0'..=b'9') => skip_number(rest, from),
        Some(b'n') if rest.starts_with(b"null") => Ok(from + 4),
        Some(b't') if rest.starts_with(b"true") => Ok(from + 4),
        Some(b'f') if rest.starts_with(b"false") => Ok(from + 5),
        _ => Err(Failure::Syntax(EXPECTING_VALUE, from)),
    }
}

/// Reads the string whose opening quote is at `from`; returns the index after the closing quote.
pub(crate) fn skip_string(bytes: &[u8], from: usize) -> Result<usize, Failure> {
    let mut at = from + 1;
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => match bytes.get(at + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at += 2,
                Some(b'u') => {
                    let digits = bytes.get(at + 2..at + 6).unwrap_or_default();
                    let is_whole = digits.len() == 4 && digits.iter().all(u8::is_ascii_hexdigit);
                    // CPython requires one more character, whatever it is, before it reads the digits.
                    if !is_whole || bytes.len() == at + 6 {
                        return Err(Failure::Syntax("Invalid \\uXXXX escape", at + 1));
                    }
                    at += 6;
                }
                Some(_) => return Err(Failure::Syntax("Invalid \\escape", at)),
                None => return Err(Failure::Syntax("Unterminated string starting at", from)),
            },
            Some(0..=0x1f) => return Err(Failure::Syntax("Invalid control character at", at)),
            Some(_) => at += 1,
            None => return Err(Failure::Syntax("Unterminated string starting at", from)),
        }
    }
}

/// Reads the longest number at the start of `rest`, which is at index `from` of the document.
fn skip_number(rest: &[u8], from: usize) -> Result<usize, Failure> {
    let sign = usize::from(rest.first() == Some(&b'-'));
    let digits = match rest.get(sign) {
        Some(b'0') => 1,
        _ => count_digits(rest, sign),
    };
    if digits == 0 {
        return Err(Failure::Syntax(EXPECTING_VALUE, from));
    }
    let whole = sign + digits;
    let mut end = whole;
    if rest.get(end) == Some(&b'.') {
        let fraction = count_digits(rest, end + 1);
        end += if fraction == 0 { 0 } else { 1 + fraction };
    }
    if matches!(rest.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(rest.get(end + 1), Some(b'+' | b'-')));
        let exponent = count_digits(rest, end + 1 + sign);
        end += if exponent == 0 {
            0
        } else {
            1 + sign + exponent
        };
    }
    if end == whole && digits > MAXIMUM_INTEGER_DIGITS {
        return Err(Failure::NumberTooLong);
    }
    Ok(from + end)
}

fn count_digits(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
}
