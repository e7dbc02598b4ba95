//! What a schema says, read in the plainest way: which arguments it takes, and which of them it has looked at.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

type Schema = Map<String, Value>;
/// The names that were looked at (for `unevaluatedProperties`); none if the instance is not valid.
type Outcome = Option<BTreeSet<String>>;

/// Whether `schema` takes `instance`. Patterns are only `^` and a beginning, or `^`, a name and `$`.
pub(super) fn takes(schema: &Value, instance: &Value) -> bool {
    apply(schema, schema, instance).is_some()
}

fn apply(root: &Value, schema: &Value, instance: &Value) -> Outcome {
    let Value::Object(schema) = schema else {
        return (schema != &Value::Bool(false)).then(BTreeSet::new);
    };
    let mut looked_at = branches(root, schema, instance)?;
    let is_valid = schema.get("const").is_none_or(|value| value == instance)
        && schema
            .get("enum")
            .and_then(Value::as_array)
            .is_none_or(|list| list.contains(instance))
        && schema
            .get("type")
            .is_none_or(|kind| kind == kind_of(instance));
    if !is_valid {
        return None;
    }
    if let Value::Object(instance) = instance {
        looked_at.extend(members(root, schema, instance)?);
        if let Some(unevaluated) = schema.get("unevaluatedProperties") {
            for (name, value) in instance {
                if looked_at.insert(name.clone()) {
                    apply(root, unevaluated, value)?;
                }
            }
        }
    }
    Some(looked_at)
}

fn kind_of(instance: &Value) -> &'static str {
    match instance {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// What is applied to the same instance.
fn branches(root: &Value, schema: &Schema, instance: &Value) -> Outcome {
    let mut looked_at = BTreeSet::new();
    let list = |name: &str| -> Option<Vec<Outcome>> {
        let list = schema.get(name)?.as_array()?;
        Some(
            list.iter()
                .map(|branch| apply(root, branch, instance))
                .collect(),
        )
    };
    if let Some(reference) = schema.get("$ref") {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        looked_at.extend(apply(root, root.pointer(pointer).unwrap(), instance)?);
    }
    for outcome in list("allOf").unwrap_or_default() {
        looked_at.extend(outcome?);
    }
    if let Some(outcomes) = list("anyOf") {
        outcomes.iter().find(|outcome| outcome.is_some())?;
        looked_at.extend(outcomes.into_iter().flatten().flatten());
    }
    if let Some(outcomes) = list("oneOf") {
        let mut valid = outcomes.into_iter().flatten();
        looked_at.extend(valid.next()?);
        if valid.next().is_some() {
            return None;
        }
    }
    if schema
        .get("not")
        .is_some_and(|not| apply(root, not, instance).is_some())
    {
        return None;
    }
    if let Some(condition) = schema.get("if") {
        let condition = apply(root, condition, instance);
        let outcome = if condition.is_some() { "then" } else { "else" };
        looked_at.extend(condition.unwrap_or_default());
        if let Some(outcome) = schema.get(outcome) {
            looked_at.extend(apply(root, outcome, instance)?);
        }
    }
    Some(looked_at)
}

/// What is said about the members of an object.
fn members(root: &Value, schema: &Schema, instance: &Schema) -> Outcome {
    let mut looked_at = BTreeSet::new();
    let has_all = |names: &Value| {
        let mut names = names.as_array().unwrap().iter();
        names.all(|name| instance.contains_key(name.as_str().unwrap()))
    };
    let count = |name: &str| schema.get(name).and_then(Value::as_u64);
    let length = instance.len() as u64;
    if !schema.get("required").is_none_or(has_all)
        || count("minProperties").is_some_and(|least| length < least)
        || count("maxProperties").is_some_and(|most| length > most)
    {
        return None;
    }
    for keyword in ["dependentRequired", "dependentSchemas", "dependencies"] {
        for (name, dependent) in schema
            .get(keyword)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            if instance.contains_key(name) && dependent.is_array() {
                has_all(dependent).then_some(())?;
            } else if instance.contains_key(name) {
                looked_at.extend(apply(root, dependent, &json!(instance))?);
            }
        }
    }
    let empty = Map::new();
    let map = |name: &str| {
        schema
            .get(name)
            .and_then(Value::as_object)
            .unwrap_or(&empty)
    };
    for (name, value) in instance {
        if let Some(names) = schema.get("propertyNames") {
            apply(root, names, &json!(name))?;
        }
        let patterns = map("patternProperties").iter();
        let patterns = patterns
            .filter(|(pattern, _)| matches(pattern, name))
            .map(|(_, schema)| schema);
        let mut own: Vec<_> = map("properties")
            .get(name)
            .into_iter()
            .chain(patterns)
            .collect();
        if own.is_empty() {
            own.extend(schema.get("additionalProperties"));
        }
        for schema in own {
            apply(root, schema, value)?;
            looked_at.insert(name.clone());
        }
    }
    Some(looked_at)
}

fn matches(pattern: &str, name: &str) -> bool {
    let pattern = pattern.strip_prefix('^').unwrap();
    match pattern.strip_suffix('$') {
        Some(whole) => whole == name,
        None => name.starts_with(pattern),
    }
}

#[test]
fn the_validator_knows_what_is_looked_at() {
    let schema = json!({
        "anyOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}, {"$ref": "#/$defs/b"}],
        "unevaluatedProperties": false,
        "$defs": {"b": {"patternProperties": {"^b": true}}},
    });
    assert!(takes(&schema, &json!({"a": "x", "b": 1})));
    assert!(takes(&schema, &json!({"b": 1, "bb": 2})));
    assert!(!takes(&schema, &json!({"a": 1})));
    assert!(!takes(&schema, &json!({"a": "x", "c": 1})));
    assert!(!takes(&json!({"oneOf": [true, {}]}), &json!(1)));
    assert!(!takes(
        &json!({"if": {"const": 1}, "then": false}),
        &json!(1)
    ));
    assert!(!takes(
        &json!({"dependentRequired": {"a": ["b"]}}),
        &json!({"a": 1})
    ));
}
