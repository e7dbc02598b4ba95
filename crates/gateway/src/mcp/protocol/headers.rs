//! The protocol's headers. From 2026-07-28 on they repeat what a message says, so that proxies need not read it
//! (Streamable HTTP, "Standard MCP Request Headers").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};
use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Kind, Value};

use super::message::Message;

/// Names the version of the protocol.
pub const PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// Names the session, in the earlier era.
pub const SESSION_ID: &str = "mcp-session-id";
/// Names the event after which a stream is to be resumed.
pub const LAST_EVENT_ID: &str = "last-event-id";
/// Repeats the method.
pub const METHOD: &str = "mcp-method";
/// Repeats what the method is about: a tool, a prompt, a resource or a task.
pub const NAME: &str = "mcp-name";
/// The prefix of headers that repeat an argument.
pub const PARAMETER: &str = "mcp-param-";

const OPENING: &str = "=?base64?";
const CLOSING: &str = "?=";
/// The largest integer that JavaScript tells from its neighbours.
const LARGEST: i64 = (1 << 53) - 1;

/// A header is missing or differs from the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Header mismatch: {0}")]
pub struct HeaderMismatch(&'static str);

/// The headers that a client sends with a message of the later era: version, method and name.
///
/// `None` if the message has no protocol version in its metadata, as in the earlier era, or holds text that no header
/// can carry. `Mcp-Param-*` is added with [`MirroredArguments`](super::MirroredArguments).
pub fn of_message(message: &Message<'_>) -> Option<HeaderMap> {
    let method = message.get("method")?.as_text()?.ok()?;
    let mut headers = HeaderMap::new();
    headers.insert(PROTOCOL_VERSION, encode(&message.version()?)?);
    if let Some(name) = name_of(message, &method) {
        headers.insert(NAME, encode(&name)?);
    }
    headers.insert(METHOD, encode(&method)?);
    Some(headers)
}

/// Compares the headers of a message of the later era with the message (Streamable HTTP, "Server Validation").
///
/// Each header must be present exactly once. A message without a version in its metadata passes.
pub fn check(
    message: &Message<'_>,
    method: &str,
    headers: &HeaderMap,
) -> Result<(), HeaderMismatch> {
    let version = only(headers, PROTOCOL_VERSION)
        .ok_or(HeaderMismatch("the MCP-Protocol-Version header is missing"))?;
    if message.metadata("protocolVersion").is_some()
        && message.version().is_none_or(|own| own != version)
    {
        return Err(HeaderMismatch(
            "the MCP-Protocol-Version header is not the version in the body",
        ));
    }
    if only(headers, METHOD).is_none_or(|said| said != method) {
        return Err(HeaderMismatch(
            "the Mcp-Method header is not the method in the body",
        ));
    }
    let is_text = |value: Value<'_>| value.kind() == Kind::String;
    if !name_member(method).is_some_and(|member| message.param(member).is_some_and(is_text)) {
        return Ok(());
    }
    let said = only(headers, NAME).and_then(decode);
    match (name_of(message, method), said) {
        (Some(name), Some(said)) if *name == said => Ok(()),
        _ => Err(HeaderMismatch(
            "the Mcp-Name header is not the name in the body",
        )),
    }
}

/// The member of `params` that `Mcp-Name` repeats for a method.
fn name_member(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        "tasks/get" | "tasks/update" | "tasks/cancel" => Some("taskId"),
        _ => None,
    }
}

fn name_of(message: &Message<'_>, method: &str) -> Option<Wiped<String>> {
    message.text_param(name_member(method)?)
}

/// The value of a header that is present once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok()
}

/// A text as a header carries it: plain where that is safe, else in Base64 ("Value Encoding"). Marked as sensitive.
pub fn encode(text: &str) -> Option<HeaderValue> {
    let mut value = if is_plain(text) {
        HeaderValue::from_str(text).ok()?
    } else {
        let length = text.len().div_ceil(3) * 4 + OPENING.len() + CLOSING.len();
        let mut encoded = Wiped::new(String::with_capacity(length));
        encoded.push_str(OPENING);
        STANDARD.encode_string(text, &mut encoded);
        encoded.push_str(CLOSING);
        HeaderValue::from_str(&encoded).ok()?
    };
    value.set_sensitive(true);
    Some(value)
}

/// The text that a header carries; the reverse of [`encode`].
pub fn decode(value: &str) -> Option<String> {
    let encoded = value
        .strip_prefix(OPENING)
        .and_then(|rest| rest.strip_suffix(CLOSING));
    match encoded {
        None => Some(value.to_owned()),
        Some(encoded) => String::from_utf8(STANDARD.decode(encoded).ok()?).ok(),
    }
}

/// An argument as a header `Mcp-Param-*` carries it. Marked as sensitive.
///
/// `None` for `null`, which needs no header, and for what no header can carry: lists, objects, numbers with a fraction
/// or an exponent, and integers beyond ±(2^53 - 1). `7.0` is sent as `7`.
pub fn encode_argument(value: Value<'_>) -> Option<HeaderValue> {
    match value.kind() {
        Kind::String => encode(&value.as_text()?.ok()?),
        Kind::Bool => encode(value.raw()),
        Kind::Number => encode(&Wiped::new(integer(value.raw())?.to_string())),
        Kind::Null | Kind::Array | Kind::Object => None,
    }
}

