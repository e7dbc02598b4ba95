//! Values and names in headers: as they are where that is safe, or else in Base64
//! (specification 2026-07-28, Streamable HTTP, "Value Encoding").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use toolvault_core::json::{Kind, Value};
use zeroize::Zeroizing;

use crate::http::HeaderValue;

const OPENING: &str = "=?base64?";
const CLOSING: &str = "?=";
/// The integers that JavaScript can tell apart.
const LARGEST: i64 = (1 << 53) - 1;

/// The value of the header `Mcp-Param-…` that repeats an argument. It is marked as sensitive.
///
/// None for what needs no header (`null`) and for what none can repeat: lists, objects, numbers that are
/// written with a fraction or an exponent, and integers beyond ±(2^53 - 1).
pub(crate) fn header_value(value: Value<'_>) -> Option<HeaderValue> {
    match value.kind() {
        Kind::String => header_text(&value.as_text()?.ok()?),
        Kind::Bool => header_text(value.raw()),
        Kind::Number => header_text(&Zeroizing::new(integer(value.raw())?.to_string())),
        Kind::Null | Kind::Array | Kind::Object => None,
    }
}

/// The value of a header that holds `text`: an argument, or the name of a tool in `Mcp-Name`. It is marked as sensitive.
pub(crate) fn header_text(text: &str) -> Option<HeaderValue> {
    let mut value = if is_plain(text) {
        HeaderValue::from_str(text).ok()?
    } else {
        let length = text.len().div_ceil(3) * 4 + OPENING.len() + CLOSING.len();
        let mut encoded = Zeroizing::new(String::with_capacity(length));
        encoded.push_str(OPENING);
        STANDARD.encode_string(text, &mut encoded);
        encoded.push_str(CLOSING);
        HeaderValue::from_str(&encoded).ok()?
    };
    value.set_sensitive(true);
    Some(value)
}

fn is_plain(text: &str) -> bool {
    let is_safe = |byte: u8| matches!(byte, b'\t' | b' '..=b'~');
    text.bytes().all(is_safe)
        && text.trim_ascii() == text
        && !(text.starts_with(OPENING) && text.ends_with(CLOSING))
}

fn integer(number: &str) -> Option<i64> {
    let whole = match number.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => return None,
        None => number,
    };
    let integer: i64 = whole.parse().ok()?;
    (-LARGEST..=LARGEST).contains(&integer).then_some(integer)
}
