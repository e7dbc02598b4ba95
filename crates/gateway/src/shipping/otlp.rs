//! Records as OTLP logs in JSON: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>.
//!
//! Integers of 64 bits are texts there. The body of a log record is the line that the trail has, and each of its fields
//! is an attribute, so that receivers need not parse the body.

use std::time::Duration;

use serde_json::{Map, Value, json};
use toolvault_core::audit::record::Record;
use toolvault_core::identity::InstallationId;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::RecordedPage;

use super::{DeliveryError, Severity, batches, uid};
use crate::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use crate::http::{GuardedClient, Method, Response};
use crate::otlp::{attributes, resource};

/// The bodies of the requests that carry the records of these pages, in their order.
pub(super) fn requests(
    installation: InstallationId,
    pages: &[RecordedPage],
    now: Timestamp,
) -> impl Iterator<Item = String> {
    let logs = pages.iter().flat_map(move |page| {
        let records = page.records.iter();
        records.map(move |(record, line)| log_record(page, record, line, now).to_string())
    });
    batches(logs).map(move |logs| body(installation, &logs.join(",")))
}

/// Sends one request. Returns how many of its records the receiver rejected.
pub(super) async fn send(
    client: &GuardedClient,
    url: &str,
    headers: &HeaderMap,
    body: String,
) -> Result<u64, DeliveryError> {
    let mut headers = headers.clone();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let response = client.send(Method::POST, url, headers, body.into()).await?;
    read(&response)
}

fn read(response: &Response) -> Result<u64, DeliveryError> {
    let status = response.status;
    if status.is_success() {
        return rejected(&response.body).ok_or(DeliveryError::NotOtlp);
    }
    // https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes
    if !matches!(status.as_u16(), 429 | 502 | 503 | 504) {
        return Err(DeliveryError::Refused(status));
    }
    let text = response.headers.get(RETRY_AFTER);
    let seconds = text.and_then(|text| text.to_str().ok()?.trim().parse().ok());
    Err(DeliveryError::Busy {
        status,
        retry_after: seconds.map(Duration::from_secs),
    })
}

/// How many records the receiver rejected, as its answer says; `None` if the answer is not one of OTLP.
///
/// Some receivers answer with an empty body.
pub(super) fn rejected(body: &[u8]) -> Option<u64> {
    if body.is_empty() {
        return Some(0);
    }
    let answer: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let Some((name, partial)) = answer.iter().next() else {
        return Some(0);
    };
    // JSON of Protocol Buffers is read with either spelling.
    let is_partial = matches!(name.as_str(), "partialSuccess" | "partial_success");
    if !is_partial || answer.len() > 1 {
        return None;
    }
    // There, null is a field that is not set: some receivers write all fields.
    let partial = match partial {
        Value::Null => return Some(0),
        partial => partial.as_object()?,
    };
    let rejected = ["rejectedLogRecords", "rejected_log_records"];
    match rejected.iter().find_map(|name| partial.get(*name)) {
        None | Some(Value::Null) => Some(0),
        Some(Value::String(text)) => text.parse().ok(),
        Some(number) => number.as_u64(),
    }
}

fn body(installation: InstallationId, logs: &str) -> String {
    let resource = resource(installation);
    format!(
        "{{\"resourceLogs\":[{{\"resource\":{{\"attributes\":{resource}}},\
         \"scopeLogs\":[{{\"scope\":{{\"name\":\"toolvault.audit\"}},\"logRecords\":[{logs}]}}]}}]}}"
    )
}

fn log_record(page: &RecordedPage, record: &Record, line: &str, now: Timestamp) -> Value {
    let (severity, severity_text) = match Severity::of(record) {
        Severity::Error => (17, "ERROR"),
        Severity::Warning => (13, "WARN"),
        Severity::Information => (9, "INFO"),
    };
    let fields: Map<String, Value> = serde_json::from_str(line).unwrap_or_default();
    let own = fields.into_iter().filter(|(_, value)| !value.is_null());
    let own = own.map(|(name, value)| (format!("toolvault.audit.{name}"), value));
    let others = [
        ("log.record.uid".to_owned(), json!(uid(page, record))),
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

fn nanoseconds(at: Timestamp) -> String {
    i128::from(at.microseconds())
        .saturating_mul(1_000)
        .max(0)
        .to_string()
}
