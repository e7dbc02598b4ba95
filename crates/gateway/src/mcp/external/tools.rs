//! A list of tools that another gateway got from its servers.

use std::sync::Arc;

use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Array, Tree, Value, parse};

use super::External;
use crate::mcp::access::Access;
use crate::mcp::refusal::{Refusal, UpstreamError};
use crate::mcp::tools::Catalogue;
use crate::mcp::visible::{of_catalogue, visible};

impl External {
    /// The tools of a result that the caller may see, without what is hidden. A list of several servers' tools has names
    /// like `<server>_<tool>`.
    pub(super) async fn tools(
        &self,
        accesses: &[Arc<Access>],
        result: Value<'_>,
    ) -> Result<Vec<Tree<'static>>, Refusal> {
        let broken = || Refusal::Upstream(UpstreamError::NotMcp);
        let listed = result.as_object().and_then(|result| result.get("tools"));
        let listed = listed.and_then(Value::as_array).ok_or_else(broken)?;
        let (visit, is_shared) = (&self.visit, self.servers.len() > 1);
        let (state, rules, caller) = (&visit.state, &visit.rules, visit.caller());
        let mut shown = Vec::new();
        for access in accesses {
            let server = &access.server;
            let prefix = if is_shared {
                format!("{}_", server.name)
            } else {
                String::new()
            };
            let own = own_tools(listed, &prefix);
            let mut catalogue = Catalogue::default();
            let own = own.iter().filter_map(|tool| parse(tool).ok());
            catalogue.add(server, own);
            let pinned = state.pins.check(caller, access, &catalogue).await?;
            let tools = of_catalogue(&catalogue);
            let tools = visible(&state.vault, rules, caller, server, tools, &pinned, false);
            for mut tool in tools.await? {
                if is_shared {
                    rename(&mut tool, |name| Some(format!("{prefix}{name}"))).ok_or_else(broken)?;
                }
                shown.push(tool.detached());
            }
        }
        Ok(shown)
    }
}

/// The tools whose names begin with the prefix, as their server names them.
fn own_tools(listed: Array<'_>, prefix: &str) -> Vec<Wiped<Vec<u8>>> {
    let own = listed.elements().filter_map(|tool| {
        let mut tool = Tree::from(tool);
        rename(&mut tool, |name| {
            name.strip_prefix(prefix).map(str::to_owned)
        })?;
        Some(tool.to_json())
    });
    own.collect()
}

/// Gives a tool another name; `None` if it has no name, or there is no other one.
fn rename(tool: &mut Tree<'_>, to: impl FnOnce(&str) -> Option<String>) -> Option<()> {
    let name = tool.get_mut("name").ok()??.as_text()?;
    tool.set("name", Tree::text(&to(&name)?)).ok()
}
