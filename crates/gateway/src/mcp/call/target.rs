//! What is called: the tool as its server defines it, what is hidden of it from models, and what is put into a call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use toolvault_core::arguments::Arguments;
use toolvault_core::pattern::ToolName;
use toolvault_vault::{Approved, Call, Caller, Vault};

use crate::mcp::pins::Pinned;
use crate::mcp::refusal::Refusal;
use crate::mcp::rules::Rules;
use crate::mcp::server::Server;
use crate::mcp::tools::{Catalogue, Tool, hidden};

/// What is known of the tool that is called.
pub(crate) struct Target {
    pub(crate) name: ToolName,
    /// `None` if its server did not list it. It may still exist, but it declares nothing, so it gets nothing.
    pub(crate) tool: Option<Arc<Tool>>,
    /// Declared, and hidden from models.
    pub(crate) hidden: BTreeSet<String>,
    /// Declared, and shown: for these the caller has canaries.
    pub(super) canaries: BTreeSet<String>,
    /// Whether it says that it only reads, and is pinned so.
    pub(crate) only_reads: bool,
}

impl Target {
    /// The tool of that full name among those that the server lists, if the caller may call it.
    pub(crate) async fn find(
        vault: &Vault,
        rules: &Rules,
        caller: &Caller,
        server: &Server,
        full_name: ToolName,
        catalogue: &Catalogue,
        pinned: &Pinned,
    ) -> Result<Self, Refusal> {
        let name = full_name.as_str().strip_prefix(&server.name.prefix());
        let name = name.ok_or(Refusal::UnknownTool)?;
        if !caller.reaches_tool(&full_name) || catalogue.is_ambiguous(name) {
            return Err(Refusal::UnknownTool);
        }
        let Some(tool) = catalogue.get(name) else {
            pinned.require_unknown(server, name)?;
            return Ok(Self {
                name: full_name,
                tool: None,
                hidden: BTreeSet::new(),
                canaries: BTreeSet::new(),
                only_reads: false,
            });
        };
        let within = rules.within(&server.name);
        let names = std::slice::from_ref(&full_name);
        let defaults = vault.hidden_arguments(caller, names, &within).await?;
        let defaults = defaults.into_iter().next().unwrap_or_default();
        let hidden = hidden(server, tool, &defaults);
        pinned.require(server, tool, &hidden, &defaults)?;
        if !tool.can_hide(&hidden) {
            return Err(Refusal::UnknownTool);
        }
        let canaries = vault.canary_defaults(caller, &full_name, &within).await?;
        let declared = canaries
            .into_iter()
            .filter(|argument| tool.declares(argument));
        Ok(Self {
            name: full_name,
            tool: Some(Arc::clone(tool)),
            hidden,
            canaries: declared.collect(),
            only_reads: tool.definition.only_reads && pinned.is_as_pinned(tool),
        })
    }

    /// The call to be completed: secrets go into what is hidden, as the types that the schema takes.
    pub(crate) fn call(&self, server: &Server, args: Arguments) -> Call {
        let credentials = &server.settings.credential_arguments;
        let is_required = |argument: &String| {
            credentials.contains(argument) || self.secure().get(argument) == Some(&true)
        };
        let types = self.hidden.iter().filter_map(|argument| {
            let types = self.tool.as_ref()?.types(argument)?;
            Some((argument.clone(), types))
        });
        Call {
            tool: self.name.clone(),
            args,
            bindings: BTreeMap::new(),
            accepts: Some(self.hidden.union(&self.canaries).cloned().collect()),
            require: (self.hidden.iter().filter(|argument| is_required(argument)))
                .cloned()
                .collect(),
            types: types.collect(),
            approved: Some(Approved::default()),
        }
    }

    /// Its secure parameters, each with whether it is required.
    pub(crate) fn secure(&self) -> &BTreeMap<String, bool> {
        const NONE: &BTreeMap<String, bool> = &BTreeMap::new();
        (self.tool.as_ref()).map_or(NONE, |tool| &tool.definition.secure)
    }
}
