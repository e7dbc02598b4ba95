//! The two eras of the protocol, and how a client shows which one it speaks.
//!
//! Up to 2025-11-25 a connection begins with `initialize`, and HTTP carries sessions. From 2026-07-28 on each request
//! says everything about itself. The gateway never translates one era into the other.

use http::HeaderMap;

use super::headers::PROTOCOL_VERSION;
use super::message::Message;

/// The notification that a client of the earlier era sends after the answer to `initialize`.
pub const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// The first version of the later era. Versions are dates, so they compare as text.
const FIRST_MODERN: &str = "2026-07-28";

/// Which of the two ways of the protocol a message follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Era {
    /// With `initialize` and sessions.
    Legacy,
    /// Each request stands alone.
    Modern,
}

impl Era {
    /// The era of a request: the later one if its metadata or the header `MCP-Protocol-Version` says so.
    pub fn of(message: &Message<'_>, headers: &HeaderMap) -> Self {
        let is_modern = message.metadata("protocolVersion").is_some()
            || headers
                .get(PROTOCOL_VERSION)
                .and_then(|value| value.to_str().ok())
                .is_some_and(is_modern);
        if is_modern {
            Self::Modern
        } else {
            Self::Legacy
        }
    }
}

/// Whether a version is one of the later era.
pub fn is_modern(version: &str) -> bool {
    let is_date = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-')
    };
    version.len() == FIRST_MODERN.len() && is_date(version) && version >= FIRST_MODERN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn era(text: &str, version: Option<&str>) -> Era {
        let mut headers = HeaderMap::new();
        if let Some(version) = version {
            headers.insert(PROTOCOL_VERSION, version.parse().unwrap());
        }
        Era::of(&Message::parse(text.as_bytes()).unwrap(), &headers)
    }

    #[test]
    fn metadata_or_the_header_show_the_era() {
        let plain = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        let modern = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list",
            "params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        assert_eq!(era(plain, None), Era::Legacy);
        assert_eq!(era(plain, Some("2025-11-25")), Era::Legacy);
        assert_eq!(era(plain, Some("2026-07-28")), Era::Modern);
        assert_eq!(era(plain, Some("DRAFT-2026")), Era::Legacy);
        assert_eq!(era(modern, None), Era::Modern);
        assert_eq!(era(modern, Some("2025-11-25")), Era::Modern);
    }
}
