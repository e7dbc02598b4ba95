//! Rewords the document as `FastAPI` would: titles everywhere, and null as one of `anyOf`.
//!
//! Also adds what operations share: the authentication schemes of all with a credential, and the headers of refusals.

use serde_json::{Map, Value, json};

/// The titles that `FastAPI` does not derive from names.
const CHOSEN_TITLES: [(&str, &str); 3] = [
    ("loc", "Location"),
    ("msg", "Message"),
    ("type", "Error Type"),
];

/// The schemes, any one of which is enough: the original's, and the real ones.
const SCHEMES: [&str; 4] = ["sec0", "bearer", "api_key", "token"];

/// Members that annotate a schema and do not constrain its values.
const ANNOTATIONS: [&str; 5] = ["title", "description", "default", "deprecated", "examples"];

/// Rewords the whole document.
pub(super) fn apply(document: &mut Value) {
    reword(document);
    if let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") {
        merge_flattened(schemas);
        for (name, schema) in schemas {
            title_schema(name, schema);
        }
    }
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    let operations = paths
        .into_iter()
        .flat_map(|paths| paths.values_mut())
        .filter_map(Value::as_object_mut)
        .flat_map(|item| item.values_mut());
    operations.for_each(reword_operation);
}

fn reword_operation(operation: &mut Value) {
    let Some(operation) = operation.as_object_mut() else {
        return;
    };
    // An operation without a credential says so itself.
    operation.entry("security").or_insert_with(|| {
        SCHEMES
            .map(|scheme| json!({ scheme: [] }))
            .into_iter()
            .collect()
    });
    if let Some(Value::String(summary)) = operation.get_mut("summary") {
        summary.truncate(summary.trim_end_matches('.').len());
    }
    let parameters = operation
        .get_mut("parameters")
        .and_then(Value::as_array_mut);
    parameters.into_iter().flatten().for_each(title_parameter);
    if let Some(body) = operation.get_mut("requestBody") {
        leave_out_null(body);
    }
    let responses = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut);
    for (status, response) in responses.into_iter().flatten() {
        complete_refusal(status, response);
    }
}

/// Turns a description beside a reference to a schema into a response with that schema, and the headers of its status.
fn complete_refusal(status: &str, response: &mut Value) {
    let Some(schema) = response.get("$ref") else {
        return;
    };
    let header = |name: &str, description: &str, schema: Value| {
        let header = json!({"description": description, "schema": schema, "required": true});
        (name.to_owned(), header)
    };
    let text = || json!({"type": "string"});
    let mut headers = vec![header(
        "toolvault-error",
        "The machine-readable code",
        text(),
    )];
    match status {
        "401" => headers.push(header("WWW-Authenticate", "The scheme to use", text())),
        "429" | "503" => {
            let seconds = json!({"type": "integer", "minimum": 0});
            headers.push(header("Retry-After", "Seconds to wait", seconds));
        }
        _ => {}
    }
    *response = json!({
        "description": response.get("description"),
        "headers": Map::from_iter(headers),
        "content": {"application/json": {"schema": {"$ref": schema}}},
    });
}

/// Turns `{"type": ["string", "null"], "minLength": 1}` into `{"anyOf": [{"type": "string", "minLength": 1},
/// {"type": "null"}]}` and `oneOf` into `anyOf`, and drops the formats of integers.
fn reword(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(reword),
        Value::Object(members) => {
            members.values_mut().for_each(reword);
            // Integers of any size are accepted; those beyond 64 bits count as the nearest one.
            if members.get("type").is_some_and(is_integer) {
                members.remove("format");
            }
            if let Some(choices) = members.remove("oneOf") {
                members.insert("anyOf".to_owned(), choices);
            }
            if let Some(kind) = nullable_type(members) {
                let (outer, mut inner): (Map<_, _>, Map<_, _>) = std::mem::take(members)
                    .into_iter()
                    .partition(|(name, _)| ANNOTATIONS.contains(&name.as_str()));
                inner.insert("type".to_owned(), kind);
                *members = outer;
                members.insert("anyOf".to_owned(), json!([inner, { "type": "null" }]));
            }
        }
        _ => {}
    }
}

fn is_integer(kind: &Value) -> bool {
    kind == "integer"
        || kind
            .as_array()
            .is_some_and(|kinds| kinds.contains(&"integer".into()))
}

/// The other type of a schema that allows null.
fn nullable_type(schema: &Map<String, Value>) -> Option<Value> {
    match schema.get("type")?.as_array()?.as_slice() {
        [kind, null] | [null, kind] if null == "null" => Some(kind.clone()),
        _ => None,
    }
}

/// A handler's `Option<T>` is a body that may be absent, but not null.
fn leave_out_null(body: &mut Value) {
    let content = body.get_mut("content").and_then(Value::as_object_mut);
    for media_type in content.into_iter().flat_map(Map::values_mut) {
        let choices = media_type
            .pointer("/schema/anyOf")
            .and_then(Value::as_array);
        let mut choices = choices.into_iter().flatten();
        if let Some(schema) = choices.find(|schema| schema.get("$ref").is_some()) {
            *media_type = json!({ "schema": schema });
        }
    }
}

/// Merges a type with flattened members into one object, as `FastAPI` writes it.
fn merge_flattened(schemas: &mut Map<String, Value>) {
    let known = schemas.clone();
    for schema in schemas.values_mut().filter_map(Value::as_object_mut) {
        let Some(Value::Array(parts)) = schema.remove("allOf") else {
            continue;
        };
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for part in &parts {
            let name = part.get("$ref").and_then(Value::as_str);
            let name = name.and_then(|name| name.strip_prefix("#/components/schemas/"));
            let part = name.and_then(|name| known.get(name)).unwrap_or(part);
            let members = part.get("properties").and_then(Value::as_object);
            properties.extend(members.cloned().unwrap_or_default());
            let names = part.get("required").and_then(Value::as_array);
            required.extend(names.cloned().unwrap_or_default());
        }
        schema.insert("type".to_owned(), "object".into());
        schema.insert("properties".to_owned(), properties.into());
        schema.insert("required".to_owned(), required.into());
    }
}

fn title_schema(name: &str, schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    schema.entry("title").or_insert_with(|| name.into());
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        if let Some(property) = property.as_object_mut()
            && !property.contains_key("$ref")
        {
            let chosen = CHOSEN_TITLES.iter().find(|(known, _)| known == name);
            let title = chosen.map_or_else(|| title(name), |(_, title)| (*title).to_owned());
            property.entry("title").or_insert_with(|| title.into());
        }
    }
}

/// Gives the parameter a title, and its schema the same description.
fn title_parameter(parameter: &mut Value) {
    let name = parameter.get("name").and_then(Value::as_str).map(title);
    let description = parameter.get("description").cloned();
    let schema = parameter.get_mut("schema").and_then(Value::as_object_mut);
    let (Some(name), Some(schema)) = (name, schema.filter(|schema| !schema.contains_key("$ref")))
    else {
        return;
    };
    schema.insert("title".to_owned(), name.into());
    if let Some(description) = description {
        schema.insert("description".to_owned(), description);
    }
}

/// `x-api-key` becomes `X-Api-Key`, `secret_id` becomes `Secret Id`.
fn title(name: &str) -> String {
    let mut is_start = true;
    name.chars()
        .map(|character| {
            let titled = if is_start {
                character.to_ascii_uppercase()
            } else {
                character
            };
            is_start = !character.is_ascii_alphabetic();
            if titled == '_' { ' ' } else { titled }
        })
        .collect()
}
