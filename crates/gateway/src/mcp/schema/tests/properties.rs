//! A cleaned schema is what the original says once the hidden arguments are filled in.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use toolvault_core::json::parse_text;

use super::cleaned;
use super::validator::takes;
use crate::mcp::schema::{CannotClean, Definition};

const NAMES: [&str; 5] = ["a", "b", "kit", "key", "pin"];
const HIDDEN: [&str; 2] = ["key", "pin"];

fn name() -> impl Strategy<Value = String> {
    select(NAMES.as_slice()).prop_map(str::to_owned)
}

fn some_names() -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(name(), 0..3).prop_map(|names| names.into_iter().collect())
}

fn argument() -> impl Strategy<Value = Value> {
    select(vec![
        json!("x"),
        json!(1),
        json!({}),
        json!({"key": 1, "a": "x"}),
    ])
}

/// Some of the arguments, without hidden ones.
fn visible() -> impl Strategy<Value = Map<String, Value>> {
    let names = select(&NAMES[..3]).prop_map(str::to_owned);
    prop::collection::btree_map(names, argument(), 0..4)
        .prop_map(|members| members.into_iter().collect())
}

fn instance() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(name(), argument(), 0..4).prop_map(|members| json!(members))
}

/// The schema of one argument; references in it may lead anywhere.
fn of_argument() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => select(vec![json!(true), json!({}), json!({"type": "string"}), json!({"const": 1}), json!({"type": "object"})]),
        1 => name().prop_map(|name| json!({"properties": {name: false}})),
        1 => select(vec!["#", "#/$defs/d0", "#/$defs/d1", "#/$defs/d2", "#/$defs/d1/properties/key", "#/properties/key", "#/properties/a"])
            .prop_map(|reference| json!({"$ref": reference})),
    ]
}

fn properties() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(name(), of_argument(), 0..4).prop_map(|map| json!(map))
}

/// One keyword that has no schema for all arguments in it.
fn flat() -> impl Strategy<Value = Value> {
    let names_of = prop_oneof![
        some_names().prop_map(|names| json!({"enum": names})),
        some_names().prop_map(|names| json!({"not": {"enum": names}})),
        name().prop_map(|name| json!({"anyOf": [{"const": name}, {"enum": ["a"]}]})),
    ];
    prop_oneof![
        4 => properties().prop_map(|properties| json!({"properties": properties})),
        4 => some_names().prop_map(|names| json!({"required": names})),
        1 => (name(), some_names()).prop_map(|(name, names)| json!({"dependentRequired": {name: names}})),
        1 => (name(), some_names()).prop_map(|(name, names)| json!({"dependencies": {name: names}})),
        1 => (0_u64..5).prop_map(|count| json!({"minProperties": count})),
        1 => (0_u64..5).prop_map(|count| json!({"maxProperties": count})),
        1 => names_of.prop_map(|names| json!({"propertyNames": names})),
        1 => (select(vec!["^k", "^key$", "^a"]), of_argument()).prop_map(|(pattern, schema)| json!({"patternProperties": {pattern: schema}})),
        1 => (select(vec!["additionalProperties", "unevaluatedProperties"]), of_argument()).prop_map(|(keyword, schema)| json!({keyword: schema})),
        1 => select(vec!["additionalProperties", "unevaluatedProperties"]).prop_map(|keyword| json!({keyword: false})),
        1 => instance().prop_map(|instance| json!({"const": instance})),
        1 => prop::collection::vec(instance(), 1..3).prop_map(|list| json!({"enum": list, "examples": list, "default": list.first()})),
        1 => some_names().prop_map(|names| json!({"propertyOrdering": names})),
    ]
}

