//! How trusted configuration names a secret: `secret://<secret_name>` or `secret:///id/<secret_id>`.
//!
//! Text from a model is never parsed here: a reference in arguments is plain data.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::identity::SecretId;
use crate::pattern::MAX_NAME_CHARS;

const SCHEME: &str = "secret://";

/// Precedes an ID after the scheme; in a name, a `/` is written `%2F`.
const ID_PATH: &str = "/id/";

/// All but the unreserved characters of RFC 3986, section 2.3.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A reference to a secret: the whole of a text.
///
/// It displays in its canonical form: the name is percent-encoded as UTF-8, except for the unreserved characters of
/// RFC 3986. [`parse`](Self::parse) reads the canonical form back to an equal reference.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Reference {
    /// The secret of this name, 1 to [`MAX_NAME_CHARS`] code points; names need not be unique.
    Name(String),
    /// The secret with this ID.
    Id(SecretId),
}

/// Why a text is not a reference. It never repeats the text, which may be a literal credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It does not begin with `secret://`.
    #[error("a reference begins with 'secret://'")]
    Scheme,
    /// What follows `secret:///` is not `id/` and a UUID.
    #[error("a reference by id is 'secret:///id/<secret_id>'")]
    Id,
    /// The name has a character that must be percent-encoded, or an incomplete encoding.
    #[error("the name in a reference is percent-encoded")]
    Encoding,
    /// The name does not have 1 to [`MAX_NAME_CHARS`] code points, or has NUL.
    #[error("the name in a reference has 1 to {MAX_NAME_CHARS} characters and no NUL")]
    Name,
}

impl Reference {
    /// Whether a text spells a reference anywhere, also a wrong one: the scheme in upper or lower case.
    pub fn is_spelled_in(text: &str) -> bool {
        let mut parts = text.as_bytes().windows(SCHEME.len());
        parts.any(|part| part.eq_ignore_ascii_case(SCHEME.as_bytes()))
    }

    /// Parses a whole text; extra characters, even spaces, are an error.
    ///
    /// In a name, `/`, `?`, `#`, `%`, white space and control characters must be percent-encoded; others may be. IDs
    /// are accepted in every form of the `uuid` crate.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let rest = text.strip_prefix(SCHEME).ok_or(ReferenceError::Scheme)?;
        if rest.starts_with('/') {
            let id = rest.strip_prefix(ID_PATH).ok_or(ReferenceError::Id)?;
            let id = Uuid::try_parse(id).map_err(|_| ReferenceError::Id)?;
            return Ok(Self::Id(SecretId(id)));
        }
        if rest.contains(must_be_encoded) || !has_whole_escapes(rest) {
            return Err(ReferenceError::Encoding);
        }
        let name = percent_decode_str(rest)
            .decode_utf8()
            .map_err(|_| ReferenceError::Encoding)?;
        if name.is_empty() || name.contains('\0') || name.chars().count() > MAX_NAME_CHARS {
            return Err(ReferenceError::Name);
        }
        Ok(Self::Name(name.into_owned()))
    }
}

fn must_be_encoded(character: char) -> bool {
    matches!(character, '/' | '?' | '#') || character.is_whitespace() || character.is_control()
}

/// Whether two hexadecimal digits follow every `%`.
fn has_whole_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        after
            .as_bytes()
            .first_chunk()
            .is_some_and(|digits: &[u8; 2]| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => {
                write!(formatter, "{SCHEME}{}", utf8_percent_encode(name, ENCODED))
            }
            Self::Id(id) => write!(formatter, "{SCHEME}{ID_PATH}{id}"),
        }
    }
}

impl TryFrom<String> for Reference {
    type Error = ReferenceError;

