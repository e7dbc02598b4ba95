//! All servers on one path: tools and prompts under `<server>__<name>`, everything else by asking whom it concerns.

pub(crate) mod legacy;
mod lists;
pub(crate) mod modern;
mod news;
mod owner;

use std::sync::Arc;

use serde_json::{Value as Json, json};
use toolvault_core::json::{Tree, Value, parse};
use zeroize::Zeroizing;

use super::gateway::Visit;
use super::protocol::Message;
use super::refusal::Refusal;
use super::server::Server;
use crate::settings::ServerName;

/// What stands between a server's name and its own id, where servers ask on one path.
const SEPARATOR: &str = "__";

/// The server and the name at it that a shared name means.
fn split(visit: &Visit, name: &str) -> Option<(Arc<Server>, String)> {
    let (server, rest) = ServerName::split(name)?;
    let caller = &visit.request.caller;
    let server = visit.rules.server(caller, server.as_str()).ok()?;
    Some((Arc::clone(server), rest.to_owned()))
}

/// A request of a server under an id that says whose it is.
pub(crate) fn tagged(server: &ServerName, text: &[u8], id: &str) -> Zeroizing<Vec<u8>> {
    let Ok(message) = Message::parse(text) else {
        return Zeroizing::default();
    };
    let mut tree = Tree::from(message.value());
    let _ = tree.set("id", Tree::text(&format!("{server}{SEPARATOR}{id}")));
    tree.to_json()
}

/// Whose request an id is, and the id as the server spelled it.
fn untagged(id: Value<'_>) -> Option<(ServerName, Zeroizing<String>)> {
    let text = id.as_text()?.ok()?;
    let (server, own) = text.split_once(SEPARATOR)?;
    parse(own.as_bytes()).ok()?;
    Some((server.parse().ok()?, Zeroizing::new(own.to_owned())))
}

/// The parameters of a request with another name in them.
fn renamed(message: &Message<'_>, name: &str) -> Result<Tree<'static>, Refusal> {
    let mut tree = super::call::owned(message)?;
    if let Ok(Some(params)) = tree.get_mut("params") {
        params
            .set("name", Tree::text(name))
            .map_err(|_| Refusal::InvalidParams("'params' cannot be read"))?;
    }
    Ok(tree)
}

/// What the client is told of us where we stand for several servers.
fn server_info() -> Json {
    json!({ "name": "toolvault", "version": env!("CARGO_PKG_VERSION") })
}

/// What several servers can do together.
#[derive(Default)]
struct Together {
    capabilities: serde_json::Map<String, Json>,
    instructions: Vec<String>,
}

impl Together {
    /// Adds what one server says of itself, which was searched for values.
    fn add(&mut self, server: &ServerName, is_whole: bool, greeting: &[u8]) {
        let Ok(message) = serde_json::from_slice::<Json>(greeting) else {
            return;
        };
        let Some(result) = message.get("result") else {
            return;
        };
        let known = ["tools", "prompts", "resources", "logging", "completions"];
        for name in known {
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
    }

    fn finish(mut self) -> (Json, Option<String>) {
        self.capabilities
            .insert("tools".to_owned(), json!({ "listChanged": true }));
        let instructions = (!self.instructions.is_empty()).then(|| self.instructions.join("\n\n"));
        (Json::Object(self.capabilities), instructions)
    }
}
