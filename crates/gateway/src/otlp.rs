//! What all OTLP in JSON has in common: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>.
//!
//! Integers of 64 bits are texts there.

use serde_json::{Value, json};
use toolvault_core::identity::InstallationId;

/// The attributes of the process that sends.
pub(crate) fn resource(installation: InstallationId) -> Value {
    attributes([
        ("service.name", json!("toolvault")),
        ("service.version", json!(env!("CARGO_PKG_VERSION"))),
        ("toolvault.installation", json!(installation)),
    ])
}

/// Attributes with these names and values.
pub(crate) fn attributes<K: Into<String>>(pairs: impl IntoIterator<Item = (K, Value)>) -> Value {
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
