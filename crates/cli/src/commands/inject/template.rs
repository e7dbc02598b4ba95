//! A text of any kind with references in it.

use std::collections::BTreeMap;

use toolvault_core::confidential::Wiped;
use toolvault_core::reference::Reference;

const SCHEME: &str = "secret://";
const OPENING: &str = "{{";
const CLOSING: &str = "}}";

/// A text, cut at its references.
pub(super) struct Template<'a> {
    parts: Vec<Part<'a>>,
    references: BTreeMap<String, String>,
}

enum Part<'a> {
    Text(&'a str),
    /// The argument for which the reference is resolved.
    Reference(String),
}

impl<'a> Template<'a> {
    /// Reads a text. An error has its line, and repeats nothing of it.
    pub(super) fn parse(text: &'a str) -> Result<Self, (usize, String)> {
        let (mut parts, mut references) = (Vec::new(), BTreeMap::new());
        let mut rest = text;
        while let Some(place) = spelled_at(rest) {
            let line = || {
                let read = text.len() - rest.len() + place;
                1 + text
                    .bytes()
                    .take(read)
                    .filter(|&byte| byte == b'\n')
                    .count()
            };
            let (before, from) = rest.split_at(place);
            let before = before
                .trim_end_matches([' ', '\t'])
                .strip_suffix(OPENING)
                .ok_or_else(|| (line(), "a secret is named without braces".to_owned()))?;
            let (inside, behind) = from
                .split_once(CLOSING)
                .ok_or_else(|| (line(), format!("a '{OPENING}' has no '{CLOSING}'")))?;
            let reference = Reference::parse(inside.trim_end_matches([' ', '\t']))
                .map_err(|error| (line(), error.to_string()))?;
            parts.push(Part::Text(before));
            let written = reference.to_string();
            let argument = match &reference {
                // As in a reference, so that no name is a path to a member.
                Reference::Name(_) => written.trim_start_matches(SCHEME).to_owned(),
                Reference::Id(id) => id.to_string(),
            };
            references.insert(argument.clone(), written);
            parts.push(Part::Reference(argument));
            rest = behind;
        }
        parts.push(Part::Text(rest));
        Ok(Self { parts, references })
    }

    /// The references, by the arguments for which they are resolved.
    pub(super) const fn references(&self) -> &BTreeMap<String, String> {
        &self.references
    }

    /// The text with the values, unless it is longer than `longest` bytes or a value is missing.
    pub(super) fn fill(
        &self,
        values: &BTreeMap<String, Wiped<String>>,
        longest: usize,
    ) -> Option<Wiped<Vec<u8>>> {
        let texts = self.parts.iter().map(|part| match part {
            Part::Text(text) => Some(*text),
            Part::Reference(argument) => values.get(argument).map(|value| value.as_str()),
        });
        let texts: Vec<&str> = texts.collect::<Option<_>>()?;
        let length = texts.iter().map(|text| text.len()).sum::<usize>();
        if length > longest {
            return None;
        }
        // Its whole length, so that no growing leaves a copy behind.
        let mut filled = Wiped::new(Vec::with_capacity(length));
        for text in texts {
            filled.extend_from_slice(text.as_bytes());
        }
        Some(filled)
    }
}

/// Where the scheme of a reference first stands, in upper or lower case.
fn spelled_at(text: &str) -> Option<usize> {
    let mut places = text.as_bytes().windows(SCHEME.len());
    places.position(|part| part.eq_ignore_ascii_case(SCHEME.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, (usize, String)> {
        let template = Template::parse(text)?;
        let value = |name: &String| (name.clone(), Wiped::new(format!("<{name}>")));
        let values = template.references().keys().map(value).collect();
        let filled = template.fill(&values, 1_000).unwrap();
        Ok(String::from_utf8(filled.to_vec()).unwrap())
    }

    #[test]
    fn references_are_filled_in_and_all_other_text_stays() {
        for (text, expected) in [
            ("", ""),
            ("{{ .Values.x }} {%", "{{ .Values.x }} {%"),
            ("a: {{ secret://a }}\r\n", "a: <a>\r\n"),
            ("{{secret://a}}{{\tsecret://a%20b\t}}é", "<a><a%20b>é"),
            ("{{{ secret://a }}}", "{<a>}"),
            ("{{ x }}{{ secret://a }}", "{{ x }}<a>"),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
        }
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let by_id = filled(&format!("{{{{ secret:///id/{id} }}}}"));
        assert_eq!(by_id, Ok(format!("<{id}>")));
    }

    #[test]
    fn what_is_half_a_reference_is_an_error_with_its_line() {
        for text in [
            "\nurl = secret://canary",
            "\n{ secret://canary }",
            "\n{{ Bearer secret://canary }}",
            "\n{{ secret://canary",
            "\n{{\nsecret://canary }}",
            "\n{{ SECRET://canary }}",
            "\n{{ secret://canary | upper }}",
            "\n{{ secret://canary\n}}",
            "\n{{ secret:// }}",
        ] {
            let (line, why) = filled(text).unwrap_err();
            let expected = if text.contains("{{\n") { 3 } else { 2 };
            assert_eq!(line, expected, "{text:?}");
            assert!(!why.contains("canary"), "{why}");
        }
    }

    #[test]
    fn a_file_that_would_be_too_large_is_not_made() {
        let template = Template::parse("{{ secret://a }}{{ secret://a }}").unwrap();
        let values = BTreeMap::from([("a".to_owned(), Wiped::new("x".repeat(500)))]);
        assert!(template.fill(&values, 1_000).is_some());
        assert!(template.fill(&values, 999).is_none());
        assert!(template.fill(&BTreeMap::new(), 999).is_none());
    }
}
