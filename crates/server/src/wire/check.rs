//! Checks one JSON value against one type, in pydantic's lax mode and with its messages.

use std::ops::RangeInclusive;

use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Array, Object, Value};
use uuid::Uuid;

use super::error::Problem;
use super::{identifier, integer};

/// A string with a length in `range`, in code points, without NUL (which PostgreSQL cannot store).
pub(crate) fn text(
    value: Value<'_>,
    lengths: RangeInclusive<usize>,
) -> Result<Wiped<String>, Problem> {
    let wrong_type = || Problem::new("string_type", "Input should be a valid string");
    let text = decoded(value).ok_or_else(wrong_type)??;
    within(&text, lengths)?;
    Ok(text)
}

/// Requires a length in `lengths`, in code points, and no NUL.
pub(crate) fn within(text: &str, lengths: RangeInclusive<usize>) -> Result<(), Problem> {
    let length = text.chars().count();
    let plural = |count: &usize| if *count == 1 { "" } else { "s" };
    if length > *lengths.end() {
        let most = lengths.end();
        let message = format!(
            "String should have at most {most} character{}",
            plural(most)
        );
        return Err(Problem::new("string_too_long", message).with("max_length", *most));
    }
    if length < *lengths.start() {
        let least = lengths.start();
        let message = format!(
            "String should have at least {least} character{}",
            plural(least)
        );
        return Err(Problem::new("string_too_short", message).with("min_length", *least));
    }
    without_nul(text)
}

/// Requires a number of members in `lengths`. `field` is `List` or `Dictionary`.
pub(crate) fn count(
    field: &'static str,
    members: usize,
    lengths: RangeInclusive<usize>,
) -> Result<(), Problem> {
    let (kind, word, limit, name) = if members < *lengths.start() {
        ("too_short", "least", *lengths.start(), "min_length")
    } else if members > *lengths.end() {
        ("too_long", "most", *lengths.end(), "max_length")
    } else {
        return Ok(());
    };
    let items = if limit == 1 { "item" } else { "items" };
    let message =
        format!("{field} should have at {word} {limit} {items} after validation, not {members}");
    Err(Problem::new(kind, message)
        .with("field_type", field)
        .with(name, limit)
        .with("actual_length", members))
}

/// The rule for every text that this server stores or searches for.
pub(super) fn without_nul(text: &str) -> Result<(), Problem> {
    if text.contains('\0') {
        return Err(Problem::value_error("NUL is not allowed"));
    }
    Ok(())
}

/// A boolean, a number equal to 0 or 1, or one of the words for a boolean in any case.
pub(crate) fn boolean(value: Value<'_>) -> Result<bool, Problem> {
    let wrong_type = || Problem::new("bool_type", "Input should be a valid boolean");
    if let Some(boolean) = value.as_bool() {
        return Ok(boolean);
    }
    let interpreted = if let Some(text) = decoded(value) {
        word_as_boolean(&text?)
    } else {
        let number = value.as_number().ok_or_else(wrong_type)?;
        match integer::of_number(number, integer::Size::SixtyFourBits).map_err(|_| wrong_type())? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    };
    let message = "Input should be a valid boolean, unable to interpret input";
    interpreted.ok_or_else(|| Problem::new("bool_parsing", message))
}

fn word_as_boolean(text: &str) -> Option<bool> {
    let is_one_of = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(&["1", "t", "y", "on", "yes", "true"]) {
        return Some(true);
    }
    is_one_of(&["0", "f", "n", "no", "off", "false"]).then_some(false)
}

/// An integer, also as a decimal, a boolean or a string. One beyond 64 bits becomes the nearest.
pub(crate) fn integer(value: Value<'_>, range: RangeInclusive<i64>) -> Result<i64, Problem> {
    let number = if let Some(boolean) = value.as_bool() {
        i64::from(boolean)
    } else if let Some(text) = decoded(value) {
        integer::of_text(&text?)?
    } else if let Some(number) = value.as_number() {
        integer::of_number(number, integer::Size::Any)?
    } else {
        return Err(Problem::new("int_type", "Input should be a valid integer"));
    };
    integer::within(number, range)
}

/// An array. Read its elements with [`Fields::each`](super::Fields::each).
pub(crate) fn list(value: Value<'_>) -> Result<Array<'_>, Problem> {
    let wrong_type = || Problem::new("list_type", "Input should be a valid list");
    value.as_array().ok_or_else(wrong_type)
}

/// An object. Read its members with [`Fields::inside`](super::Fields::inside).
pub(crate) fn dictionary(value: Value<'_>) -> Result<Object<'_>, Problem> {
    let wrong_type = || Problem::new("dict_type", "Input should be a valid dictionary");
    value.as_object().ok_or_else(wrong_type)
}

/// A string with a UUID in any of its forms.
pub(crate) fn uuid(value: Value<'_>) -> Result<Uuid, Problem> {
    let message = "UUID input should be a string, bytes or UUID object";
    let text = decoded(value).ok_or_else(|| Problem::new("uuid_type", message))??;
    identifier::parse(&text)
}

/// An integer in text, as in a path.
pub(crate) fn integer_text(text: &str, range: RangeInclusive<i64>) -> Result<i64, Problem> {
    integer::of_text(text).and_then(|number| integer::within(number, range))
}

/// A UUID in text, as in a query.
pub(crate) fn uuid_text(text: &str) -> Result<Uuid, Problem> {
    identifier::parse(text)
}

fn decoded(value: Value<'_>) -> Option<Result<Wiped<String>, Problem>> {
    let message = "Input should be a valid string, unable to parse raw data as a unicode string";
    Some(
        value
            .as_text()?
            .map_err(|_| Problem::new("string_unicode", message)),
    )
}
