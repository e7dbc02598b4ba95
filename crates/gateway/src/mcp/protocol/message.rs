//! One JSON-RPC 2.0 message, read in place. It is never turned into types: the relay passes on what it does not know.

use toolvault_core::confidential::Wiped;
use toolvault_core::json::{self, Kind, Object, Value, write_string};

/// The prefix of the protocol's own members of `_meta`.
pub const METADATA: &str = "io.modelcontextprotocol/";

/// A message of either side. Of repeated members the last counts.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a message may hold anything")]
pub struct Message<'a> {
    value: Value<'a>,
    members: [Option<Value<'a>>; MEMBERS.len()],
    metadata: [Option<Value<'a>>; METADATA_MEMBERS.len()],
}

/// The members that a message may have.
const MEMBERS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

/// The protocol's own members of `_meta` that are read here.
const METADATA_MEMBERS: [&str; 4] = [
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientInfo",
    "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/subscriptionId",
];

/// What kind of message it is.
#[expect(missing_debug_implementations, reason = "a message may hold anything")]
pub enum Shape<'a> {
    /// ID and method.
    Request(Value<'a>, String),
    /// Method.
    Notification(String),
    /// ID of the request.
    Response(Value<'a>),
}

/// Why a text is not a message. The display text is JSON-RPC's own for the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It is not JSON.
    #[error("Parse error")]
    NotJson,
    /// It is JSON, but not a message.
    #[error("Invalid Request")]
    NotMessage,
}

impl Malformed {
    /// The code of JSON-RPC 2.0, section 5.1.
    pub const fn code(self) -> i64 {
        match self {
            Self::NotJson => -32700,
            Self::NotMessage => -32600,
        }
    }
}

impl<'a> Message<'a> {
    /// Reads a message of JSON-RPC version 2.0.
    pub fn parse(text: &'a [u8]) -> Result<Self, Malformed> {
        let value = json::parse(text).map_err(|_| Malformed::NotJson)?;
        let object = value.as_object().ok_or(Malformed::NotMessage)?;
        let mut message = Self {
            value,
            members: object.get_all(MEMBERS),
            metadata: [None; _],
        };
        if let Some(metadata) = message.param("_meta").and_then(Value::as_object) {
            message.metadata = metadata.get_all(METADATA_MEMBERS);
        }
        let is_version_2 = message
            .text("jsonrpc")
            .is_some_and(|version| *version == "2.0");
        if is_version_2 {
            Ok(message)
        } else {
            Err(Malformed::NotMessage)
        }
    }

    /// The kind of message. An ID is a string or a number; a response has either `result` or `error`, which is an object.
    pub fn shape(&self) -> Result<Shape<'a>, Malformed> {
        let id = self.get("id");
        let is_id = |id: &Value<'_>| matches!(id.kind(), Kind::String | Kind::Number);
        match (self.get("method"), id) {
            (Some(method), id) => {
                let method = method.as_text().and_then(Result::ok);
                let method = method.ok_or(Malformed::NotMessage)?.as_str().to_owned();
                match id {
                    None => Ok(Shape::Notification(method)),
                    Some(id) if is_id(&id) => Ok(Shape::Request(id, method)),
                    Some(_) => Err(Malformed::NotMessage),
                }
            }
            (None, id) => {
                let id = id.ok_or(Malformed::NotMessage)?;
                match (self.get("result"), self.get("error")) {
                    (Some(_), None) => Ok(Shape::Response(id)),
                    (None, Some(error)) if error.kind() == Kind::Object => Ok(Shape::Response(id)),
                    _ => Err(Malformed::NotMessage),
                }
            }
        }
    }

    /// The whole message.
    pub fn value(&self) -> Value<'a> {
        self.value
    }

    /// A member of the message, which JSON-RPC names.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        let place = MEMBERS.iter().position(|member| *member == name)?;
        self.members.get(place).copied().flatten()
    }

    /// `params`, if it is an object.
    pub fn params(&self) -> Option<Object<'a>> {
        self.get("params")?.as_object()
    }

    /// `result`, if it is an object.
    pub fn result(&self) -> Option<Object<'a>> {
        self.get("result")?.as_object()
    }

    /// The code and the text of `error`.
    pub fn error(&self) -> Option<(i64, String)> {
        let error = self.get("error")?.as_object()?;
        let code = error.get("code")?.as_number()?.parse().ok()?;
        let text = error
            .get("message")
            .and_then(|text| Some(text.as_text()?.ok()?.as_str().to_owned()));
        Some((code, text.unwrap_or_default()))
    }

    /// Whether it is the response to the request with this ID, given as JSON.
    pub fn answers(&self, id: &str) -> bool {
        matches!(self.shape(), Ok(Shape::Response(own)) if is_same_id(id, own))
    }

    /// The protocol version in its metadata, which only messages of the later era have.
    pub fn version(&self) -> Option<String> {
        let version = self.metadata("protocolVersion")?.as_text()?.ok()?;
        Some(version.as_str().to_owned())
    }

    /// A member of `params`.
    pub fn param(&self, name: &str) -> Option<Value<'a>> {
        self.params()?.get(name)
    }

    /// A member of `params` that is text.
    pub fn text_param(&self, name: &str) -> Option<Wiped<String>> {
        self.param(name)?.as_text()?.ok()
    }

    /// One of the protocol's own members of `params._meta`, named without its prefix.
    pub fn metadata(&self, name: &str) -> Option<Value<'a>> {
        let is_named = |member: &&str| member.strip_prefix(METADATA) == Some(name);
        let place = METADATA_MEMBERS.iter().position(is_named)?;
        self.metadata.get(place).copied().flatten()
    }

    fn text(&self, name: &str) -> Option<Wiped<String>> {
        self.get(name)?.as_text()?.ok()
    }
}

