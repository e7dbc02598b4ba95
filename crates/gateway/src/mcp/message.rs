//! One JSON-RPC 2.0 message, read in place and never turned into types: what is not understood passes as it came.

use toolvault_core::json::{self, Kind, Object, Value, write_string};
use zeroize::Zeroizing;

use super::era::METADATA;

/// A message of either side.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    value: Value<'a>,
    object: Object<'a>,
}

/// What a message is.
pub(crate) enum Shape<'a> {
    Request(Value<'a>, String),
    Notification(String),
    Response(Value<'a>),
}

/// Why something is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("Parse error")]
    NotJson,
    #[error("Invalid Request")]
    NotMessage,
}

impl Malformed {
    /// The code of JSON-RPC 2.0, section 5.1.
    pub(crate) const fn code(self) -> i64 {
        match self {
            Self::NotJson => -32700,
            Self::NotMessage => -32600,
        }
    }
}

impl<'a> Message<'a> {
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, Malformed> {
        let value = json::parse(text).map_err(|_| Malformed::NotJson)?;
        let object = value.as_object().ok_or(Malformed::NotMessage)?;
        let message = Self { value, object };
        let is_version_2 = message
            .text("jsonrpc")
            .is_some_and(|version| *version == "2.0");
        if is_version_2 {
            Ok(message)
        } else {
            Err(Malformed::NotMessage)
        }
    }

    /// What it is; an id is a string or a number, and a response has exactly one of `result` and `error`.
    pub(crate) fn shape(&self) -> Result<Shape<'a>, Malformed> {
        let id = self.object.get("id");
        let is_id = |id: &Value<'_>| matches!(id.kind(), Kind::String | Kind::Number);
        match (self.object.get("method"), id) {
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
                let (result, error) = (self.object.get("result"), self.object.get("error"));
                match id {
                    Some(id) if result.is_some() != error.is_some() => Ok(Shape::Response(id)),
                    _ => Err(Malformed::NotMessage),
                }
            }
        }
    }

    pub(crate) fn value(&self) -> Value<'a> {
        self.value
    }

    pub(crate) fn get(&self, name: &str) -> Option<Value<'a>> {
        self.object.get(name)
    }

    pub(crate) fn params(&self) -> Option<Object<'a>> {
        self.get("params")?.as_object()
    }

    pub(crate) fn result(&self) -> Option<Object<'a>> {
        self.get("result")?.as_object()
    }

    /// A member of `params`.
    pub(crate) fn param(&self, name: &str) -> Option<Value<'a>> {
        self.params()?.get(name)
    }

    /// A member of `params` that is text.
    pub(crate) fn text_param(&self, name: &str) -> Option<Zeroizing<String>> {
        self.param(name)?.as_text()?.ok()
    }

    /// A member of `params._meta`, named without the protocol's prefix.
    pub(crate) fn metadata(&self, name: &str) -> Option<Value<'a>> {
        let meta = self.param("_meta")?.as_object()?;
        meta.get(&format!("{METADATA}{name}"))
    }

    fn text(&self, name: &str) -> Option<Zeroizing<String>> {
        self.get(name)?.as_text()?.ok()
    }
}

/// An error as an answer to the request with this id; `null` where there is none.
pub(crate) fn error(id: Option<&str>, code: i64, message: &str, data: Option<&str>) -> Vec<u8> {
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

/// A result, which is JSON, as an answer to the request with this id.
pub(crate) fn result(id: &str, result: &[u8]) -> Vec<u8> {
    let mut out = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":").into_bytes();
    out.extend_from_slice(result);
    out.push(b'}');
    out
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
