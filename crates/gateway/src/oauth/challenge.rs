//! What a server says with a 401 or 403: the `WWW-Authenticate` header (RFC 9110, section 11.6.1, RFC 6750, section 3, and
//! RFC 9728, section 5.1).

use crate::http::{HeaderMap, header};

/// The most bytes of the header that are read.
const LONGEST: usize = 8 << 10;
/// The most scopes that are read, and the most bytes of one.
const MOST_SCOPES: usize = 100;
const LONGEST_SCOPE: usize = 256;

/// A challenge of the scheme `Bearer`. What a server wrote in it goes nowhere without being judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// Where the metadata of the resource are.
    pub(crate) resource_metadata: Option<String>,
    /// The scopes that the request needs; `None` if the header says nothing about them.
    pub(crate) scopes: Option<Vec<String>>,
    /// Whether `error` is `insufficient_scope`.
    pub(crate) is_insufficient_scope: bool,
}

impl Challenge {
    /// The first challenge of the scheme in these headers.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(header::WWW_AUTHENTICATE).iter();
        let mut texts = values.filter_map(|value| value.to_str().ok());
        texts.find_map(|text| Self::parse(text.get(..LONGEST).unwrap_or(text)))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                return None;
            }
            let (scheme, after) = token(rest)?;
            let (parameters, after) = parameters(after);
            if scheme.eq_ignore_ascii_case("bearer") {
                return Some(Self::of_parameters(parameters));
            }
            rest = after;
        }
    }

    fn of_parameters(parameters: Vec<(&str, String)>) -> Self {
        let mut challenge = Self::default();
        for (name, value) in parameters {
            if name.eq_ignore_ascii_case("resource_metadata") {
                challenge.resource_metadata.get_or_insert(value);
            } else if name.eq_ignore_ascii_case("scope") {
                challenge.scopes.get_or_insert_with(|| scopes(&value));
            } else if name.eq_ignore_ascii_case("error") {
                challenge.is_insufficient_scope |= value == "insufficient_scope";
            }
        }
        challenge
    }
}

/// The scopes in a list with spaces, each once, without what cannot be one (RFC 6749, section 3.3).
pub(crate) fn scopes(list: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for scope in list.split(' ').filter(|scope| is_scope(scope)) {
        if found.len() < MOST_SCOPES && !found.iter().any(|known| known == scope) {
            found.push(scope.to_owned());
        }
    }
    found
}

/// Whether a text can be a scope: printable ASCII without a space, `"` and `\`.
pub fn is_scope(text: &str) -> bool {
    let is_allowed = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (1..=LONGEST_SCOPE).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// A token at the beginning (RFC 9110, section 5.6.2), and what follows it.
fn token(text: &str) -> Option<(&str, &str)> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let end = text.bytes().position(|byte| !is_allowed(byte));
    let (token, rest) = text.split_at(end.unwrap_or(text.len()));
    (!token.is_empty()).then_some((token, rest))
}

/// The parameters after a scheme, and what follows them: nothing, or the next scheme.
fn parameters(text: &str) -> (Vec<(&str, String)>, &str) {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        let start = rest.trim_start_matches([' ', '\t', ',']);
        let Some((name, after)) = token(start) else {
            // Not a parameter, such as the characters of a `token68`: they end at the next comma.
            return (found, start.split_once(',').map_or("", |(_, next)| next));
        };
        let Some(after) = after.trim_start_matches([' ', '\t']).strip_prefix('=') else {
            // A name without a value is the next scheme, or a `token68`.
            let is_first = found.is_empty() && !rest.starts_with(',') && !text.is_empty();
            let ends = after.trim_start().is_empty() || after.trim_start().starts_with(',');
            return (found, if is_first && ends { after } else { start });
        };
        let (value, after) = value(after.trim_start_matches([' ', '\t']));
        found.push((name, value));
        rest = after;
    }
}

/// A token or a quoted text, and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return (value, quoted.get(place + 1..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    // Not closed: there is no such value.
    (String::new(), "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HeaderValue;

    fn parsed(values: &[&'static str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(value));
        }
        Challenge::of(&headers)
    }

    #[test]
    fn the_examples_of_the_specification_are_read() {
        let challenge = parsed(&[
            r#"Bearer error="insufficient_scope", scope="files:read files:write user:profile", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource", error_description="Additional, \"file\" write permission required""#,
        ]);
        let challenge = challenge.unwrap();
        assert!(challenge.is_insufficient_scope);
        assert_eq!(
            challenge.resource_metadata.as_deref(),
            Some("https://mcp.example.com/.well-known/oauth-protected-resource")
        );
        let scopes = challenge.scopes.unwrap();
        assert_eq!(scopes, ["files:read", "files:write", "user:profile"]);
        assert_eq!(parsed(&["Bearer"]), Some(Challenge::default()));
    }

    #[test]
    fn the_scheme_is_found_among_others() {
        let expected = Challenge {
            scopes: Some(vec!["a".to_owned()]),
            ..Challenge::default()
        };
        for values in [
            &[r#"Basic realm="x", Bearer scope="a""#][..],
            &[r#"Basic realm="Bearer scope=b", bearer scope=a"#],
            &["Negotiate", "BEARER scope = a"],
            &["Negotiate YWJj==, Bearer scope=a"],
            &[r"DPoP algs=ES256, Bearer scope=a, Basic realm=x"],
        ] {
            assert_eq!(parsed(values).as_ref(), Some(&expected), "{values:?}");
        }
        for values in [
            &["Basic realm=\"Bearer\""][..],
            &[],
            &["\"Bearer\""],
            &["="],
        ] {
            assert_eq!(parsed(values), None, "{values:?}");
        }
    }

    #[test]
    fn what_is_broken_is_left_out() {
        let challenge = parsed(&[r#"Bearer scope="a \"b\" c\d a", resource_metadata="https://"#]);
        let challenge = challenge.unwrap();
        assert_eq!(challenge.scopes.unwrap(), ["a", "cd"]);
        assert_eq!(challenge.resource_metadata.as_deref(), Some(""));
        let many: Vec<String> = (0..500).map(|number| number.to_string()).collect();
        assert_eq!(scopes(&many.join(" ")).len(), MOST_SCOPES);
    }
}
