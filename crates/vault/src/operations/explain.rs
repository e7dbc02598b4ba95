//! Explains what resolving would do and why, without any value.

use std::sync::Arc;

use toolvault_core::identity::SecretId;
use toolvault_core::pattern::ToolName;
use toolvault_core::ranking::Precedence;
use toolvault_core::scope::Scope;

use super::resolve::decide::Decided;
use super::resolve::within::Within;
use super::resolve::{Call, require_tool};
use crate::cache::index::Index;
use crate::caller::Caller;
use crate::error::Error;
use crate::secret::Secret;
use crate::vault::Vault;

/// What resolving would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The tool.
    pub tool: ToolName,
    /// Whether resolving would return completed arguments.
    pub would_succeed: bool,
    /// Each argument that is received, bound, required or served by a default.
    pub arguments: Vec<Explained>,
}

/// What one argument would get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The argument.
    pub arg: String,
    /// `received`, `default`, `binding`, `none`, or the type of the error.
    pub outcome: &'static str,
    /// The secret that would be applied.
    pub winner: Option<SecretId>,
    /// The secrets that were considered, best first.
    pub candidates: Vec<Candidate>,
    /// Whether only the time of change, or the ID, decided between the best two.
    pub tied: bool,
}

/// One secret that was considered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The secret.
    pub secret_id: SecretId,
    /// Its name.
    pub secret_name: String,
    /// Its tool pattern.
    pub pattern: Option<String>,
    /// Whether it would be applied.
    pub wins: bool,
    /// Why it would be applied, or why not.
    pub why: String,
}

impl Vault {
    /// Explains what resolving would do. Needs `manage`, `resolve` or `use`. Without `manage` it reports only secrets
    /// that match the tool.
    pub async fn explain(&self, caller: &Caller, mut call: Call) -> Result<Explanation, Error> {
        let may_explain = [Scope::Manage, Scope::Resolve, Scope::Use]
            .into_iter()
            .any(|scope| caller.scopes.contains(scope));
        let allowed = if may_explain {
            Ok(())
        } else {
            caller.require(Scope::Manage)
        };
        let allowed = allowed.and_then(|()| require_tool(caller, &call.tool));
        self.note_refusal(caller, allowed).await?;
        let entry = self.caller_entry(caller).await?;
        let decided = self
            .decided(caller, &entry, &call, &Within(None))
            .and_then(|mut decided| {
                if !decided.iter().any(|argument| argument.outcome.is_error()) {
                    self.fill(&entry, &mut call.args, &mut decided)?;
                }
                Ok(decided)
            });
        let decided = self.note_refusal(caller, decided).await?;
        let would_succeed = !decided.iter().any(|argument| argument.outcome.is_error());
        let index = entry.intact()?;
        let arguments = decided
            .iter()
            .map(|argument| explain(&index, caller, &call, argument))
            .collect();
        Ok(Explanation {
            tool: call.tool.clone(),
            would_succeed,
            arguments,
        })
    }
}

fn explain(index: &Index, caller: &Caller, call: &Call, decided: &Decided) -> Explained {
    let winner = decided.outcome.winner().map(|secret| secret.id);
    let mut candidates: Vec<Candidate> = decided
        .candidates
        .iter()
        .map(|secret| {
            let why = reason(call, decided, secret);
            candidate(secret, winner == Some(secret.id), why)
        })
        .collect();
    if caller.scopes().contains(Scope::Manage) {
        candidates.extend(near_misses(index, caller, call, decided));
    }
    Explained {
        arg: decided.name.clone(),
        outcome: decided.outcome.as_str(),
        winner,
        tied: precedence(decided).is_some_and(|precedence| {
            matches!(precedence, Precedence::ChangedLast | Precedence::SmallestId)
        }),
        candidates,
    }
}

fn candidate(secret: &Secret, wins: bool, why: &str) -> Candidate {
    Candidate {
        secret_id: secret.id,
        secret_name: secret.name.clone(),
        pattern: secret.tool().map(str::to_owned),
        wins,
        why: why.to_owned(),
    }
}

/// The criterion that decided between the best two defaults.
fn precedence(decided: &Decided) -> Option<Precedence> {
    let mut ranks = decided.candidates.iter().filter_map(|secret| secret.rank());
    let (first, second) = (ranks.next()?, ranks.next()?);
    first.decided_by(&second)
}

fn reason(call: &Call, decided: &Decided, secret: &Arc<Secret>) -> &'static str {
    use super::resolve::decide::Outcome;
    match &decided.outcome {
        Outcome::Received => "the argument was received",
        Outcome::NotAvailable => "its policy does not allow the other arguments",
        Outcome::Ambiguous => "several secrets of this name match",
        Outcome::Expired(winner) if winner.id == secret.id => "it has expired",
        Outcome::Binding(_) => "the binding names it",
        Outcome::Default(winner) if winner.id == secret.id => match precedence(decided) {
            None => "the only default for this argument",
            Some(precedence) => won_by(precedence),
        },
        _ if call.bindings.contains_key(&decided.name) => "the binding names another",
        outcome => {
            let ranks = outcome
                .winner()
                .and_then(|winner| winner.rank())
                .zip(secret.rank());
            ranks
                .and_then(|(winner, rank)| winner.decided_by(&rank))
                .map_or("another secret wins", lost_by)
        }
    }
}

const fn won_by(precedence: Precedence) -> &'static str {
    match precedence {
        Precedence::ExactName => "it names the tool exactly",
        Precedence::MoreLiteralCharacters => "its pattern has the most literal characters",
        Precedence::ChangedLast => "it changed last",
        Precedence::SmallestId => "it has the smallest id",
    }
}

const fn lost_by(precedence: Precedence) -> &'static str {
    match precedence {
        Precedence::ExactName => "another names the tool exactly",
        Precedence::MoreLiteralCharacters => "another pattern has more literal characters",
        Precedence::ChangedLast => "another changed later",
        Precedence::SmallestId => "another has a smaller id",
    }
}

/// Secrets for the argument that were not candidates. Only for callers who may see all secrets.
fn near_misses(index: &Index, caller: &Caller, call: &Call, decided: &Decided) -> Vec<Candidate> {
    index
        .iter()
        .filter(|secret| {
            secret.binding.argument.as_deref() == Some(decided.name.as_str())
                && caller.reaches_pattern(secret.binding.tool.as_ref())
                && !decided.candidates.iter().any(|other| other.id == secret.id)
        })
        .map(|secret| candidate(secret, false, miss(call, secret)))
        .collect()
}

fn miss(call: &Call, secret: &Secret) -> &'static str {
    match &secret.binding.tool {
        None => "it is not bound to a tool",
        Some(pattern) if !pattern.matches(&call.tool) => "its pattern does not match the tool",
        Some(_) if !secret.binding.is_default => "it is not a default",
        Some(_) => "the argument is not accepted",
    }
}
