//! The arguments of tools that a client of the later era repeats in headers.

use std::collections::HashMap;

use toolvault_core::json::{Array, Value};
use toolvault_gateway::http::HeaderMap;
use toolvault_gateway::mcp::protocol::{Message, MirroredArguments};

/// What lists of tools said about each tool.
#[derive(Default)]
pub(super) struct MirroredTools(HashMap<String, MirroredArguments>);

impl MirroredTools {
    /// Takes over what an answer to `tools/list` says.
    pub(super) fn learn(&mut self, answer: &Message<'_>) {
        let tools = answer
            .result()
            .and_then(|result| result.get("tools")?.as_array());
        let tools = tools.into_iter().flat_map(Array::elements);
        for tool in tools.filter_map(Value::as_object) {
            let Some(Ok(name)) = tool.get("name").and_then(Value::as_text) else {
                continue;
            };
            let mirrored = tool.get("inputSchema").map(MirroredArguments::read);
            match mirrored {
                Some(Ok(mirrored)) if !mirrored.is_empty() => {
                    self.0.insert(name.as_str().to_owned(), mirrored);
                }
                _ => drop(self.0.remove(name.as_str())),
            }
        }
    }

    /// Sets the headers that repeat arguments of a `tools/call`.
    pub(super) fn set_headers(&self, call: &Message<'_>, headers: &mut HeaderMap) {
        let name = call.text_param("name");
        let mirrored = name.and_then(|name| self.0.get(name.as_str()));
        let arguments = call.param("arguments").and_then(Value::as_object);
        if let (Some(mirrored), Some(arguments)) = (mirrored, arguments) {
            mirrored.set_headers(arguments, headers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learn(tools: &mut MirroredTools, schema: &str) {
        let list = format!(
            r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{{"name":"sql","inputSchema":{schema}}}]}}}}"#
        );
        tools.learn(&Message::parse(list.as_bytes()).unwrap());
    }

    fn headers(tools: &MirroredTools, name: &str) -> HeaderMap {
        let call = format!(
            r#"{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{"name":"{name}","arguments":{{"limit":7.0}}}}}}"#
        );
        let mut headers = HeaderMap::new();
        tools.set_headers(&Message::parse(call.as_bytes()).unwrap(), &mut headers);
        headers
    }

    #[test]
    fn the_newest_list_counts() {
        let mut tools = MirroredTools::default();
        assert!(headers(&tools, "sql").is_empty());
        let annotated = r#"{"properties":{"limit":{"type":"integer","x-mcp-header":"Limit"}}}"#;
        learn(&mut tools, annotated);
        assert_eq!(headers(&tools, "sql")["mcp-param-limit"], "7");
        assert!(headers(&tools, "other").is_empty());
        learn(&mut tools, r#"{"properties":{"limit":{"type":"integer"}}}"#);
        assert!(headers(&tools, "sql").is_empty());
    }
}
