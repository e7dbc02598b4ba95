//! JSON in which no object repeats a member, at any depth.
//!
//! Parsers disagree about which repetition counts, so they would read different tokens (RFC 8725, section 2.4).

use super::{Object, Value, parse_text};

/// The object in `bytes`, with nothing around it.
pub fn object(bytes: &[u8]) -> Option<Object<'_>> {
    let value = parse_text(std::str::from_utf8(bytes).ok()?).ok()?;
    value.as_object().filter(|_| is_unambiguous(value))
}

/// The text of a string.
pub fn text(value: Value<'_>) -> Option<String> {
    Some(value.as_text()?.ok()?.to_string())
}

/// The elements of an array, each parsed by `read`.
pub fn array<'a, T>(value: Value<'a>, read: impl FnMut(Value<'a>) -> Option<T>) -> Option<Vec<T>> {
    value.as_array()?.elements().map(read).collect()
}

/// Whether an object in it, at any depth, repeats the name of a member. A name with half a character counts as repeated:
/// parsers read it in different ways. The parser limits the depth.
pub fn repeats_a_name(value: Value<'_>) -> bool {
    if let Some(object) = value.as_object() {
        !object.members().is_ok_and(|members| {
            members.len() == object.written_members()
                && !members.iter().any(|member| repeats_a_name(member.value))
        })
    } else if let Some(array) = value.as_array() {
        array.elements().any(repeats_a_name)
    } else {
        false
    }
}

/// Whether every parser finds the same members, text and numbers. The parser limits the depth.
fn is_unambiguous(value: Value<'_>) -> bool {
    if let Some(object) = value.as_object() {
        object.members().is_ok_and(|members| {
            members.len() == object.written_members()
                && members.iter().all(|member| is_unambiguous(member.value))
        })
    } else if let Some(array) = value.as_array() {
        array.elements().all(is_unambiguous)
    } else if let Some(number) = value.as_number() {
        number.parse::<f64>().is_ok_and(f64::is_finite)
    } else {
        value.as_text().is_none_or(|text| text.is_ok())
    }
}
