//! The canonical form of JSON (RFC 8785): two documents have the same one if they say the same to every reader.
//!
//! Documents that readers understand in different ways have none: those that repeat a member's name, that hold half of
//! a surrogate pair, or a number that a double cannot hold.

use std::borrow::Cow;
use std::ops::Range;

use crate::confidential::Wiped;
use crate::json::{
    Failure, Kind, LoneSurrogate, Object, Value, skip_string, skip_value, skip_whitespace,
    write_string,
};

/// How many arrays and objects may be nested.
const DEEPEST: usize = 128;
/// The largest integer of which a double holds every digit, 2^53.
const LARGEST_INTEGER: u64 = 1 << 53;

/// Why a document has no canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCanonical {
    /// An object has two members of one name.
    #[error("an object repeats the name of a member")]
    RepeatedName,
    /// A text holds half of a surrogate pair.
    #[error("a text is not Unicode")]
    LoneSurrogate,
    /// A number is beyond the doubles of IEEE 754, or is an integer of which a double loses digits.
    #[error("a number does not fit into a double")]
    Number,
    /// More than 128 arrays and objects are nested.
    #[error("the document is nested too deep")]
    TooDeep,
}

impl From<LoneSurrogate> for NotCanonical {
    fn from(_: LoneSurrogate) -> Self {
        Self::LoneSurrogate
    }
}

/// The canonical form of a value. Takes time in proportion to its length, except that out of place members are copied
/// once for each level.
pub fn canonical(value: Value<'_>) -> Result<Wiped<String>, NotCanonical> {
    let mut writer = Writer::new(value.raw());
    writer.value(0)?;
    Ok(writer.text())
}

/// The canonical form of those members of an object that have one of these names.
pub fn canonical_members(
    object: Object<'_>,
    names: &[&str],
) -> Result<Wiped<String>, NotCanonical> {
    let mut writer = Writer::new(object.raw());
    writer.object(0, |name| names.contains(&name))?;
    Ok(writer.text())
}

/// Reads checked JSON once, from `at` on, and writes its canonical form.
struct Writer<'a> {
    raw: &'a str,
    at: usize,
    out: Wiped<Vec<u8>>,
}

/// A member of an object: where its text lies in what is written.
struct Written<'a> {
    name: Cow<'a, str>,
    text: Range<usize>,
}

impl<'a> Writer<'a> {
    fn new(raw: &'a str) -> Self {
        Self {
            raw,
            at: 0,
            out: Wiped::new(Vec::with_capacity(raw.len())),
        }
    }

    /// What was written, which is UTF-8.
    fn text(mut self) -> Wiped<String> {
        Wiped::new(String::from_utf8(std::mem::take(&mut *self.out)).unwrap_or_default())
    }

    fn value(&mut self, depth: usize) -> Result<(), NotCanonical> {
        if depth > DEEPEST {
            return Err(NotCanonical::TooDeep);
        }
        match self.raw.as_bytes().get(self.at) {
            Some(b'{') => return self.object(depth, |_| true),
            Some(b'[') => return self.array(depth),
            _ => {}
        }
        let scalar = Value::of_checked(self.skip(skip_value));
        match scalar.as_text() {
            Some(text) => write_string(&text?, &mut self.out),
            None if scalar.kind() == Kind::Number => {
                self.out.extend_from_slice(number(scalar.raw())?.as_bytes());
            }
            None => self.out.extend_from_slice(scalar.raw().as_bytes()),
        }
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), NotCanonical> {
        let beginning = self.out.len();
        self.at += 1;
        self.out.push(b'[');
        while self.goes_on(b']') {
            if self.out.len() > beginning + 1 {
                self.out.push(b',');
            }
            self.value(depth + 1)?;
        }
        self.out.push(b']');
        Ok(())
    }

