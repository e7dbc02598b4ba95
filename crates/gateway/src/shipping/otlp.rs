//! Records as OTLP logs in JSON: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>.
//!
//! Integers of 64 bits are texts there. The body of a log record is the line that the trail has, and each of its fields
//! is an attribute, so that receivers need not parse the body.

use serde_json::{Map, Value, json};
use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::digest::hexadecimal;
use toolvault_core::identity::InstallationId;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::RecordedPage;

/// The most records in a request.
const MOST_RECORDS: usize = 512;
/// The most bytes of records in a request, unless one record alone has more.
const MOST_BYTES: usize = 1 << 20;

/// The bodies of the requests that carry the records of these pages, in their order.
pub(super) fn requests(
    installation: InstallationId,
    pages: &[RecordedPage],
    now: Timestamp,
) -> impl Iterator<Item = String> {
    let records = pages.iter().flat_map(|page| {
        page.records
            .iter()
            .map(move |(record, line)| (page, record, line))
    });
    let mut logs = records
        .map(move |(page, record, line)| log_record(page, record, line, now).to_string())
        .peekable();
    std::iter::from_fn(move || {
        let mut body = beginning(installation);
        body.push_str(&logs.next()?);
        let mut count = 1;
        let mut has_room = |log: &String, body: &String| {
            count += 1;
            count <= MOST_RECORDS && body.len() + log.len() < MOST_BYTES
        };
        while let Some(log) = logs.next_if(|log| has_room(log, &body)) {
            body.push(',');
            body.push_str(&log);
        }
        body.push_str("]}]}]}");
        Some(body)
    })
}

/// How many records the receiver rejected, as its answer says; `None` if the answer is not one of OTLP.
///
/// Some receivers answer with an empty body.
pub(super) fn rejected(body: &[u8]) -> Option<u64> {
    if body.is_empty() {
        return Some(0);
    }
    let answer: Value = serde_json::from_slice(body).ok()?;
    let Some(partial) = answer.as_object()?.get("partialSuccess") else {
        return Some(0);
    };
    match partial.get("rejectedLogRecords") {
        None => Some(0),
        Some(Value::String(text)) => text.parse().ok(),
        Some(number) => number.as_u64(),
    }
}

fn beginning(installation: InstallationId) -> String {
    let resource = attributes([
        ("service.name", json!("toolvault")),
        ("service.version", json!(env!("CARGO_PKG_VERSION"))),
        ("toolvault.installation", json!(installation)),
    ]);
    format!(
        "{{\"resourceLogs\":[{{\"resource\":{{\"attributes\":{resource}}},\
         \"scopeLogs\":[{{\"scope\":{{\"name\":\"toolvault.audit\"}},\"logRecords\":["
    )
}

fn log_record(page: &RecordedPage, record: &Record, line: &str, now: Timestamp) -> Value {
    let (severity, severity_text) = match (record.action, record.decision) {
        (Action::TamperingDetected | Action::ValueRepeated, _) => (17, "ERROR"),
        (_, Decision::Denied) => (13, "WARN"),
        (_, Decision::Allowed) => (9, "INFO"),
    };
    let fields: Map<String, Value> = serde_json::from_str(line).unwrap_or_default();
    // The page's hash tells records apart that have the same sequence in a store that was restored.
    let uid = format!("{}-{}", hexadecimal(&page.hash), record.sequence);
    let own = fields.into_iter().filter(|(_, value)| !value.is_null());
    let own = own.map(|(name, value)| (format!("toolvault.audit.{name}"), value));
    let others = [
        ("log.record.uid".to_owned(), json!(uid)),
        ("toolvault.audit.page".to_owned(), json!(page.number)),
    ];
    json!({
        "timeUnixNano": nanoseconds(record.at),
        "observedTimeUnixNano": nanoseconds(now),
        "severityNumber": severity,
        "severityText": severity_text,
        "eventName": record.action.name(),
        "body": { "stringValue": line },
        "attributes": attributes(others.into_iter().chain(own)),
    })
}

fn attributes<K: Into<String>>(pairs: impl IntoIterator<Item = (K, Value)>) -> Value {
    let pairs = pairs.into_iter();
    pairs
        .map(|(key, value)| json!({ "key": key.into(), "value": any_value(value) }))
        .collect()
}

fn any_value(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let values: Vec<_> = items.into_iter().map(any_value).collect();
            json!({ "arrayValue": { "values": values } })
        }
        Value::Bool(truth) => json!({ "boolValue": truth }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::String(text) => json!({ "stringValue": text }),
        other => json!({ "stringValue": other.to_string() }),
    }
}

fn nanoseconds(at: Timestamp) -> String {
    i128::from(at.microseconds())
        .saturating_mul(1_000)
        .max(0)
        .to_string()
}
