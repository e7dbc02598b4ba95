//! One JSON-RPC message, read in place.

use toolvault_core::json::{self, Kind, Object, Value, write_string};

/// Where a message of the later era tells its protocol version.
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// A message of either side.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    object: Object<'a>,
}

impl<'a> Message<'a> {
    /// The message that `text` is; none if it is no JSON object.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        let object = json::parse(text).ok()?.as_object()?;
        Some(Self { object })
    }

    /// The id as it is spelled: a string or a number.
    pub(crate) fn id(self) -> Option<&'a str> {
        let id = self.object.get("id")?;
        matches!(id.kind(), Kind::String | Kind::Number).then(|| id.raw())
    }

    /// The method of a request or a notification.
    pub(crate) fn method(self) -> Option<String> {
        text(self.object.get("method")?)
    }

    /// Whether it answers the request with this id.
    pub(crate) fn answers(self, id: &str) -> bool {
        self.object.get("method").is_none() && self.id() == Some(id)
    }

    /// Its error: code and words.
    pub(crate) fn error(self) -> Option<(i64, String)> {
        let error = self.object.get("error")?.as_object()?;
        let code = error.get("code")?.as_number()?.parse().ok()?;
        let message = error.get("message").and_then(text);
        Some((code, message.unwrap_or_default()))
    }

    /// A member of its result.
    pub(crate) fn result(self, name: &str) -> Option<Value<'a>> {
        self.object.get("result")?.as_object()?.get(name)
    }

    /// A member of its parameters.
    pub(crate) fn parameter(self, name: &str) -> Option<Value<'a>> {
        self.object.get("params")?.as_object()?.get(name)
    }

    /// The version of the protocol that it says it speaks, which only the later era does.
    pub(crate) fn version(self) -> Option<String> {
        text(self.parameter("_meta")?.as_object()?.get(VERSION)?)
    }
}

/// An error that answers the request with this id, spelled as JSON.
pub(crate) fn error(id: &str, code: i64, message: &str) -> Vec<u8> {
    let mut out =
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"#).into_bytes();
    write_string(message, &mut out);
    out.extend_from_slice(b"}}");
    out
}

pub(super) fn text(value: Value<'_>) -> Option<String> {
    Some(value.as_text()?.ok()?.as_str().to_owned())
}
