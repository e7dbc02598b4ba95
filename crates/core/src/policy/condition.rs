//! Patterns for companion arguments. They keep a credential from being sent to another host.
//!
//! A pattern that begins with `http:` or `https:` is a URL pattern: a whole origin without `*`, then a path pattern. It
//! is compared with the *parsed* URL, so that no spelling of another host passes. Every other pattern is compared with
//! the whole text.

use url::Url;

use crate::pattern::{NameError, ToolPattern};

/// Why a pattern is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// A URL pattern does not begin with a whole origin: scheme, host and port without `*`, then a `/`.
    #[error("a URL pattern holds a whole origin without '*', then '/…'")]
    Origin,
    /// The pattern has a wrong length or a forbidden character.
    #[error(transparent)]
    Pattern(#[from] NameError),
}

/// One pattern for the value of a companion argument.
#[derive(Clone, Debug)]
pub enum Condition {
    /// The value is a URL of this origin, and its path and query match.
    Url {
        /// Scheme, host and port, in their canonical form.
        origin: String,
        /// For the path and, after `?`, the query.
        path: ToolPattern,
    },
    /// The whole value matches.
    Text(ToolPattern),
}

impl Condition {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| is_http(scheme))
        else {
            let scheme = text.split_once("://").map(|(scheme, _)| scheme);
            // A wildcard here would leave the scheme open, and so where the host begins.
            if scheme.is_some_and(|scheme| scheme.contains('*')) {
                return Err(ConditionError::Origin);
            }
            return Ok(Self::Text(ToolPattern::parse(text)?));
        };
        let rest = rest.strip_prefix("//").ok_or(ConditionError::Origin)?;
        let path_at = rest.find('/').ok_or(ConditionError::Origin)?;
        let (authority, path) = rest
            .split_at_checked(path_at)
            .ok_or(ConditionError::Origin)?;
        if authority.contains(['*', '?', '#']) {
            return Err(ConditionError::Origin);
        }
        let origin = plain_url(&format!("{scheme}://{authority}")).ok_or(ConditionError::Origin)?;
        Ok(Self::Url {
            origin: origin.origin().ascii_serialization(),
            path: ToolPattern::parse(path)?,
        })
    }

    /// Whether the condition allows `value`.
    pub fn allows(&self, value: &str) -> bool {
        match self {
            Self::Text(pattern) => pattern.matches_text(value),
            Self::Url { origin, path } => allows_url(origin, path, value),
        }
    }
}

fn is_http(scheme: &str) -> bool {
    ["http", "https"]
        .iter()
        .any(|http| scheme.eq_ignore_ascii_case(http))
}

/// URL parsers disagree about these characters, so a URL with one of them matches nothing.
fn is_ambiguous(character: char) -> bool {
    character == '\\' || character.is_whitespace() || character.is_control()
}

/// The parsed URL, if every parser finds the same host in it: it has the form `scheme://host`, without userinfo.
///
/// The URL Standard accepts any number of slashes after `https:`, and so finds a host where other parsers find a
/// path.
fn plain_url(text: &str) -> Option<Url> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    if !is_http(scheme) || authority.is_empty() || authority.contains('@') {
        return None;
    }
    if text.contains(is_ambiguous) {
        return None;
    }
    Url::parse(text).ok()
}

fn allows_url(origin: &str, path: &ToolPattern, value: &str) -> bool {
    let Some(url) = plain_url(value) else {
        return false;
    };
    if url.origin().ascii_serialization() != origin {
        return false;
    }
    match url.query() {
        None => path.matches_text(url.path()),
        Some(query) => path.matches_text(&format!("{}?{query}", url.path())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(pattern: &str, value: &str) -> bool {
        Condition::parse(pattern).unwrap().allows(value)
    }

    #[test]
    fn a_url_pattern_is_held_to_its_origin() {
        let pattern = "https://api.github.com/*";
        for allowed in [
            "https://api.github.com/",
            "https://api.github.com",
            "https://API.GitHub.com/repos?q=1#top",
            "https://api.github.com:443/repos",
            "HTTPS://api.github.com/repos",
            "https://api.github.com/@me",
            "https://api.github.com//repos",
        ] {
            assert!(allows(pattern, allowed), "{allowed}");
        }
        for refused in [
            "http://api.github.com/",
            "https://api.github.com.evil.example/",
            "https://api.github.com:8443/",
            "https://api.github.com@evil.example/",
            "https://user@api.github.com/",
            "https://@api.github.com/",
            "https://:@api.github.com/",
            "https://evil.example:pw@api.github.com/",
            "https:///evil.example:pw@api.github.com/",
            "https:///api.github.com/",
            "https:////api.github.com/",
            "https:/api.github.com/",
            "https:/evil.example@api.github.com/",
            "https:///",
            "https://?@api.github.com/",
            "https://api.github.com\\@evil.example/",
            "https:\t//api.github.com/",
            "HTTPS:/api.github.com/",
            "ftp://api.github.com/",
            "https://evil.example/https://api.github.com/",
            "https:\\\\api.github.com\\",
            "https:/\\evil.example\\@api.github.com/",
            " https://api.github.com/",
            "https://api.git\thub.com/",
            "//api.github.com/",
            "https:api.github.com/",
            "api.github.com/",
            "",
        ] {
            assert!(!allows(pattern, refused), "{refused}");
        }
    }

    #[test]
    fn the_scheme_of_a_pattern_has_any_case() {
        let pattern = "HTTPS://API.example/*";
        assert!(allows(pattern, "https://api.example/a"));
        assert!(!allows(pattern, "HTTPS://API.example@evil.example/a"));
    }

    #[test]
    fn the_path_is_compared_after_its_dots_are_resolved() {
        let pattern = "https://api.example/v1/*";
        assert!(allows(pattern, "https://api.example/v1/a/../b"));
        assert!(!allows(pattern, "https://api.example/v1/../admin"));
        assert!(!allows(pattern, "https://api.example/v1/%2e%2e/admin"));
        assert!(!allows(pattern, "https://api.example/v1"));
    }

    #[test]
    fn other_patterns_match_the_whole_text() {
        assert!(allows("prod-*", "prod-eu"));
        assert!(!allows("prod-*", "not prod-eu"));
        assert!(allows("EU", "EU") && !allows("EU", "eu"));
    }

    #[test]
    fn an_origin_with_a_wildcard_is_no_pattern() {
        for refused in [
            "https://*.github.com/*",
            "https://api.github.com",
            "https://",
            "http://a@b/*",
            "http://@b/*",
            "https:///host/*",
            "https:////host/*",
            "https:/host/*",
            "https:host/*",
            "https:*",
            "HTTPS://*/",
            "Https:/host/*",
            "https://a\\b/*",
            "https://a?b/*",
            "https://a b/*",
            "*://api.github.com/*",
            "http*://api.github.com/*",
        ] {
            assert_eq!(
                Condition::parse(refused).unwrap_err(),
                ConditionError::Origin,
                "{refused}"
            );
        }
    }
}