    fn try_from(text: String) -> Result<Self, ReferenceError> {
        Self::parse(&text)
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed_name(text: &str) -> String {
        match Reference::parse(text).unwrap() {
            Reference::Name(name) => name,
            Reference::Id(id) => panic!("{id} is no name"),
        }
    }

    #[test]
    fn names_are_decoded() {
        assert_eq!(parsed_name("secret://linear-prod"), "linear-prod");
        assert_eq!(parsed_name("secret://Linear%20prod"), "Linear prod");
        assert_eq!(parsed_name("secret://%2Fid%2fx%25"), "/id/x%");
        assert_eq!(parsed_name("secret://ключ+a@b:1"), "ключ+a@b:1");
        assert_eq!(parsed_name("secret://id"), "id");
    }

    #[test]
    fn an_id_is_read_in_every_form_and_shown_in_one() {
        let canonical = "secret:///id/01890a5d-ac96-774b-bcce-b302099a8057";
        for form in [
            canonical,
            "secret:///id/01890A5D-AC96-774B-BCCE-B302099A8057",
            "secret:///id/01890a5dac96774bbcceb302099a8057",
            "secret:///id/urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
        ] {
            assert_eq!(Reference::parse(form).unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn anything_else_is_refused_without_being_repeated() {
        let too_long = format!("secret://{}", "a".repeat(1025));
        for (text, expected) in [
            ("", ReferenceError::Scheme),
            ("lin_api_canary", ReferenceError::Scheme),
            (" secret://a", ReferenceError::Scheme),
            ("SECRET://a", ReferenceError::Scheme),
            ("secret:/a", ReferenceError::Scheme),
            ("secret:///", ReferenceError::Id),
            ("secret:///canary", ReferenceError::Id),
            ("secret:///id/", ReferenceError::Id),
            ("secret:///id/canary", ReferenceError::Id),
            (
                "secret:///id/01890a5d-ac96-774b-bcce-b302099a8057/",
                ReferenceError::Id,
            ),
            ("secret://a/b", ReferenceError::Encoding),
            ("secret://a?b", ReferenceError::Encoding),
            ("secret://a#b", ReferenceError::Encoding),
            ("secret://a b", ReferenceError::Encoding),
            ("secret://canary\n", ReferenceError::Encoding),
            ("secret://a%", ReferenceError::Encoding),
            ("secret://a%4", ReferenceError::Encoding),
            ("secret://a%4g", ReferenceError::Encoding),
            ("secret://a%+4", ReferenceError::Encoding),
            ("secret://%ff", ReferenceError::Encoding),
            ("secret://%ed%a0%80", ReferenceError::Encoding),
            ("secret://", ReferenceError::Name),
            ("secret://a%00", ReferenceError::Name),
            (&too_long, ReferenceError::Name),
        ] {
            let refused = Reference::parse(text).unwrap_err();
            assert_eq!(refused, expected, "{text}");
            assert!(!refused.to_string().contains("canary"));
        }
    }

    #[test]
    fn a_reference_is_noticed_anywhere_in_a_text_and_in_either_case() {
        for text in [
            "secret://a",
            "Bearer SECRET://a",
            "secret://",
            "a=Secret:///",
        ] {
            assert!(Reference::is_spelled_in(text), "{text}");
        }
        for text in ["", "secret:/a", "a secret", "https://a"] {
            assert!(!Reference::is_spelled_in(text), "{text}");
        }
    }

    #[test]
    fn a_name_has_up_to_1024_characters_whatever_their_encoding() {
        for (character, encoded) in [("a", "a"), ("é", "%C3%A9"), ("\u{1f511}", "\u{1f511}")] {
            let longest = format!("secret://{}", encoded.repeat(1024));
            assert_eq!(parsed_name(&longest), character.repeat(1024));
            let longer = format!("{longest}{encoded}");
            assert_eq!(Reference::parse(&longer), Err(ReferenceError::Name));
        }
    }

    #[test]
    fn json_holds_the_canonical_text() {
        let parsed: Reference = serde_json::from_str("\"secret://ü\"").unwrap();
        assert_eq!(
            serde_json::to_string(&parsed).unwrap(),
            "\"secret://%C3%BC\""
        );
        assert!(serde_json::from_str::<Reference>("\"literal\"").is_err());
    }

    proptest! {
        #[test]
        fn every_name_survives_its_canonical_form(text in "(?s)[^\0]{1,64}") {
            let reference = Reference::Name(text);
            let shown = reference.to_string();
            prop_assert!(shown.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(Reference::parse(&shown), Ok(reference));
        }

        #[test]
        fn every_id_survives_its_canonical_form(id in any::<u128>()) {
            let reference = Reference::Id(SecretId(Uuid::from_u128(id)));
            prop_assert_eq!(Reference::parse(&reference.to_string()), Ok(reference));
        }

        #[test]
        fn every_spelling_means_the_same_in_canonical_form(name in "(a|é|0|%2F|%2f|%C3%A9|%25|%20){1,12}") {
            let reference = Reference::parse(&format!("secret://{name}")).unwrap();
            prop_assert_eq!(Reference::parse(&reference.to_string()), Ok(reference));
        }
    }
}
