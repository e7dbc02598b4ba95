//! Converts text to the JSON type that a schema requires.

use crate::confidential::Wiped;
use crate::json::{self, Kind, Value, parse_text};

/// The types of value that a schema takes at one place (JSON Schema, keyword `type`). The default is any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Types(u8);

/// The names of the types, each with its bit. Every integer is a number too.
const NAMES: [(&str, u8); 7] = [
    ("string", STRING),
    ("integer", INTEGER),
    ("number", NUMBER),
    ("boolean", BOOLEAN),
    ("array", ARRAY),
    ("object", OBJECT),
    ("null", NULL),
];
const STRING: u8 = 0b000_0001;
const INTEGER: u8 = 0b000_0010;
const FRACTION: u8 = 0b000_0100;
const NUMBER: u8 = 0b000_0110;
const BOOLEAN: u8 = 0b000_1000;
const ARRAY: u8 = 0b001_0000;
const OBJECT: u8 = 0b010_0000;
const NULL: u8 = 0b100_0000;
const ALL: u8 = 0b111_1111;

impl Default for Types {
    fn default() -> Self {
        Self::ANY
    }
}

impl Types {
    /// Any type.
    pub const ANY: Self = Self(ALL);
    /// No type.
    pub const NONE: Self = Self(0);

    /// The type of that name; any for a name that JSON Schema does not know.
    pub fn named(name: &str) -> Self {
        let known = NAMES.iter().find(|(other, _)| *other == name);
        known.map_or(Self::ANY, |(_, bits)| Self(*bits))
    }

    /// The type of a value.
    pub fn of(value: Value<'_>) -> Self {
        Self(match value.kind() {
            Kind::Null => NULL,
            Kind::Bool => BOOLEAN,
            Kind::Number if is_integer(value.raw()) => INTEGER,
            Kind::Number => FRACTION,
            Kind::String => STRING,
            Kind::Array => ARRAY,
            Kind::Object => OBJECT,
        })
    }

    /// The types of either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The types of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The JSON text for `text`: a string where one is allowed, otherwise the number, boolean, array or object that
    /// the text spells. `None` if no allowed type fits.
    ///
    /// White space around the text does not count, nor does the case of `true` and `false`.
    pub fn spell(self, text: &str) -> Option<Wiped<String>> {
        if self.0 & STRING != 0 {
            return Some(json::spelled(text));
        }
        let text = text.trim();
        let word = ["true", "false"]
            .into_iter()
            .find(|word| text.eq_ignore_ascii_case(word));
        let value = parse_text(word.unwrap_or(text)).ok()?;
        let fits = Self::of(value).0 & self.0 & !NULL != 0;
        fits.then(|| Wiped::new(value.raw().to_owned()))
    }

    /// The types in words, such as `integer or boolean`. Null is left out, because no secret is null.
    pub fn in_words(self) -> String {
        let mut left = self.0 & !NULL;
        let mut words = Vec::new();
        // `number` comes before its part `integer`.
        for (name, bits) in NAMES.iter().rev() {
            if left & bits == *bits {
                words.push(*name);
                left &= !bits;
            }
        }
        words.reverse();
        words.join(" or ")
    }
}

/// Whether a number has no fraction: `1` and `1.0` do not.
fn is_integer(number: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let digits = number.strip_prefix('-').unwrap_or(number);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    whole.bytes().all(is_digit) && fraction.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(names: &[&str]) -> Types {
        let types = names.iter().map(|name| Types::named(name));
        types.fold(Types::NONE, Types::or)
    }

    #[test]
    fn text_becomes_what_the_schema_takes() {
        for (names, text, expected) in [
            (&["string"][..], "12345678", Some("\"12345678\"")),
            (&["integer", "string"], "12345678", Some("\"12345678\"")),
            (&["integer"], "12345678", Some("12345678")),
            (&["integer"], " -12345678\n", Some("-12345678")),
            (&["integer"], "1.0", Some("1.0")),
            (&["integer"], "1.5", None),
            (&["integer"], "1e3", None),
            (&["integer"], "0042", None),
            (&["integer"], "+42", None),
            (&["integer"], "4 2", None),
            (&["integer"], "NaN", None),
            (&["integer"], "true", None),
            (&["integer"], "", None),
            (&["integer"], "\"42\"", None),
            (&["number"], "42", Some("42")),
            (&["number"], "1.5e400", Some("1.5e400")),
            (
                &["integer"],
                "123456789012345678901234567890",
                Some("123456789012345678901234567890"),
            ),
            (&["boolean"], "true", Some("true")),
            (&["boolean"], "False", Some("false")),
            (&["boolean"], "1", None),
            (&["boolean", "null"], "null", None),
            (&["array"], "[1, \"a\"]", Some("[1, \"a\"]")),
            (&["object"], "{\"a\": 1.0}\n", Some("{\"a\": 1.0}")),
            (&["object"], "[1]", None),
            (&["array"], "plain text", None),
            (&["null"], "null", None),
            (&[], "text", None),
        ] {
            let spelled = types(names).spell(text);
            assert_eq!(
                spelled.as_ref().map(|text| text.as_str()),
                expected,
                "{names:?} {text}"
            );
        }
        assert_eq!(Types::ANY.spell("1").unwrap().as_str(), "\"1\"");
        assert_eq!(Types::named("file"), Types::ANY);
    }

    #[test]
    fn types_are_sets() {
        let (number, text) = (types(&["number", "null"]), types(&["string", "integer"]));
        assert_eq!(number.and(text), types(&["integer"]));
        assert_eq!(number.or(text), types(&["number", "null", "string"]));
        assert_eq!(number.and(types(&["object"])), Types::NONE);
        let all = NAMES.map(|(name, _)| name);
        assert_eq!(types(&all), Types::ANY);
    }

    #[test]
    fn types_are_put_in_words() {
        for (names, words) in [
            (&["integer"][..], "integer"),
            (&["number"], "number"),
            (&["integer", "number", "null"], "number"),
            (&["boolean", "integer", "null"], "integer or boolean"),
        ] {
            assert_eq!(types(names).in_words(), words);
        }
    }
}
