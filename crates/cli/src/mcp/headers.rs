//! What a message of the later era says about itself, once more in headers (revision 2026-07-28, Streamable HTTP).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use toolvault_gateway::http::{HeaderMap, HeaderName, HeaderValue};

use super::message::{Message, text};

pub(crate) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(crate) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

const ENCODED: (&str, &str) = ("=?base64?", "?=");

/// The headers of a message that tells its version; none for those of the earlier era.
pub(crate) fn of(message: Message<'_>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(PROTOCOL_VERSION, value(&message.version()?)?);
    let method = message.method()?;
    let named = match method.as_str() {
        "tools/call" | "prompts/get" => message.parameter("name"),
        "resources/read" => message.parameter("uri"),
        _ => None,
    };
    if let Some(name) = named.and_then(text) {
        headers.insert(NAME, value(&name)?);
    }
    headers.insert(METHOD, value(&method)?);
    Some(headers)
}

/// A text as a header holds it: in base64 if it is not plain.
pub(super) fn value(text: &str) -> Option<HeaderValue> {
    let (start, end) = ENCODED;
    let is_plain = text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'))
        && text.trim() == text
        && !(text.starts_with(start) && text.ends_with(end));
    if is_plain {
        return HeaderValue::from_str(text).ok();
    }
    HeaderValue::from_str(&format!("{start}{}{end}", STANDARD.encode(text))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_specification_are_met() {
        for (text, encoded) in [
            ("us-west1", "us-west1"),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ] {
            assert_eq!(value(text).unwrap(), encoded);
        }
    }

    #[test]
    fn a_call_says_its_version_method_and_name() {
        let text = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get",
            "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        let headers = of(Message::parse(text).unwrap()).unwrap();
        assert_eq!(headers["mcp-protocol-version"], "2026-07-28");
        assert_eq!(headers["mcp-method"], "tools/call");
        assert_eq!(headers["mcp-name"], "get");
        let earlier = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        assert!(of(Message::parse(earlier).unwrap()).is_none());
    }
}
