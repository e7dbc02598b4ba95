//! Query strings as Starlette parses them (`urllib.parse.parse_qsl`, blank values kept).

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::check;
use super::error::ValidationErrors;
use super::percent::percent_decode;

/// The parameters of a query string, in order.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn parse(raw: Option<&str>) -> Self {
        // ASGI passes bytes, and Starlette decodes them as Latin-1.
        let latin: Cow<'_, str> = match raw.unwrap_or_default() {
            raw if raw.is_ascii() => raw.into(),
            raw => raw.bytes().map(char::from).collect(),
        };
        let decode = |text: &str| percent_decode(&text.replace('+', " "));
        let pieces = latin.split('&').filter(|piece| !piece.is_empty());
        let pairs = pieces.map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            (decode(name), decode(value))
        });
        Self {
            pairs: pairs.collect(),
        }
    }

    /// The last value with that name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let last = self.pairs.iter().rev().find(|(known, _)| known == name)?;
        Some(&last.1)
    }

    /// The text of an optional parameter.
    pub(crate) fn text(&self, name: &'static str, errors: &mut ValidationErrors) -> Option<String> {
        let text = self.get(name)?;
        let checked = check::without_nul(text).map(|()| text.to_owned());
        errors.keep(checked, || vec!["query".into(), name.into()])
    }

    /// The number of an optional parameter.
    pub(crate) fn integer(
        &self,
        name: &'static str,
        range: RangeInclusive<i64>,
        errors: &mut ValidationErrors,
    ) -> Option<i64> {
        let number = check::integer_text(self.get(name)?, range);
        errors.keep(number, || vec!["query".into(), name.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_split_as_python_splits_them() {
        let query = Query::parse(Some("a=1&&b&=x&a=2+%2B%zz%&c=%FF%f0%9f%98%80é&d=%C3é;e=1"));
        assert_eq!(query.get("a"), Some("2 +%zz%"));
        assert_eq!(query.get("b"), Some(""));
        assert_eq!(query.get(""), Some("x"));
        assert_eq!(query.get("c"), Some("\u{fffd}😀Ã©"));
        assert_eq!(query.get("d"), Some("\u{fffd}Ã©;e=1"));
        assert_eq!(query.get("e"), None);
        assert!(Query::parse(None).get("").is_none());
    }
}
