//! The effective configuration with its origins, for `toolvault config`.

use serde_json::{Map, Value as Json, json};
use toml::Value;

use super::keys::{self, Kind};
use super::layers::Layers;
use crate::printer::{Printer, Table};

/// Stands for a confidential value.
const HIDDEN: &str = "<set>";

/// Prints each key with its value and origin.
pub(crate) fn show(layers: &Layers, is_json: bool, printer: &Printer) -> anyhow::Result<()> {
    let values = layers.entries.iter().map(|(key, entry)| {
        let value = match (keys::kind(key), &entry.value) {
            (None | Some(Kind::Secret), _) => Json::from(HIDDEN),
            (Some(Kind::Command), Value::Array(words)) => program(words),
            (_, value) => serde_json::to_value(value).unwrap_or(Json::Null),
        };
        (key, value, entry.origin.to_string())
    });
    if is_json {
        let values: Map<String, Json> = values
            .map(|(key, value, origin)| (key.clone(), json!({"value": value, "from": origin})))
            .collect();
        return printer.json(&values);
    }
    let mut table = Table::plain();
    for (key, value, origin) in values {
        let value = match value {
            Json::String(text) if text == HIDDEN => text,
            value => value.to_string(),
        };
        table.row([&format!("{key} = {value}"), &format!("# {origin}")]);
    }
    Ok(printer.table(&table)?)
}

/// A command without its arguments, which may contain a key.
fn program(words: &[Value]) -> Json {
    let shown = words.iter().enumerate().map(|(place, word)| match place {
        0 => word.as_str().unwrap_or_default(),
        _ => HIDDEN,
    });
    shown.collect()
}
