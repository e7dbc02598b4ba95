//! The credential in the head of a request: an API key or a token, in one of three headers.

use axum::http::{HeaderMap, HeaderName};
use toolvault_core::api_key::looks_like_api_key;

/// A credential as it was presented.
pub(super) enum Credential<'a> {
    ApiKey(&'a str),
    Token(&'a str),
}

/// The reason when a request has no credential at all.
pub(super) const NO_CREDENTIAL: &str = "no_credential";

/// The first credential that is present, or why there is none.
pub(super) fn find_credential(headers: &HeaderMap) -> Result<Credential<'_>, &'static str> {
    for name in ["token", "authorization", "x-api-key"] {
        let Some(text) = only_value(headers, name)? else {
            continue;
        };
        let text = if name == "authorization" {
            without_scheme(text)
        } else {
            text
        };
        let is_key = looks_like_api_key(text);
        return match name {
            "token" if is_key => Err("key_in_token_header"),
            "x-api-key" if !is_key => Err("malformed_key"),
            _ if is_key => Ok(Credential::ApiKey(text)),
            _ => Ok(Credential::Token(text)),
        };
    }
    Err(NO_CREDENTIAL)
}

/// The value of a header that occurs once and is not empty. A repeated header is ambiguous.
fn only_value<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> Result<Option<&'a str>, &'static str> {
    let mut values = headers
        .get_all(HeaderName::from_static(name))
        .iter()
        .filter(|value| !value.as_bytes().trim_ascii().is_empty());
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err("repeated_header");
    }
    value
        .to_str()
        .map(|text| Some(text.trim()))
        .map_err(|_| "malformed_header")
}

/// The text after the scheme `Bearer`, or all of it: a bare key or token is accepted, too.
fn without_scheme(text: &str) -> &str {
    match text.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "tvk_x";

    fn found(headers: &[(&'static str, &str)]) -> Result<String, &'static str> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        find_credential(&map).map(|credential| match credential {
            Credential::ApiKey(text) => format!("key {text}"),
            Credential::Token(text) => format!("token {text}"),
        })
    }

    #[test]
    fn the_first_header_that_is_not_empty_decides() {
        assert_eq!(
            found(&[("x-api-key", KEY), ("token", "a.b.c")]),
            Ok("token a.b.c".into())
        );
        assert_eq!(
            found(&[("token", ""), ("authorization", KEY)]),
            Ok(format!("key {KEY}"))
        );
        assert_eq!(
            found(&[("token", "  "), ("x-api-key", KEY)]),
            Ok(format!("key {KEY}"))
        );
        assert_eq!(found(&[]), Err(NO_CREDENTIAL));
    }

    #[test]
    fn a_bad_credential_does_not_fall_through() {
        assert_eq!(
            found(&[("token", KEY), ("x-api-key", KEY)]),
            Err("key_in_token_header")
        );
        assert_eq!(found(&[("x-api-key", "a.b.c")]), Err("malformed_key"));
        assert_eq!(
            found(&[("authorization", KEY), ("authorization", "Bearer tvk_y")]),
            Err("repeated_header")
        );
    }

    #[test]
    fn bearer_is_known_in_any_case_and_may_be_left_out() {
        for text in ["Bearer tvk_x", "bearer   tvk_x", "BEARER tvk_x", "tvk_x"] {
            assert_eq!(
                found(&[("authorization", text)]),
                Ok(format!("key {KEY}")),
                "{text}"
            );
        }
        assert_eq!(
            found(&[("authorization", "Basic dTpw")]),
            Ok("token Basic dTpw".into())
        );
    }
}
