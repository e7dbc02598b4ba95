//! Messages of servers that are not quite messages. What the official SDKs accept is accepted; any other answer to
//! a request is recognised, so that its client gets an error at once instead of waiting until a timeout.

use toolvault_core::confidential::Wiped;
use toolvault_core::json::{self, Kind, Object, Tree, Value};

use super::message::Message;

/// What a text turned out to be that is not a message.
#[expect(missing_debug_implementations, reason = "a message may hold anything")]
pub enum Repaired {
    /// A message, with its faults corrected.
    Message(Wiped<Vec<u8>>),
    /// It cannot be used, but it answers the request with this ID, given as JSON.
    Answer(String, Defect),
}

/// What is wrong with the answer of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// Among others: `NaN`, or a document over several lines where one line is a message.
    #[error("it is not JSON in one line")]
    NotJson,
    /// `jsonrpc` is missing or has another value.
    #[error("it is not JSON-RPC 2.0")]
    NotJsonRpc,
    /// It has neither `result` nor `error`, or both.
    #[error("it does not have either a result or an error")]
    NoResult,
    /// `error` is not an object.
    #[error("its error is not an object")]
    NoError,
}

/// Reads a text of a server that [`Message::shape`](super::Message::shape) refuses. `None` if it answers nothing, such
/// as a line of a log.
pub fn repair(text: &[u8]) -> Option<Repaired> {
    let lossy = String::from_utf8_lossy(text);
    let Ok(value) = json::parse(lossy.as_bytes()) else {
        let id = id_in_text(&lossy)?;
        return Some(Repaired::Answer(id, Defect::NotJson));
    };
    // A batch, which versions before 2025-06-18 allowed and the SDKs do not read.
    if let Some(batch) = value.as_array() {
        let id = batch
            .elements()
            .find_map(|element| answered_id(element.as_object()?))?;
        return Some(Repaired::Answer(id.raw().to_owned(), Defect::NotJsonRpc));
    }
    let object = value.as_object()?;
    let defect = defect(object);
    let Some(id) = answered_id(object) else {
        // A request or a notification whose bytes were not UTF-8.
        return message(Wiped::new(lossy.as_bytes().to_vec()));
    };
    if let Some(defect) = defect {
        return Some(Repaired::Answer(id.raw().to_owned(), defect));
    }
    let mut tree = Tree::from(value);
    for name in ["result", "error"] {
        let other = if name == "result" { "error" } else { "result" };
        let is_null = object.get(name).is_some_and(Value::is_null);
        if is_null && object.get(other).is_some() {
            tree.remove(name).ok()?;
        }
    }
    message(tree.to_json())
}