    /// Writes those members of an object that are wanted, in the order of their names' UTF-16 code units.
    fn object(
        &mut self,
        depth: usize,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<(), NotCanonical> {
        let beginning = self.out.len();
        self.at += 1;
        let mut members = Vec::new();
        while self.goes_on(b'}') {
            let name = self.name()?;
            let start = self.out.len();
            if !is_wanted(&name) {
                self.skip(skip_value);
                continue;
            }
            self.out.push(b',');
            write_string(&name, &mut self.out);
            self.out.push(b':');
            self.value(depth + 1)?;
            let text = start..self.out.len();
            members.push(Written { name, text });
        }
        let order = |one: &Written<'_>, other: &Written<'_>| {
            one.name.encode_utf16().cmp(other.name.encode_utf16())
        };
        if !members.is_sorted_by(|one, other| order(one, other).is_le()) {
            members.sort_by(order);
            let unordered = Wiped::new(self.out.split_off(beginning));
            for member in &members {
                let place = member.text.start - beginning..member.text.end - beginning;
                self.out
                    .extend_from_slice(unordered.get(place).unwrap_or_default());
            }
        }
        let is_repeated =
            |two: &[Written<'_>]| matches!(two, [one, other] if one.name == other.name);
        if members.windows(2).any(is_repeated) {
            return Err(NotCanonical::RepeatedName);
        }
        // Each member begins with a comma.
        match self.out.get_mut(beginning) {
            Some(first) => *first = b'{',
            None => self.out.push(b'{'),
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Reads the name of a member and the colon after it.
    fn name(&mut self) -> Result<Cow<'a, str>, NotCanonical> {
        let raw = self.skip(skip_string);
        let inner = raw.get(1..raw.len() - 1).unwrap_or_default();
        self.at = skip_whitespace(self.raw.as_bytes(), self.at) + 1;
        self.at = skip_whitespace(self.raw.as_bytes(), self.at);
        if !inner.contains('\\') {
            return Ok(Cow::Borrowed(inner));
        }
        let text = Value::of_checked(raw).as_text().ok_or(LoneSurrogate)??;
        Ok(Cow::Owned(text.as_str().to_owned()))
    }

    /// Goes to the next element or member of what is open. Returns false, and goes behind the closing bracket, if there is
    /// none.
    fn goes_on(&mut self, closing: u8) -> bool {
        let bytes = self.raw.as_bytes();
        self.at = skip_whitespace(bytes, self.at);
        match bytes.get(self.at) {
            Some(b',') => {
                self.at = skip_whitespace(bytes, self.at + 1);
                true
            }
            Some(byte) if *byte == closing => {
                self.at += 1;
                false
            }
            next => next.is_some(),
        }
    }

    /// Reads what `skip` goes over.
    fn skip(&mut self, skip: fn(&[u8], usize) -> Result<usize, Failure>) -> &'a str {
        let start = self.at;
        self.at = skip(self.raw.as_bytes(), start).unwrap_or(self.raw.len());
        self.raw.get(start..self.at).unwrap_or_default()
    }
}

/// A number as ECMAScript writes it (ECMA-262, `Number::toString`).
fn number(raw: &str) -> Result<String, NotCanonical> {
    let value: f64 = raw.parse().map_err(|_| NotCanonical::Number)?;
    if !value.is_finite() {
        return Err(NotCanonical::Number);
    }
    let text = written(value).ok_or(NotCanonical::Number)?;
    let is_integer = !raw.contains(['.', 'e', 'E']);
    let digits = raw.trim_start_matches('-');
    let is_small = || {
        digits
            .parse()
            .is_ok_and(|whole: u64| whole <= LARGEST_INTEGER)
    };
    if is_integer && text != raw && !is_small() {
        return Err(NotCanonical::Number);
    }
    Ok(text)
}

fn written(value: f64) -> Option<String> {
    if value == 0.0 {
        // Also for -0.
        return Some("0".to_owned());
    }
    let magnitude = value.abs();
    let shortest = format!("{magnitude:e}");
    let (mantissa, _) = shortest.split_once('e')?;
    // As many digits as the shortest text has, but of two that are equally close the even one.
    let decimals = mantissa.len().saturating_sub(2);
    let closest = format!("{magnitude:.decimals$e}");
    let is_same = closest.parse() == Ok(magnitude);
    let scientific = if is_same { closest } else { shortest };
    let (mantissa, exponent) = scientific.split_once('e')?;
    let sign = if value < 0.0 { "-" } else { "" };
    let digits = mantissa.replace('.', "");
    Some(format!(
        "{sign}{}",
        spelled(&digits, exponent.parse().ok()?)
    ))
}

/// `digits`, of which the first stands for this power of ten.
fn spelled(digits: &str, exponent: i32) -> String {
    let before_point = usize::try_from(exponent + 1).unwrap_or(0);
    match exponent {
        0..=20 if digits.len() <= before_point => {
            format!("{digits}{}", "0".repeat(before_point - digits.len()))
        }
        0..=20 => {
            let (whole, fraction) = digits.split_at(before_point);
            format!("{whole}.{fraction}")
        }
        -6..0 => {
            let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
            format!("0.{}{digits}", "0".repeat(zeros))
        }
        _ => {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            format!("{first}{point}{rest}e{exponent:+}")
        }
    }
}

#[cfg(test)]
mod tests;
