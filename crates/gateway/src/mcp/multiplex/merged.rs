//! What several servers say of themselves, as one server would.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use toolvault_vault::Caller;

use crate::mcp::eras::modern::VERSION;
use crate::mcp::links::Link;
use crate::mcp::protocol::{METADATA, Message};
use crate::mcp::refusal::{NeededSignIn, Refusal};
use crate::mcp::server::Server;
use crate::mcp::state::Visit;

/// The versions of the earlier era, newest first.
const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// The capabilities and instructions of several servers.
#[derive(Default)]
pub(super) struct Merged {
    capabilities: Map<String, Json>,
    instructions: Vec<String>,
}

impl Merged {
    /// Adds the greeting of one server, without values that were sent to it. A key for some tools of a server gets only
    /// what is about tools.
    pub(super) async fn add(
        &mut self,
        caller: &Caller,
        link: &Link,
        greeting: &[u8],
    ) -> Result<(), Refusal> {
        let server = &link.access.server.name;
        let is_whole = caller.reaches_all_of(&server.prefix());
        let greeting = Message::parse(greeting)?;
        let (greeting, _) = link.access.values.redacted(greeting.value()).await;
        let Ok(message) = serde_json::from_slice::<Json>(&greeting) else {
            return Ok(());
        };
        let Some(result) = message.get("result") else {
            return Ok(());
        };
        for name in ["tools", "prompts", "resources", "logging", "completions"] {
            let capability = result.get("capabilities").and_then(|all| all.get(name));
            let Some(capability) = capability else {
                continue;
            };
            if !is_whole && !matches!(name, "tools" | "logging") {
                continue;
            }
            let mut merged = capability.as_object().cloned().unwrap_or_default();
            if let Some(Json::Object(before)) = self.capabilities.get(name) {
                merged.extend(before.clone());
            }
            self.capabilities.insert(name.to_owned(), merged.into());
        }
        if let Some(text) = result.get("instructions").and_then(Json::as_str) {
            self.instructions.push(format!("{server}: {text}"));
        }
        Ok(())
    }

    /// Says which servers want a sign-in: until then they have no tools.
    pub(super) fn add_sign_ins(&mut self, visit: &Visit, servers: &[Arc<Server>]) {
        for server in servers {
            if visit.upstream(server).access.needs_sign_in() {
                let needed = NeededSignIn {
                    server: server.name.clone(),
                    scopes: Vec::new(),
                };
                let text = needed.text(&needed.page(visit.base_url()));
                self.instructions.push(text);
            }
        }
    }

    /// The result of `initialize`, in the version that the client asks for if it is known.
    pub(super) fn initialized(self, message: &Message<'_>) -> Json {
        let asked = message.text_param("protocolVersion");
        let known = VERSIONS
            .into_iter()
            .find(|known| asked.as_ref().is_some_and(|asked| asked.as_str() == *known));
        self.finish([
            ("protocolVersion", json!(known.unwrap_or("2025-11-25"))),
            ("serverInfo", server_info()),
        ])
    }

    /// The result of `server/discover`.
    pub(super) fn discovered(self) -> Json {
        self.finish([
            ("resultType", json!("complete")),
            ("supportedVersions", json!([VERSION])),
            ("ttlMs", json!(0)),
            ("cacheScope", json!("private")),
            (
                "_meta",
                json!({ format!("{METADATA}serverInfo"): server_info() }),
            ),
        ])
    }

    fn finish<const N: usize>(mut self, members: [(&str, Json); N]) -> Json {
        let listed = json!({ "listChanged": true });
        self.capabilities.insert("tools".to_owned(), listed);
        let members = members.map(|(name, value)| (name.to_owned(), value));
        let mut result = Map::from_iter(members);
        result.insert("capabilities".to_owned(), self.capabilities.into());
        if !self.instructions.is_empty() {
            let instructions = self.instructions.join("\n\n");
            result.insert("instructions".to_owned(), instructions.into());
        }
        Json::Object(result)
    }
}

/// What the client is told of us, where we stand for several servers.
fn server_info() -> Json {
    json!({ "name": "toolvault", "version": env!("CARGO_PKG_VERSION") })
}
