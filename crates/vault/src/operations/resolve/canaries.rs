//! Canaries: secrets that are never applied. Resolving works as if there were none; this finds the calls that would have
//! got one, so that they are recorded.

use std::sync::Arc;

use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::pattern::ToolName;
use toolvault_core::pointer::{ArgumentPath, Found};
use toolvault_core::reference::Reference;

use super::Call;
use super::decide::Decided;
use super::places::precedence;
use super::within::Within;
use crate::cache::UserEntry;
use crate::cache::index::Index;
use crate::caller::Caller;
use crate::secret::Secret;
use crate::vault::Vault;

impl Vault {
    /// Adds a record for each canary that the call names, or that would have been applied as a default.
    pub(crate) fn note_tried(
        &self,
        caller: &Caller,
        entry: &UserEntry,
        call: &Call,
        within: &Within,
        decided: &[Decided],
        records: &mut Vec<Record>,
    ) {
        let index = entry.index.read();
        if index.canaries().is_empty() {
            return;
        }
        for (argument, reference) in &call.bindings {
            self.note_reference(caller, &index, &call.tool, argument, reference, records);
        }
        for canary in index.canaries() {
            if let Some(argument) = would_get(caller, call, within, decided, canary) {
                records.push(self.tried(caller, canary, &call.tool, argument));
            }
        }
    }

    /// Adds a record for each canary that one of these references names.
    pub(crate) fn note_named(
        &self,
        caller: &Caller,
        entry: &UserEntry,
        tool: &ToolName,
        wanted: &[(String, Reference)],
        records: &mut Vec<Record>,
    ) {
        let index = entry.index.read();
        for (argument, reference) in wanted {
            self.note_reference(caller, &index, tool, argument, reference, records);
        }
    }

    // Whatever tool and argument the canary is bound to: who names it at all has got to know of it.
    fn note_reference(
        &self,
        caller: &Caller,
        index: &Index,
        tool: &ToolName,
        argument: &str,
        reference: &Reference,
        records: &mut Vec<Record>,
    ) {
        let is_named = |canary: &&Arc<Secret>| match reference {
            Reference::Id(id) => canary.id == *id,
            Reference::Name(name) => *canary.name == **name,
        };
        let named = index.canaries().iter().filter(is_named);
        records.extend(named.map(|canary| self.tried(caller, canary, tool, argument)));
    }

    fn tried(&self, caller: &Caller, canary: &Secret, tool: &ToolName, argument: &str) -> Record {
        let mut record = self.used(caller, canary, tool, argument);
        record.action = Action::CanaryUsed;
        record.decision = Decision::Denied;
        record
    }
}

/// The argument for which the canary would have been applied by itself.
fn would_get<'a>(
    caller: &Caller,
    call: &Call,
    within: &Within,
    decided: &[Decided],
    canary: &'a Secret,
) -> Option<&'a str> {
    let argument = canary.binding.argument.as_deref()?;
    let path = ArgumentPath::parse(argument).ok()?;
    let is_at = |name: &str| ArgumentPath::parse(name).is_ok_and(|other| other.is_at(path));
    let is_received = matches!(call.args.at(path), Found::Value(value) if !value.is_null());
    let accepts = call.accepts.as_ref();
    let is_better = |other: &Secret| precedence(canary) > precedence(other);
    let others = decided.iter().filter(|decided| is_at(&decided.name));
    let best = others.filter_map(|decided| decided.candidates.first());
    let is_applied = may_get(caller, &call.tool, within, canary)
        && !is_received
        && !call.bindings.keys().any(|name| is_at(name))
        && accepts.is_none_or(|accepts| accepts.iter().any(|name| is_at(name)))
        && best.into_iter().all(|other| is_better(other));
    is_applied.then_some(argument)
}

/// Whether the canary would be a default for the tool.
pub(crate) fn may_get(caller: &Caller, tool: &ToolName, within: &Within, canary: &Secret) -> bool {
    let pattern = canary.binding.tool.as_ref();
    let is_of_tool = pattern.is_some_and(|pattern| pattern.matches(tool) && within.admits(pattern));
    is_of_tool && canary.binding.applies_by_itself() && caller.reaches_pattern(pattern)
}