/// A schema for all arguments; references that describe them lead to definitions after `first` only.
fn of_arguments(first: usize) -> BoxedStrategy<Value> {
    let leaf = if first < 3 {
        prop_oneof![4 => flat(), 1 => (first..3).prop_map(|index| json!({"$ref": format!("#/$defs/d{index}")}))].boxed()
    } else {
        flat().boxed()
    };
    leaf.prop_recursive(3, 12, 3, |inner| {
        let list = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            (select(vec!["allOf", "anyOf", "oneOf", "oneOf"]), list)
                .prop_map(|(keyword, list)| json!({keyword: list})),
            inner.clone().prop_map(|schema| json!({"not": schema})),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| json!({"if": a, "then": b, "else": c})),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| json!({"if": a, "then": b})),
            (
                select(vec!["dependentSchemas", "dependencies"]),
                name(),
                inner.clone()
            )
                .prop_map(|(keyword, name, schema)| json!({keyword: {name: schema}})),
            prop::collection::vec(inner, 2..4).prop_map(merge),
        ]
    })
    .boxed()
}

/// One schema with the keywords of several; of the same keyword the last counts.
fn merge(schemas: Vec<Value>) -> Value {
    let mut merged = Map::new();
    for schema in schemas {
        merged.extend(schema.as_object().cloned().unwrap_or_default());
    }
    Value::Object(merged)
}

/// A root with `properties` and definitions.
fn schema() -> impl Strategy<Value = Value> {
    let definitions = (of_arguments(1), of_arguments(2), of_arguments(3));
    (of_arguments(0), of_arguments(0), properties(), definitions).prop_map(
        |(a, b, properties, (d0, d1, d2))| {
            let mut properties = properties;
            for name in ["key", "a"] {
                if properties.get(name).is_none() {
                    properties[name] = json!(true);
                }
            }
            let mut d1 = d1;
            d1["properties"]["key"] = json!({"type": "string"});
            merge(vec![
                a,
                b,
                json!({"properties": properties, "$defs": {"d0": d0, "d1": d1, "d2": d2}}),
            ])
        },
    )
}

/// The schema without hidden arguments, and the hidden ones. `None` if it is refused for a good reason.
///
/// As in the gateway, only declared arguments are hidden.
fn clean(schema: &Value) -> Option<(Value, Vec<&'static str>)> {
    let text = schema.to_string();
    let tool = format!(r#"{{"name":"t","inputSchema":{text}}}"#);
    let definition = Definition::read(parse_text(&tool).unwrap(), false).unwrap();
    let hidden = HIDDEN.into_iter();
    let hidden: Vec<_> = hidden
        .filter(|name| definition.declared.contains(*name))
        .collect();
    Some((clean_of(schema, &hidden)?, hidden))
}

fn clean_of(schema: &Value, hidden: &[&str]) -> Option<Value> {
    let text = schema.to_string();
    let after = match cleaned(&text, hidden) {
        Ok(after) => after.unwrap_or_else(|| text.clone()),
        Err(CannotClean::Reference | CannotClean::Condition | CannotClean::Remains) => return None,
        Err(error) => panic!("{error}: {text}"),
    };
    assert_eq!(cleaned(&after, hidden), Ok(None), "twice: {text} {after}");
    let again = cleaned(&text, hidden).unwrap();
    assert_eq!(again.unwrap_or(text), after);
    Some(serde_json::from_str(&after).unwrap())
}

/// A schema whose keywords all say something certain about a filled in argument: what is left says as much.
fn certain() -> impl Strategy<Value = Value> {
    let properties = prop::collection::btree_map(
        name(),
        select(vec![json!(true), json!({"type": "string"})]),
        0..4,
    );
    let leaf = prop_oneof![
        3 => properties.prop_map(|properties| json!({"properties": properties})),
        3 => some_names().prop_map(|names| json!({"required": names})),
        1 => (name(), some_names()).prop_map(|(name, names)| json!({"dependentRequired": {name: names}})),
    ];
    let schema = leaf.prop_recursive(3, 12, 3, |inner| {
        let list = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            (select(vec!["allOf", "anyOf"]), list)
                .prop_map(|(keyword, list)| json!({keyword: list})),
            (name(), inner.clone())
                .prop_map(|(name, schema)| json!({"dependentSchemas": {name: schema}})),
            prop::collection::vec(inner, 2..4).prop_map(merge),
        ]
    });
    schema.prop_map(|schema| {
        merge(vec![
            schema,
            json!({"properties": {"key": true, "pin": {"type": "string"}, "a": true}}),
        ])
    })
}

