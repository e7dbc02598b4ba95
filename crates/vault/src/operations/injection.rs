//! What the gateway does with a tool's arguments: which it hides from a model, and completing a call.

use std::collections::BTreeSet;

use toolvault_core::pattern::ToolName;
use toolvault_core::scope::Scope;

use super::resolve::decide::defaults;
use super::resolve::within::Within;
use super::resolve::{Call, Injected};
use crate::caller::Caller;
use crate::error::Error;
use crate::vault::Vault;

impl Vault {
    /// For each tool the arguments for which the caller has a default, expired or not, that lies within the
    /// caller's tool patterns; an empty set for a tool outside of them. Needs `use`. Nothing is opened or recorded.
    pub async fn hidden_arguments(
        &self,
        caller: &Caller,
        tools: &[ToolName],
        within: &Within,
    ) -> Result<Vec<BTreeSet<String>>, Error> {
        self.note_refusal(caller, caller.require(Scope::Use))
            .await?;
        let entry = self.caller_entry(caller).await?;
        let hidden = entry.intact().map(|index| {
            let hidden = tools.iter().map(|tool| {
                let is_reached = caller.reaches_tool(tool);
                defaults(&index, caller, tool, within)
                    .filter(|_| is_reached)
                    .map(|(argument, _)| argument.to_owned())
                    .collect()
            });
            hidden.collect()
        });
        self.note_refusal(caller, hidden).await
    }

    /// Completes a call as [`resolve`](Vault::resolve) does, for a caller who must not see the values. Needs `use`. The
    /// audit trail has accepted the record of every use before any value is returned.
    ///
    /// An argument received as `""` counts as a value here; leave it out to have it completed.
    pub async fn inject(
        &self,
        caller: &Caller,
        call: Call,
        within: &Within,
    ) -> Result<Injected, Error> {
        self.note_refusal(caller, caller.require(Scope::Use))
            .await?;
        let entry = self.caller_entry(caller).await?;
        let mut records = Vec::new();
        let injected = self.complete(caller, &entry, call, within, &mut records);
        self.writer.record(records).await?;
        injected
    }
}