fn is_plain(text: &str) -> bool {
    let is_safe = |byte: u8| matches!(byte, b'\t' | b' '..=b'~');
    text.bytes().all(is_safe)
        && text.trim_ascii() == text
        && !(text.starts_with(OPENING) && text.ends_with(CLOSING))
}

fn integer(number: &str) -> Option<i64> {
    let whole = match number.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => return None,
        None => number,
    };
    let integer: i64 = whole.parse().ok()?;
    (-LARGEST..=LARGEST).contains(&integer).then_some(integer)
}

#[cfg(test)]
mod tests {
    use toolvault_core::json::parse_text;

    use super::*;

    fn message(method: &str, params: &str) -> String {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}{params}}}}}"#
        )
    }

    fn checked(method: &str, params: &str, headers: &[(&'static str, &str)]) -> bool {
        let text = message(method, params);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let message = Message::parse(text.as_bytes()).unwrap();
        check(&message, method, &map).is_ok()
    }

    const VERSION: (&str, &str) = (PROTOCOL_VERSION, "2026-07-28");

    #[test]
    fn headers_say_what_the_body_says() {
        let call = r#","name":"grüße""#;
        assert!(checked(
            "tools/list",
            "",
            &[VERSION, (METHOD, "tools/list")]
        ));
        let encoded = "=?base64?Z3LDvMOfZQ==?=";
        let good = [VERSION, (METHOD, "tools/call"), (NAME, encoded)];
        assert!(checked("tools/call", call, &good));
    }

    #[test]
    fn any_difference_is_refused() {
        let call = r#","name":"echo""#;
        let method = (METHOD, "tools/call");
        for headers in [
            vec![method, (NAME, "echo")],
            vec![(PROTOCOL_VERSION, "2025-11-25"), method, (NAME, "echo")],
            vec![VERSION, VERSION, method, (NAME, "echo")],
            vec![VERSION, (NAME, "echo")],
            vec![VERSION, (METHOD, "TOOLS/CALL"), (NAME, "echo")],
            vec![VERSION, method],
            vec![VERSION, method, (NAME, "Echo")],
            vec![VERSION, method, (NAME, "echo"), (NAME, "echo")],
            vec![VERSION, method, (NAME, "=?base64?###?=")],
        ] {
            assert!(!checked("tools/call", call, &headers), "{headers:?}");
        }
    }

    #[test]
    fn what_a_client_sends_is_what_a_server_expects() {
        for (method, member) in [
            ("tools/call", "name"),
            ("prompts/get", "name"),
            ("resources/read", "uri"),
            ("tasks/get", "taskId"),
            ("tasks/update", "taskId"),
            ("tasks/cancel", "taskId"),
        ] {
            let text = message(method, &format!(r#","{member}":"grüße""#));
            let message = Message::parse(text.as_bytes()).unwrap();
            let headers = of_message(&message).unwrap();
            assert_eq!(headers[NAME], "=?base64?Z3LDvMOfZQ==?=", "{method}");
            assert_eq!(check(&message, method, &headers), Ok(()));
        }
        let earlier = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        assert!(of_message(&Message::parse(earlier).unwrap()).is_none());
    }

    #[test]
    fn values_are_encoded_as_in_the_specification() {
        for (value, expected) in [
            (r#""us-west1""#, Some("us-west1")),
            (r#""Hello, 世界""#, Some("=?base64?SGVsbG8sIOS4lueVjA==?=")),
            (r#"" padded ""#, Some("=?base64?IHBhZGRlZCA=?=")),
            (r#""line1\nline2""#, Some("=?base64?bGluZTEKbGluZTI=?=")),
            (
                r#""=?base64?literal?=""#,
                Some("=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
            ),
            (r#""a\tb""#, Some("a\tb")),
            (r#""\ta""#, Some("=?base64?CWE=?=")),
            (r#""\u007f""#, Some("=?base64?fw==?=")),
            (r#""""#, Some("")),
            ("42", Some("42")),
            ("-7", Some("-7")),
            ("42.0", Some("42")),
            ("9007199254740991", Some("9007199254740991")),
            ("-9007199254740992", None),
            ("1.5", None),
            ("1e2", None),
            ("true", Some("true")),
            ("false", Some("false")),
            ("null", None),
            ("[1]", None),
            (r#""\ud800""#, None),
        ] {
            let header = encode_argument(parse_text(value).unwrap());
            assert!(header.iter().all(HeaderValue::is_sensitive));
            let header =
                header.map(|header| String::from_utf8(header.as_bytes().to_vec()).unwrap());
            assert_eq!(header.as_deref(), expected, "{value}");
        }
        assert_eq!(encode("füg").unwrap(), "=?base64?ZsO8Zw==?=");
    }
}
