//! Integers as pydantic's lax mode parses them (pydantic-core, `input/shared.rs`; jiter).
//!
//! Numbers beyond 64 bits become the nearest 64-bit number, because no limit in this API is that large.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::error::Problem;

/// The most digits of an integer in text.
const MAXIMUM_DIGITS: usize = 4300;

/// The result for an integer that is too large for 64 bits.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Size {
    Any,
    SixtyFourBits,
}

/// The integer in a JSON number.
pub(super) fn of_number(number: &str, size: Size) -> Result<i64, Problem> {
    let too_large = || {
        let message = "Unable to parse input string as an integer, exceeded maximum size";
        Problem::new("int_parsing_size", message)
    };
    if !number.contains(['.', 'e', 'E']) {
        let saturated = saturating(number);
        return match number.parse() {
            Ok(number) => Ok(number),
            Err(_) if size == Size::Any => Ok(saturated),
            Err(_) => Err(too_large()),
        };
    }
    // The scanner accepts no other spelling, and every spelling has a nearest f64.
    let float = number.parse::<f64>().unwrap_or(f64::NAN);
    if !float.is_finite() {
        return Err(Problem::new(
            "finite_number",
            "Input should be a finite number",
        ));
    }
    if float.fract() != 0.0 {
        let message = "Input should be a valid integer, got a number with a fractional part";
        return Err(Problem::new("int_from_float", message));
    }
    // A whole number, exact as text. Unlike a cast, parsing fails beyond 64 bits.
    match format!("{float:.0}").parse::<i64>() {
        Ok(number) if number > i64::MIN => Ok(number),
        _ => Err(too_large()),
    }
}

/// The integer in a text: also ` +1_000 `, `007` and `1.00`.
pub(super) fn of_text(text: &str) -> Result<i64, Problem> {
    let unreadable = || {
        let message = "Input should be a valid integer, unable to parse string as an integer";
        Problem::new("int_parsing", message)
    };
    match canonical(text) {
        Ok(number) => Ok(number),
        Err(Refused::TooLong) => {
            let message = "Unable to parse input string as an integer, exceeded maximum size";
            Err(Problem::new("int_parsing_size", message))
        }
        Err(Refused::NotCanonical) => {
            let cleaned = clean(text).ok_or_else(unreadable)?;
            canonical(&cleaned).map_err(|_| unreadable())
        }
    }
}

/// The number, if it is in the range.
pub(super) fn within(number: i64, range: RangeInclusive<i64>) -> Result<i64, Problem> {
    let (least, most) = range.into_inner();
    if number > most {
        let message = format!("Input should be less than or equal to {most}");
        return Err(Problem::new("less_than_equal", message).with("le", most));
    }
    if number < least {
        let message = format!("Input should be greater than or equal to {least}");
        return Err(Problem::new("greater_than_equal", message).with("ge", least));
    }
    Ok(number)
}

enum Refused {
    TooLong,
    NotCanonical,
}

/// Parses an integer as JSON spells it. Checks the length before what follows the digits.
fn canonical(text: &str) -> Result<i64, Refused> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let after = digits.trim_start_matches(|character: char| character.is_ascii_digit());
    let has_leading_zero = digits.starts_with('0') && digits != "0";
    if after.len() == digits.len() || has_leading_zero {
        return Err(Refused::NotCanonical);
    }
    if digits.len() - after.len() > MAXIMUM_DIGITS {
        return Err(Refused::TooLong);
    }
    if after.is_empty() {
        Ok(saturating(text))
    } else {
        Err(Refused::NotCanonical)
    }
}

fn saturating(digits: &str) -> i64 {
    digits.parse().unwrap_or(if digits.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    })
}

/// Removes space, a plus, leading zeros, a fraction of zeros and single underscores.
fn clean(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    let (is_negative, digits) = match text.strip_prefix('+') {
        Some(after) if after.starts_with('-') => return None,
        Some(after) => (false, after),
        None => text
            .strip_prefix('-')
            .map_or((false, text), |after| (true, after)),
    };
    if is_negative && digits.starts_with(['-', '+']) {
        return None;
    }
    let digits = without_fraction(without_leading_zeros(digits)?);
    let has_separators = digits.contains('_')
        && !digits.starts_with('_')
        && !digits.ends_with('_')
        && !digits.contains("__");
    let digits = if has_separators {
        digits.replace('_', "").into()
    } else {
        Cow::from(digits)
    };
    Some(if is_negative {
        format!("-{digits}").into()
    } else {
        digits
    })
}

/// Zeros may have underscores between them; one zero is kept before a dot or the end.
fn without_leading_zeros(digits: &str) -> Option<&str> {
    if !digits.starts_with('0') {
        return digits
            .starts_with(|first: char| first.is_ascii_digit())
            .then_some(digits);
    }
    let rest = digits.trim_start_matches(['0', '_']);
    let zeros = digits.len() - rest.len();
    match rest.chars().next() {
        // pydantic accepts "0-1" as -1.
        Some('1'..='9' | '-') => Some(rest),
        Some('.') | None => digits.get(zeros - 1..),
        Some(_) => None,
    }
}

fn without_fraction(digits: &str) -> &str {
    match digits.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => {
            whole
        }
        _ => digits,
    }
}