/// An error response to the request with this ID, given as JSON. Without an ID it is `null`.
///
/// `data` is JSON.
pub fn error(id: Option<&str>, code: i64, message: &str, data: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    out.extend_from_slice(id.unwrap_or("null").as_bytes());
    out.extend_from_slice(format!(",\"error\":{{\"code\":{code},\"message\":").as_bytes());
    write_string(message, &mut out);
    if let Some(data) = data {
        out.extend_from_slice(b",\"data\":");
        out.extend_from_slice(data.as_bytes());
    }
    out.extend_from_slice(b"}}");
    out
}

/// A response with this result to the request with this ID, both given as JSON.
pub fn result(id: &str, result: &[u8]) -> Vec<u8> {
    let mut out = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":").into_bytes();
    out.extend_from_slice(result);
    out.push(b'}');
    out
}

/// The notification that a list (`tools`, `prompts` or `resources`) has changed. In the later era it belongs to a
/// subscription, given as the ID of its request in JSON.
pub fn list_changed(list: &str, subscription: Option<&str>) -> Vec<u8> {
    let params = subscription
        .map(|id| format!(",\"params\":{{\"_meta\":{{\"{METADATA}subscriptionId\":{id}}}}}"))
        .unwrap_or_default();
    format!("{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/{list}/list_changed\"{params}}}")
        .into_bytes()
}

/// Whether an answer has the ID of a request, however it is spelled (`1` and `1.0`). `own` is that of the request, as JSON.
///
/// Some servers send the ID `1` back as the text `"1"`; the official SDKs accept that.
pub fn is_same_id(own: &str, other: Value<'_>) -> bool {
    if own == other.raw() {
        return true;
    }
    let Ok(own) = json::parse(own.as_bytes()) else {
        return false;
    };
    match (own.kind(), other.kind()) {
        (Kind::String, Kind::String) => match (own.as_text(), other.as_text()) {
            (Some(Ok(own)), Some(Ok(other))) => *own == *other,
            _ => false,
        },
        (Kind::Number, Kind::Number | Kind::String) => {
            let number = |text: &str| text.parse::<f64>().ok();
            let other = match other.as_text() {
                Some(Ok(text)) => number(&text),
                Some(Err(_)) => None,
                None => number(other.raw()),
            };
            other.is_some() && number(own.raw()) == other
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Result<String, Malformed> {
        Ok(match Message::parse(text.as_bytes())?.shape()? {
            Shape::Request(id, method) => format!("request {} {method}", id.raw()),
            Shape::Notification(method) => format!("notification {method}"),
            Shape::Response(id) => format!("response {}", id.raw()),
        })
    }

    #[test]
    fn messages_are_told_apart() {
        for (text, expected) in [
            (r#"{"jsonrpc":"2.0","id":1,"method":"a"}"#, "request 1 a"),
            (
                r#"{"jsonrpc":"2.0","id":"x","method":"a\u002fb","params":[]}"#,
                "request \"x\" a/b",
            ),
            (r#"{"jsonrpc":"2.0","method":"n"}"#, "notification n"),
            (
                r#"{"jsonrpc":"2.0","id":1.50,"result":null}"#,
                "response 1.50",
            ),
            (r#"{"jsonrpc":"2.0","id":null,"error":{}}"#, "response null"),
        ] {
            assert_eq!(shape(text).as_deref(), Ok(expected));
        }
        for text in [
            "[]",
            "{}",
            r#"{"jsonrpc":"1.0","id":1,"method":"a"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"a"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":"text"}"#,
        ] {
            assert_eq!(shape(text), Err(Malformed::NotMessage), "{text}");
        }
        assert_eq!(shape("{"), Err(Malformed::NotJson));
    }

    #[test]
    fn of_repeated_members_the_last_counts_everywhere() {
        let text = r#"{"jsonrpc":"2.0","id":1,"method":"a","method":"b","params":{"x":1},"params":{"x":2}}"#;
        let message = Message::parse(text.as_bytes()).unwrap();
        assert_eq!(message.param("x").unwrap().raw(), "2");
        assert_eq!(shape(text).as_deref(), Ok("request 1 b"));
    }
}