/// The ID of the request that an object answers, if it has one and is not itself a request.
fn answered_id(object: Object<'_>) -> Option<Value<'_>> {
    let id = object.get("id")?;
    let is_id = matches!(id.kind(), Kind::String | Kind::Number);
    (is_id && object.get("method").is_none()).then_some(id)
}

fn defect(object: Object<'_>) -> Option<Defect> {
    let version = object
        .get("jsonrpc")
        .and_then(|version| version.as_text()?.ok());
    if version.is_none_or(|version| *version != "2.0") {
        return Some(Defect::NotJsonRpc);
    }
    let result = object.get("result");
    match object.get("error") {
        // `null` beside the other is as if it were not there.
        Some(error) if error.is_null() && result.is_some_and(|result| !result.is_null()) => None,
        Some(_) if result.is_some_and(|result| !result.is_null()) => Some(Defect::NoResult),
        Some(error) if error.kind() != Kind::Object => Some(Defect::NoError),
        Some(_) => None,
        None if result.is_some() => None,
        None => Some(Defect::NoResult),
    }
}

/// The value of the first `"id"` in a text that is not JSON, unless the text looks like a request that was logged.
fn id_in_text(text: &str) -> Option<String> {
    if text.contains("\"method\"") {
        return None;
    }
    let (_, rest) = text.split_once("\"id\"")?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start();
    let end = match rest.strip_prefix('"') {
        Some(inner) => inner.find('"')? + 2,
        None => rest.find(|character: char| {
            !matches!(character, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')
        })?,
    };
    let id = rest.get(..end)?;
    json::parse(id.as_bytes()).ok()?;
    Some(id.to_owned())
}

/// The ID of the request that a text answers of which only the beginning and the end are known, as JSON.
///
/// It is expected where servers write it: before `result`, or as one of the last members.
pub fn id_at_edges(head: &[u8], tail: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(head);
    let tail = String::from_utf8_lossy(tail);
    let before = ["\"result\"", "\"error\"", "\"method\""]
        .into_iter()
        .filter_map(|name| head.find(name))
        .min();
    let before = head.get(..before?).unwrap_or_default();
    if let Some(id) = id_in_text(before) {
        return Some(id);
    }
    let (_, after) = tail.rsplit_once("\"id\"")?;
    let rest = format!("{{\"id\"{after}");
    let object = json::parse(rest.as_bytes()).ok()?.as_object()?;
    answered_id(object).map(|id| id.raw().to_owned())
}

fn message(text: Wiped<Vec<u8>>) -> Option<Repaired> {
    Message::parse(&text).ok()?.shape().ok()?;
    Some(Repaired::Message(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(text: &[u8]) -> Option<String> {
        Some(match repair(text)? {
            Repaired::Message(text) => String::from_utf8(text.to_vec()).unwrap(),
            Repaired::Answer(id, defect) => format!("{id}: {defect}"),
        })
    }

    #[test]
    fn what_the_sdks_accept_becomes_a_message() {
        for (text, expected) in [
            (
                &br#"{"jsonrpc":"2.0","id":2,"result":null,"error":{"code":1,"message":"x"}}"#[..],
                r#"{"jsonrpc":"2.0","id":2,"error":{"code":1,"message":"x"}}"#,
            ),
            (
                br#"{"jsonrpc":"2.0","id":2,"error":null,"result":{}}"#,
                r#"{"jsonrpc":"2.0","id":2,"result":{}}"#,
            ),
            (
                b"{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"\xff\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"\u{fffd}\"}",
            ),
            (
                b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\",\"params\":\"\xff\"}",
                "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\",\"params\":\"\u{fffd}\"}",
            ),
        ] {
            assert_eq!(repaired(text).as_deref(), Some(expected));
        }
    }

    #[test]
    fn whatever_else_answers_a_request_is_recognised() {
        for (text, expected) in [
            (
                r#"{"jsonrpc":"2.0","id":2,"result":{"x":NaN}}"#,
                "2: it is not JSON in one line",
            ),
            (
                r#"{"jsonrpc":"2.0","id":"2","result":{"x":Infinity}}"#,
                "\"2\": it is not JSON in one line",
            ),
            (r#"{"id":2,"result":{}}"#, "2: it is not JSON-RPC 2.0"),
            (
                r#"[{"jsonrpc":"2.0","id":2,"result":{}}]"#,
                "2: it is not JSON-RPC 2.0",
            ),
            (
                r#"{"jsonrpc":"2.0","id":2}"#,
                "2: it does not have either a result or an error",
            ),
            (
                r#"{"jsonrpc":"2.0","id":2,"result":1,"error":{}}"#,
                "2: it does not have either a result or an error",
            ),
            (
                r#"{"jsonrpc":"2.0","id":2,"error":"text"}"#,
                "2: its error is not an object",
            ),
            (
                r#"{"jsonrpc":"2.0","id":2,"error":null}"#,
                "2: its error is not an object",
            ),
        ] {
            assert_eq!(
                repaired(text.as_bytes()).as_deref(),
                Some(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn an_answer_is_recognised_by_its_edges() {
        for (head, tail, id) in [
            (
                r#"{"jsonrpc":"2.0","id":7,"result":{"id":8,"x":""#,
                r#""}}"#,
                Some("7"),
            ),
            (
                r#"{"result":{"id":8,"x":""#,
                r#""},"jsonrpc":"2.0","id":7}"#,
                Some("7"),
            ),
            (
                r#"{"result":{"id":8,"x":""#,
                r#"","id":9},"jsonrpc":"2.0"}"#,
                None,
            ),
            (r#"{"jsonrpc":"2.0","method":"a","id":7"#, r#""}"#, None),
            ("no JSON at all", "\"id\":7", None),
        ] {
            assert_eq!(
                id_at_edges(head.as_bytes(), tail.as_bytes()).as_deref(),
                id,
                "{head}"
            );
        }
    }

    #[test]
    fn noise_answers_nothing() {
        for text in [
            "listening on port 3000",
            r#"got {"jsonrpc":"2.0","id":2,"method":"tools/call"}"#,
            r#"{"level":"info","id":"#,
            "{\"level\":\"info\"}",
            "7",
            "",
        ] {
            assert_eq!(repaired(text.as_bytes()), None, "{text}");
        }
    }
}
