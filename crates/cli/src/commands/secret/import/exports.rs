//! JSON and YAML documents: plain maps, and what other secret managers export.

use serde_json::{Map, Value};
use toolvault_core::confidential::Wiped;

use super::format::Entry;

/// What Doppler adds to each download about itself.
const DOPPLER: [&str; 3] = ["DOPPLER_CONFIG", "DOPPLER_ENVIRONMENT", "DOPPLER_PROJECT"];
/// The type of a confidential field of 1Password.
const CONCEALED: &str = "CONCEALED";

/// The entries of a document.
pub(super) fn entries(document: Value) -> Result<Vec<Entry>, String> {
    match document {
        Value::Object(map) if map.contains_key("fields") && map.contains_key("title") => {
            Ok(one_password(&map))
        }
        Value::Object(map) if is_vault(&map) => Ok(vault(map)),
        Value::Object(map) if is_doppler(&map) => Ok(doppler(map)),
        Value::Object(map) => {
            let is_secret = DOPPLER.iter().all(|name| map.contains_key(*name));
            let entries = map.into_iter();
            let entries =
                entries.filter(|(name, _)| !is_secret || !DOPPLER.contains(&name.as_str()));
            Ok(entries
                .map(|(name, value)| entry(name, value, is_secret))
                .collect())
        }
        Value::Array(items) => items
            .into_iter()
            .map(item)
            .collect::<Result<Vec<_>, _>>()
            .map(|all| all.into_iter().flatten().collect()),
        _ => Err("it is neither a map of names to values nor an export that is known".to_owned()),
    }
}

/// One item of a list: a secret of Infisical, or an item of 1Password.
fn item(item: Value) -> Result<Vec<Entry>, String> {
    match item {
        Value::Object(map) if map.contains_key("fields") && map.contains_key("title") => {
            Ok(one_password(&map))
        }
        Value::Object(mut map) => {
            let (name, value) = (map.remove("key"), map.remove("value"));
            match (name, value) {
                (Some(Value::String(name)), Some(value)) => Ok(vec![entry(name, value, true)]),
                _ => Err("an item of its list has no \"key\" and \"value\"".to_owned()),
            }
        }
        _ => Err("its list has other items than secrets".to_owned()),
    }
}

/// What `vault kv get -format=json` prints, for both versions of the engine.
fn is_vault(map: &Map<String, Value>) -> bool {
    ["request_id", "lease_id", "data"]
        .iter()
        .all(|name| map.contains_key(*name))
}

fn vault(mut map: Map<String, Value>) -> Vec<Entry> {
    let data = map.remove("data").unwrap_or_default();
    let inner = match data {
        Value::Object(mut data) if data.contains_key("metadata") => {
            data.remove("data").unwrap_or_default()
        }
        data => data,
    };
    let Value::Object(inner) = inner else {
        return Vec::new();
    };
    inner
        .into_iter()
        .map(|(name, value)| entry(name, value, true))
        .collect()
}

/// What `doppler secrets --json` prints.
fn is_doppler(map: &Map<String, Value>) -> bool {
    let is_one = |value: &Value| value.get("computed").is_some();
    !map.is_empty() && map.values().all(is_one)
}

fn doppler(map: Map<String, Value>) -> Vec<Entry> {
    let secrets = map
        .into_iter()
        .filter(|(name, _)| !DOPPLER.contains(&name.as_str()));
    secrets
        .map(|(name, mut value)| {
            let computed = value.get_mut("computed").map(Value::take);
            entry(name, computed.unwrap_or_default(), true)
        })
        .collect()
}

/// The concealed fields of what `op item get --format json` prints, each named after the item and the field.
fn one_password(map: &Map<String, Value>) -> Vec<Entry> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let title = text(map.get("title"));
    let fields = map.get("fields").and_then(Value::as_array);
    let concealed = fields
        .into_iter()
        .flatten()
        .filter(|field| field.get("type").and_then(Value::as_str) == Some(CONCEALED))
        .filter(|field| field.get("value").is_some());
    concealed
        .map(|field| {
            let name = format!("{title}-{}", text(field.get("label")));
            let value = field.get("value").cloned().unwrap_or_default();
            entry(plain(&name), value, true)
        })
        .collect()
}

/// A name that can be written in a reference as it is.
fn plain(name: &str) -> String {
    let letter = |letter: char| {
        if letter.is_ascii_alphanumeric() || "-_.".contains(letter) {
            letter.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    name.chars()
        .map(letter)
        .collect::<String>()
        .trim_matches('-')
        .to_owned()
}

fn entry(name: String, value: Value, is_secret: bool) -> Entry {
    let (value, is_text) = match value {
        Value::String(text) => (text, true),
        _ => (String::new(), false),
    };
    Entry {
        name,
        value: Wiped::new(value),
        is_secret,
        is_text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(document: Value) -> Vec<(String, String, bool)> {
        let entries = entries(document).unwrap().into_iter();
        entries
            .map(|entry| (entry.name, entry.value.as_str().to_owned(), entry.is_secret))
            .collect()
    }

    fn one(name: &str, value: &str, is_secret: bool) -> (String, String, bool) {
        (name.to_owned(), value.to_owned(), is_secret)
    }

    #[test]
    fn exports_are_known_by_their_form() {
        let infisical = json!([{"_id": "1", "key": "A", "value": "one", "type": "shared"}]);
        assert_eq!(read(infisical), [one("A", "one", true)]);
        let doppler = json!({"A": "one", "DOPPLER_PROJECT": "p", "DOPPLER_CONFIG": "c", "DOPPLER_ENVIRONMENT": "e"});
        assert_eq!(read(doppler), [one("A", "one", true)]);
        let doppler =
            json!({"A": {"computed": "one", "raw": "${B}"}, "DOPPLER_PROJECT": {"computed": "p"}});
        assert_eq!(read(doppler), [one("A", "one", true)]);
        let second = json!({"request_id": "r", "lease_id": "", "data": {"data": {"A": "one"}, "metadata": {"version": 1}}});
        assert_eq!(read(second), [one("A", "one", true)]);
        let first = json!({"request_id": "r", "lease_id": "", "data": {"A": "one"}});
        assert_eq!(read(first), [one("A", "one", true)]);
        let item = json!({"id": "x", "title": "My GitHub", "fields": [
            {"id": "username", "type": "STRING", "label": "username", "value": "me"},
            {"id": "password", "type": "CONCEALED", "label": "password"},
            {"id": "c", "type": "CONCEALED", "label": "API token", "value": "one"}]});
        assert_eq!(
            read(item.clone()),
            [one("my-github-api-token", "one", true)]
        );
        assert_eq!(
            read(json!([item])),
            [one("my-github-api-token", "one", true)]
        );
        assert_eq!(read(json!({"A": "one"})), [one("A", "one", false)]);
    }

    #[test]
    fn what_is_no_text_is_marked_and_what_is_unknown_is_refused() {
        for value in [
            json!(1),
            json!(true),
            json!(null),
            json!({"b": 1}),
            json!([1]),
        ] {
            let read = entries(json!({"A": value})).unwrap();
            assert!(!read[0].is_text);
            assert_eq!(read[0].value.as_str(), "");
        }
        for document in [
            json!("canary"),
            json!(1),
            json!(["canary"]),
            json!([{"name": "canary"}]),
        ] {
            let why = entries(document).err().unwrap();
            assert!(!why.contains("canary"), "{why}");
        }
    }
}
