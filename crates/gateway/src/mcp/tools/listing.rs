//! A list of tools as one caller may see it.

use std::collections::BTreeSet;
use std::sync::Arc;

use toolvault_core::json::{Array, Object, Tree, Value, parse};
use toolvault_vault::{Caller, Vault};

use super::catalogue::{Catalogue, Tool};
use crate::mcp::refusal::Refusal;
use crate::mcp::rules::Rules;
use crate::mcp::schema::hide;
use crate::mcp::server::Server;

/// What a model is not shown of a tool: arguments that the caller's defaults serve, and those that the
/// configuration calls credentials, as far as the tool declares them.
pub(crate) fn hidden(
    server: &Server,
    tool: &Tool,
    defaults: &BTreeSet<String>,
) -> BTreeSet<String> {
    let credentials = &server.settings.credential_arguments;
    let declared = tool.definition.declared.iter();
    declared
        .filter(|name| defaults.contains(*name) || credentials.contains(*name))
        .cloned()
        .collect()
}

/// The tools of a page as it defines them, as far as each name stands for one tool only.
pub(crate) fn of_page<'a>(
    server: &Server,
    catalogue: &Catalogue,
    page: Object<'a>,
) -> Vec<(Value<'a>, Arc<Tool>)> {
    let array = page.get("tools").and_then(Value::as_array);
    let raw = array.into_iter().flat_map(Array::elements);
    raw.filter_map(|raw| {
        let tool = Tool::read(&server.name, raw)?;
        catalogue.get(&tool.definition.name)?;
        Some((raw, Arc::new(tool)))
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
/// Withheld are: tools out of the key's reach, of which there are two, that no secret could be bound to, and whose
/// schema cannot be cleaned.
pub(crate) async fn visible<'a>(
    vault: &Vault,
    rules: &Rules,
    caller: &Caller,
    server: &Server,
    tools: Vec<(Value<'a>, Arc<Tool>)>,
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
    let mut visible = Vec::with_capacity(reached.len());
    for ((raw, tool), defaults) in reached.into_iter().zip(defaults) {
        let mut tree = Tree::from(raw);
        if hide(&mut tree, &hidden(server, &tool, &defaults)).is_err() {
            tracing::warn!(
                mcp.server = %server.name,
                "a tool is withheld: its schema cannot be shown without its credentials"
            );
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
    Ok(visible)
}
