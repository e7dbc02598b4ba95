//! The places in the arguments of a call: which of them the call names, and which defaults compete for each.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use toolvault_core::pattern::ToolName;
use toolvault_core::pointer::{ArgumentPath, of_name};
use toolvault_core::ranking::Rank;
use toolvault_core::reference::Reference;

use super::Call;
use super::within::Within;
use crate::cache::index::Index;
use crate::caller::Caller;
use crate::secret::Secret;

/// One place in the arguments of a call.
#[derive(Default)]
pub(super) struct Asked<'a> {
    /// The argument as the call's bindings name it, and its reference.
    pub(super) binding: Option<(&'a str, &'a Reference)>,
    /// The argument as `require` names it.
    pub(super) required: Option<&'a str>,
    /// Defaults, best first.
    pub(super) candidates: Vec<Arc<Secret>>,
}

impl Asked<'_> {
    /// The text with which the call, or else the winning secret, names the place.
    pub(super) fn name(&self) -> Option<&str> {
        let stored = || self.candidates.first()?.binding.argument.as_deref();
        let bound = self.binding.map(|(name, _)| name);
        bound.or_else(stored).or(self.required)
    }

    pub(super) fn path(&self) -> Option<ArgumentPath<'_>> {
        ArgumentPath::parse(self.name()?).ok()
    }

    /// Whether a value would be inserted there.
    pub(super) fn is_served(&self) -> bool {
        self.binding.is_some() || !self.candidates.is_empty()
    }
}

/// Every place in the arguments that the call, or a default for it, names, by its canonical text.
pub(super) fn places<'a>(
    index: &'a Index,
    caller: &'a Caller,
    call: &'a Call,
    within: &'a Within,
) -> BTreeMap<Cow<'a, str>, Asked<'a>> {
    let mut places: BTreeMap<_, Asked<'_>> = BTreeMap::new();
    for name in call.args.names() {
        places.entry(of_name(Cow::Borrowed(name))).or_default();
    }
    for (name, reference) in &call.bindings {
        places.entry(place(name)).or_default().binding = Some((name, reference));
    }
    for name in &call.require {
        places.entry(place(name)).or_default().required = Some(name);
    }
    let accepted: Option<BTreeSet<_>> = call
        .accepts
        .as_ref()
        .map(|accepts| accepts.iter().map(|name| place(name)).collect());
    for (argument, secret) in defaults(index, caller, &call.tool, within) {
        let place = place(argument);
        if accepted
            .as_ref()
            .is_none_or(|accepted| accepted.contains(&place))
        {
            let asked = places.entry(place).or_default();
            asked.candidates.push(Arc::clone(secret));
        }
    }
    for asked in places.values_mut() {
        asked
            .candidates
            .sort_by_key(|secret| std::cmp::Reverse(precedence(secret)));
    }
    places
}

/// The canonical text of a place, or of an invalid pointer.
fn place(argument: &str) -> Cow<'_, str> {
    match ArgumentPath::parse(argument) {
        Ok(path) => path.canonical(),
        Err(_) => Cow::Borrowed(argument),
    }
}

/// How a default compares to another for the same place (rule 5). One that is written as a pointer wins.
pub(crate) fn precedence(secret: &Secret) -> (bool, Option<Rank>) {
    let is_pointer = secret.binding.path().is_some_and(ArgumentPath::is_pointer);
    (is_pointer, secret.rank())
}

/// Rule 4: the user's defaults whose pattern matches the whole tool name, each with its argument. Canaries are none.
pub(crate) fn defaults<'a>(
    index: &'a Index,
    caller: &'a Caller,
    tool: &'a ToolName,
    within: &'a Within,
) -> impl Iterator<Item = (&'a str, &'a Arc<Secret>)> {
    index.defaults_for(tool).filter_map(|secret| {
        let pattern = secret.binding.tool.as_ref();
        let is_within = pattern.is_some_and(|pattern| within.admits(pattern));
        let is_applied = is_within && !secret.policy.canary;
        let argument = secret.binding.argument.as_deref()?;
        (is_applied && caller.reaches_pattern(pattern)).then_some((argument, secret))
    })
}
