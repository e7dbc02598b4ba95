//! Patterns for companion arguments. They keep a credential from being sent to another host.
//!
//! A pattern that begins with `http:`, `https:`, `ws:` or `wss:` is a URL pattern: a whole origin without `*`, then a
//! path pattern. It is compared with the *parsed* URL, so that no spelling of another host passes. Every other pattern
//! is compared with the whole text.

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
        let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| is_web(scheme)) else {
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

fn is_web(scheme: &str) -> bool {
    ["http", "https", "ws", "wss"]
        .iter()
        .any(|web| scheme.eq_ignore_ascii_case(web))
}

/// URL parsers disagree about these characters, so a URL with one of them matches nothing.
fn is_ambiguous(character: char) -> bool {
    character == '\\' || character.is_whitespace() || character.is_control()
}

/// The parsed URL, if every parser finds the same host in it: it has the form `scheme://host`, without userinfo.
///
/// The URL Standard accepts any number of slashes after `https:`, decodes percent-encoding in a host, and reads `0177.1`
/// as an address. So it finds a host where other parsers find a path or another host.
fn plain_url(text: &str) -> Option<Url> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    if !is_web(scheme) || authority.contains('@') || text.contains(is_ambiguous) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    // A host with non-ASCII letters is compared as Punycode, which only the parser can compute.
    let is_plain = !authority.is_ascii()
        || authority
            .to_ascii_lowercase()
            .strip_prefix(url.host_str()?)
            .is_some_and(|port| port.is_empty() || port.starts_with(':'));
    (!authority.is_empty() && is_plain).then_some(url)
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
mod tests;
