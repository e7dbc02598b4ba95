//! What of a definition is pinned: all that a model reads of a tool, and what decides where secrets go.

use toolvault_core::canonical::canonical_members;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::Value;

use super::definition::SECURE_SCHEMA;

/// The members of a tool that are pinned (MCP 2025-11-25 and 2026-07-28, server/tools, "Tool").
const PINNED: [&str; 7] = [
    "name",
    "title",
    "description",
    "inputSchema",
    SECURE_SCHEMA,
    "outputSchema",
    "annotations",
];

/// The pinned part of a tool in its canonical form. A tool that has no canonical form is pinned as it is spelled.
pub(crate) fn pinned(tool: Value<'_>) -> Wiped<String> {
    let canonical = tool
        .as_object()
        .and_then(|object| canonical_members(object, &PINNED).ok());
    canonical.unwrap_or_else(|| Wiped::new(tool.raw().to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};
    use toolvault_core::json::parse;

    use super::*;

    fn of(text: &str) -> String {
        pinned(parse(text.as_bytes()).unwrap()).as_str().to_owned()
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z]{0,6}", any::<String>()]
    }

    fn schema() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            text().prop_map(|text| json!({"type": "string", "description": text})),
            any::<i32>().prop_map(|least| json!({"type": "integer", "minimum": least})),
            any::<bool>().prop_map(Json::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::btree_map(text(), inner.clone(), 0..4)
                    .prop_map(|properties| json!({"type": "object", "properties": properties})),
                prop::collection::vec(inner, 0..3).prop_map(|branches| json!({"anyOf": branches})),
            ]
        })
    }

    fn tool() -> impl Strategy<Value = Json> {
        (text(), text(), schema(), schema(), any::<bool>()).prop_map(
            |(name, description, input, output, reads)| {
                json!({
                    "name": name, "title": description, "description": description,
                    "inputSchema": input, "outputSchema": output, "annotations": {"readOnlyHint": reads},
                })
            },
        )
    }

    /// How many places a value has that can be changed.
    fn places(value: &Json) -> usize {
        1 + match value {
            Json::Array(elements) => elements.iter().map(places).sum(),
            Json::Object(members) => members.values().map(places).sum(),
            _ => 0,
        }
    }

    /// Changes one place: a leaf becomes another one, and a list or an object gets one member more.
    fn change(value: &mut Json, place: &mut usize) {
        if *place == 0 {
            *place = usize::MAX;
            match value {
                Json::String(text) => text.push('\u{200b}'),
                Json::Bool(truth) => *truth = !*truth,
                Json::Number(number) => *value = json!(number.as_i64().unwrap() + 1),
                Json::Array(elements) => elements.push(Json::Null),
                Json::Object(members) => {
                    let name = format!("new {}", members.keys().map(String::len).sum::<usize>());
                    members.insert(name, Json::Null);
                }
                Json::Null => *value = json!(0),
            }
            return;
        }
        *place = place.saturating_sub(1);
        let inner: Vec<&mut Json> = match value {
            Json::Array(elements) => elements.iter_mut().collect(),
            Json::Object(members) => members.values_mut().collect(),
            _ => Vec::new(),
        };
        for value in inner {
            if *place != usize::MAX {
                change(value, place);
            }
        }
    }

    /// Members in reverse order, with space between, and every character of each text escaped.
    fn respelled(value: &Json) -> String {
        let text = |text: &str| {
            let units = text.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
            format!("\"{}\"", units.collect::<String>())
        };
        match value {
            Json::String(string) => text(string),
            Json::Array(elements) => {
                let elements: Vec<String> = elements.iter().map(respelled).collect();
                format!("[ {} ]", elements.join(" ,\n"))
            }
            Json::Object(members) => {
                let members = members.iter().rev();
                let members =
                    members.map(|(name, value)| format!("{} : {}", text(name), respelled(value)));
                format!("{{ {} }}", members.collect::<Vec<_>>().join(" ,\t"))
            }
            Json::Number(number) => format!("{number}.0"),
            other => other.to_string(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn of_a_thousand_lists_each_change_is_found_and_none_is_invented(
            tools in prop::collection::vec(tool(), 1..4),
            place in any::<prop::sample::Index>(),
            which in any::<prop::sample::Index>(),
        ) {
            for tool in &tools {
                prop_assert_eq!(of(&tool.to_string()), of(&respelled(tool)));
            }
            let tool = &tools[which.index(tools.len())];
            let mut other = tool.clone();
            // Place 0 is the tool itself, of which a new member is not pinned.
            let mut place = 1 + place.index(places(tool) - 1);
            change(&mut other, &mut place);
            prop_assert_ne!(tool, &other);
            prop_assert_ne!(of(&tool.to_string()), of(&other.to_string()));
        }
    }

    #[test]
    fn what_no_reader_of_a_tool_relies_on_is_not_pinned_and_what_is_ambiguous_is_pinned_as_spelled()
    {
        let tool = r#"{"name":"a","_meta":{"seen":1},"icons":[]}"#;
        assert_eq!(of(tool), r#"{"name":"a"}"#);
        for ambiguous in [
            r#"{"name":"a","inputSchema":{"a":1,"a":2}}"#,
            r#"{"name":"a","inputSchema":{"maximum":18446744073709551615}}"#,
            r#"{"name":"a","description":"\ud800"}"#,
        ] {
            assert_eq!(of(ambiguous), ambiguous);
        }
    }
}
