//! What the gateway does with a tool's arguments: which it hides from a model, and completing a call.

use std::collections::BTreeSet;

use toolvault_core::pattern::{ToolName, ToolPattern};
use toolvault_core::scope::Scope;

use super::resolve::decide::defaults;
use super::resolve::given::Given;
use super::resolve::{Call, Completed};
use crate::caller::Caller;
use crate::error::Error;
use crate::vault::Vault;

/// Which of a user's defaults apply behind one server: those whose text before the first `*` begins with
/// this prefix; none for all of them.
///
/// A wide pattern such as `*` was meant for the tools that its owner knew. It must not hand a credential to
/// whatever a server calls its own (contract, section 7 rule 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Within(pub Option<String>);

impl Within {
    pub(crate) fn admits(&self, pattern: &ToolPattern) -> bool {
        self.0
            .as_deref()
            .is_none_or(|prefix| pattern.literal_prefix().starts_with(prefix))
    }
}

/// A completed call, and what was put into it.
#[expect(missing_debug_implementations, reason = "it holds values")]
pub struct Injected {
    /// The call, as it goes to the tool.
    pub completed: Completed,
    /// The values that were applied, in the order of `completed.applied`.
    pub values: Vec<Given>,
}

impl Vault {
    /// For each tool the arguments for which the caller has a default, expired or not, that lies within the
    /// caller's tool patterns; none for a tool outside of them. Needs `use`. Nothing is opened or recorded.
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

    /// Completes a call as [`resolve`](Vault::resolve) does, for somebody who is not to see it. Needs `use`. The
    /// audit trail has accepted the record of every use before any value is returned.
    ///
    /// An argument that was received as `""` is a value here; whoever wants it completed leaves it out.
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
