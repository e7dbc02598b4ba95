//! What one caller may see of a server's tools.

use std::sync::Arc;

use toolvault_core::json::{Array, Object, Tree, Value, parse};
use toolvault_vault::{Caller, Vault};

use super::pins::Pinned;
use super::refusal::Refusal;
use super::rules::Rules;
use super::schema::{SECURE_SCHEMA, hide};
use super::server::Server;
use super::tools::{Catalogue, Tool, hidden};

/// The tools of a page, which the catalogue has, as far as each name stands for one tool only.
pub(crate) fn of_page<'a>(catalogue: &Catalogue, page: Object<'a>) -> Vec<(Value<'a>, Arc<Tool>)> {
    let array = page.get("tools").and_then(Value::as_array);
    let raw = array.into_iter().flat_map(Array::elements);
    raw.filter_map(|raw| {
        let name = raw.as_object()?.get("name")?.as_text()?.ok()?;
        let tool = catalogue.get(&name)?;
        (tool.raw.as_str() == raw.raw()).then(|| (raw, Arc::clone(tool)))
    })
    .collect()
}

/// All tools of a catalogue.
pub(crate) fn of_catalogue(catalogue: &Catalogue) -> Vec<(Value<'_>, Arc<Tool>)> {
    catalogue
        .tools()
        .filter_map(|tool| Some((parse(tool.raw.as_bytes()).ok()?, Arc::clone(tool))))
        .collect()
}

/// Those of a server's tools that the caller may see, without what is hidden; under names that other servers' tools cannot
/// have, if `is_shared`.
///
/// Withheld are: tools out of the key's reach, of which there are two, that no secret could be bound to, that are not
/// as they are pinned, and whose schema cannot be cleaned.
pub(crate) async fn visible<'a>(
    vault: &Vault,
    rules: &Rules,
    caller: &Caller,
    server: &Server,
    tools: Vec<(Value<'a>, Arc<Tool>)>,
    pinned: &Pinned,
    is_shared: bool,
) -> Result<Vec<Tree<'a>>, Refusal> {
    let reached: Vec<_> = tools
        .into_iter()
        .filter(|(_, tool)| caller.reaches_tool(&tool.full_name))
        .collect();
    let names: Vec<_> = reached
        .iter()
        .map(|(_, tool)| tool.full_name.clone())
        .collect();
    let within = rules.within(&server.name);
    let defaults = vault.hidden_arguments(caller, &names, &within).await?;
    let mut changed = 0_usize;
    let mut visible = Vec::with_capacity(reached.len());
    for ((raw, tool), defaults) in reached.into_iter().zip(defaults) {
        let mut tree = Tree::from(raw);
        let hidden = hidden(server, &tool, &defaults);
        if pinned.require(server, &tool, &hidden, &defaults).is_err() {
            changed += 1;
            continue;
        }
        if hide(&mut tree, &hidden).is_err() {
            tracing::warn!(
                mcp.server = %server.name,
                "a tool is withheld: its schema cannot be shown without its credentials"
            );
            continue;
        }
        if server.settings.secure_parameters && tree.remove(SECURE_SCHEMA).is_err() {
            continue;
        }
        if is_shared
            && tree
                .set("name", Tree::text(tool.full_name.as_str()))
                .is_err()
        {
            continue;
        }
        visible.push(tree);
    }
    if changed > 0 {
        tracing::warn!(
            mcp.server = %server.name,
            tools = changed,
            "tools are withheld: they are not as they are pinned (see toolvault mcp pins)"
        );
    }
    Ok(visible)
}
