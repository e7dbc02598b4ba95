//! Arguments that a tool wants to see in headers too: those with `x-mcp-header` in its schema.

use std::collections::HashMap;

use toolvault_core::json::{Array, Kind, Object, Value};
use toolvault_gateway::http::{HeaderMap, HeaderName};

use super::headers;
use super::message::{Message, text};

const ANNOTATION: &str = "x-mcp-header";
const PREFIX: &str = "mcp-param-";
/// Deeper than any schema of arguments; more than that is not looked into.
const DEEPEST: usize = 32;

/// Which arguments of which tool go into which header, learnt from the lists that passed.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    tools: HashMap<String, Vec<(Vec<String>, HeaderName)>>,
}

impl Mirror {
    /// Learns from an answer to `tools/list`.
    pub(crate) fn learn(&mut self, answer: Message<'_>) {
        let tools = answer.result("tools").and_then(Value::as_array);
        let tools = tools.into_iter().flat_map(Array::elements);
        for tool in tools.filter_map(Value::as_object) {
            let Some(name) = tool.get("name").and_then(text) else {
                continue;
            };
            let mut places = Vec::new();
            if let Some(schema) = tool.get("inputSchema").and_then(Value::as_object) {
                collect(schema, &mut Vec::new(), &mut places);
            }
            if places.is_empty() {
                self.tools.remove(&name);
            } else {
                self.tools.insert(name, places);
            }
        }
    }

    /// Adds the headers that a call of a tool needs.
    pub(crate) fn complete(&self, call: Message<'_>, headers: &mut HeaderMap) {
        let name = call.parameter("name").and_then(text);
        let places = name.and_then(|name| self.tools.get(&name));
        for (path, header) in places.into_iter().flatten() {
            let arguments = call.parameter("arguments");
            let found = path.iter().try_fold(arguments, |value, name| {
                Some(value?.as_object().and_then(|object| object.get(name)))
            });
            let shown = found.flatten().and_then(|value| match value.kind() {
                Kind::String => text(value),
                Kind::Number | Kind::Bool => Some(value.raw().to_owned()),
                Kind::Null | Kind::Array | Kind::Object => None,
            });
            if let Some(value) = shown.and_then(|shown| headers::value(&shown)) {
                headers.insert(header.clone(), value);
            }
        }
    }
}

/// Annotations count only where `properties` lead to them.
fn collect(
    schema: Object<'_>,
    path: &mut Vec<String>,
    places: &mut Vec<(Vec<String>, HeaderName)>,
) {
    let properties = schema.get("properties").and_then(Value::as_object);
    let members = properties.and_then(|properties| properties.members().ok());
    for member in members.into_iter().flatten() {
        let Some(property) = member.value.as_object() else {
            continue;
        };
        path.push(member.name.into_owned());
        let header = property.get(ANNOTATION).and_then(text);
        let header = header.and_then(|name| format!("{PREFIX}{name}").parse().ok());
        if let Some(header) = header {
            places.push((path.clone(), header));
        }
        if path.len() < DEEPEST {
            collect(property, path, places);
        }
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotated_arguments_are_mirrored_wherever_they_stand() {
        let list = br#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"sql","inputSchema":{
            "properties":{"region":{"type":"string","x-mcp-header":"Region"},"query":{"type":"string"},
            "where":{"properties":{"limit":{"type":"integer","x-mcp-header":"Limit"},
            "dry":{"type":"boolean","x-mcp-header":"Dry"}}},
            "bad":{"x-mcp-header":"a b"},"none":{"x-mcp-header":"None"}}}}]}}"#;
        let mut mirror = Mirror::default();
        mirror.learn(Message::parse(list).unwrap());
        let call = br#"{"params":{"name":"sql","arguments":{"region":"\u4e16","query":"x",
            "where":{"limit":7,"dry":true},"none":null}}}"#;
        let mut headers = HeaderMap::new();
        mirror.complete(Message::parse(call).unwrap(), &mut headers);
        assert_eq!(headers["mcp-param-region"], "=?base64?5LiW?=");
        assert_eq!(headers["mcp-param-limit"], "7");
        assert_eq!(headers["mcp-param-dry"], "true");
        assert_eq!(headers.len(), 3);
    }
}