/// Whether an argument is described by itself, which no validator follows to an end.
fn is_endless(schema: &Value) -> bool {
    let reference = |name: &str| schema["properties"][name]["$ref"].as_str();
    NAMES
        .into_iter()
        .filter_map(reference)
        .any(|reference| reference.starts_with("#/properties/"))
}

/// Every reference in `value`.
fn references(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str);
            own.into_iter()
                .chain(members.values().flat_map(references))
                .collect()
        }
        Value::Array(elements) => elements.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// The schema of a tool whose argument `params` is described by `model`, and `other` by a definition of it.
fn with_model(model: &Value) -> Value {
    let text = model.to_string();
    let text = text.replace(r##""#/properties/"##, r##""#/$defs/P/properties/"##);
    let text = text.replace(r##""#""##, r##""#/$defs/P""##);
    let mut model: Value = serde_json::from_str(&text).unwrap();
    let mut definitions = model.as_object_mut().unwrap().remove("$defs").unwrap();
    definitions["P"] = model;
    json!({
        "properties": {"params": {"$ref": "#/$defs/P"}, "other": {"$ref": "#/$defs/d1"}},
        "$defs": definitions,
    })
}

proptest! {
    #[test]
    fn what_is_taken_with_hidden_arguments_is_taken_without(
        schema in schema(),
        calls in prop::collection::vec((visible(), argument(), argument()), 24),
    ) {
        let Some((after, hidden)) = clean(&schema).filter(|_| !is_endless(&schema)) else {
            return Ok(());
        };
        for reference in references(&after) {
            prop_assert!(after.pointer(&reference[1..]).is_some(), "{schema}\n{after}");
        }
        for (visible, key, pin) in calls {
            let mut whole = visible.clone();
            for (name, value) in HIDDEN.iter().zip([key, pin]) {
                if hidden.contains(name) {
                    whole.insert((*name).to_owned(), value);
                }
            }
            let is_taken = takes(&schema, &json!(whole));
            prop_assert!(!is_taken || takes(&after, &json!(visible)), "{schema}\n{after}\n{visible:?}");
        }
    }

    #[test]
    fn a_model_is_cleaned_for_one_argument_and_another_stays(
        model in schema(),
        calls in prop::collection::vec((visible(), argument(), instance()), 24),
    ) {
        let schema = with_model(&model);
        let cleaned = clean_of(&schema, &["/params/key"]).filter(|_| !is_endless(&model));
        let Some(after) = cleaned else {
            return Ok(());
        };
        for reference in references(&after) {
            prop_assert!(after.pointer(&reference[1..]).is_some(), "{schema}\n{after}");
        }
        for (visible, key, other) in calls {
            let mut whole = visible.clone();
            whole.insert("key".to_owned(), key);
            let is_taken = takes(&schema, &json!({"params": whole}));
            prop_assert!(!is_taken || takes(&after, &json!({"params": visible})), "{schema}\n{after}\n{visible:?}");
            let other = json!({"other": other});
            prop_assert_eq!(takes(&schema, &other), takes(&after, &other), "{}\n{}\n{}", schema, after, other);
        }
    }

    #[test]
    fn what_is_taken_without_hidden_arguments_is_taken_with_them(
        schema in certain(),
        calls in prop::collection::vec(visible(), 24),
    ) {
        let (after, _) = clean(&schema).unwrap();
        for visible in calls {
            let mut whole = visible.clone();
            whole.extend(HIDDEN.map(|name| (name.to_owned(), json!("x"))));
            let (before, after) = (takes(&schema, &json!(whole)), takes(&after, &json!(visible)));
            prop_assert_eq!(before, after, "{}\n{:?}", schema, visible);
        }
    }
}
