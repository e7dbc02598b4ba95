//! Explains what resolving would do and why, without any value.

mod near;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use toolvault_core::arguments::Arguments;
use toolvault_core::identity::SecretId;
use toolvault_core::pattern::ToolName;
use toolvault_core::policy::Approval;
use toolvault_core::ranking::Precedence;
use toolvault_core::reference::Reference;
use toolvault_core::scope::Scope;

pub use self::near::Near;
use self::near::Search;
use super::resolve::decide::{Decided, Outcome};
use super::resolve::within::Within;
use super::resolve::{Call, require_tool};
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
    /// Each argument that was received, bound or required, or to which a default applies or almost applies.
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
    /// The competing secrets, best first.
    pub candidates: Vec<Candidate>,
    /// Secrets that almost apply.
    pub near: Vec<Near>,
    /// Whether only the time of change, or the ID, decided between the best two.
    pub tied: bool,
}

/// One competing secret for an argument.
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
    /// Explains what resolving the calls would do. Needs `manage`, `resolve` or `use`. Without `manage` it reports only
    /// secrets that match the tool. Each call succeeds or fails alone.
    pub async fn explain(
        &self,
        caller: &Caller,
        calls: Vec<Call>,
    ) -> Result<Vec<Result<Explanation, Error>>, Error> {
        self.note_refusal(caller, require_explain(caller)).await?;
        let mut explained = Vec::with_capacity(calls.len());
        for call in calls {
            let explanation = self.explain_within(caller, call, &Within(None), None);
            explained.push(explanation.await);
        }
        Ok(explained)
    }

    /// As [`explain`](Self::explain), for what [`inject`](Self::inject) would do. `not_accepted` is why a default for
    /// an argument that is not in `call.accepts` does not apply.
    pub async fn explain_injection(
        &self,
        caller: &Caller,
        call: Call,
        within: &Within,
        not_accepted: &str,
    ) -> Result<Explanation, Error> {
        self.explain_within(caller, call, within, Some(not_accepted))
            .await
    }

    async fn explain_within(
        &self,
        caller: &Caller,
        mut call: Call,
        within: &Within,
        not_accepted: Option<&str>,
    ) -> Result<Explanation, Error> {
        let allowed = require_explain(caller).and_then(|()| require_tool(caller, &call.tool));
        self.note_refusal(caller, allowed).await?;
        let entry = self.caller_entry(caller).await?;
        let decided = self
            .decided(caller, &entry, &call, within)
            .and_then(|mut decided| {
                if !decided.iter().any(|argument| argument.outcome.is_error()) {
                    let mut args = std::mem::take(&mut call.args);
                    self.fill(&entry, &mut args, &call.types, &mut decided)?;
                }
                Ok(decided)
            });
        let decided = self.note_refusal(caller, decided).await?;
        let would_succeed = !decided.iter().any(|argument| argument.outcome.is_error());
        let index = entry.intact()?;
        let search = Search {
            index: &index,
            caller,
            call: &call,
            within,
            now: self.shared.clock.now(),
            not_accepted,
        };
        let arguments = explained(&search, decided);
        Ok(Explanation {
            tool: call.tool.clone(),
            would_succeed,
            arguments,
        })
    }

    /// The secrets behind the configuration's references, as [`credentials`](Self::credentials) would decide. Needs
    /// what [`explain`](Self::explain) needs.
    pub async fn explain_credentials(
        &self,
        caller: &Caller,
        tool: &ToolName,
        wanted: &[(String, Reference)],
    ) -> Result<Vec<Explained>, Error> {
        self.note_refusal(caller, require_explain(caller)).await?;
        let entry = self.caller_entry(caller).await?;
        let decided = self.decided_credentials(&entry, tool, wanted);
        let decided = self.note_refusal(caller, decided).await?;
        let index = entry.intact()?;
        let explained = decided
            .iter()
            .zip(wanted)
            .map(|(decided, (argument, reference))| {
                let call = Call {
                    tool: tool.clone(),
                    args: Arguments::new(),
                    bindings: BTreeMap::from([(argument.clone(), reference.clone())]),
                    accepts: None,
                    require: BTreeSet::new(),
                    types: BTreeMap::new(),
                    approved: None,
                };
                let search = Search {
                    index: &index,
                    caller,
                    call: &call,
                    within: &Within(None),
                    now: self.shared.clock.now(),
                    not_accepted: None,
                };
                explain(&search, decided, std::slice::from_ref(decided))
            });
        Ok(explained.collect())
    }
}

fn require_explain(caller: &Caller) -> Result<(), Error> {
    let scopes = [Scope::Manage, Scope::Resolve, Scope::Use];
    if scopes
        .into_iter()
        .any(|scope| caller.scopes.contains(scope))
    {
        return Ok(());
    }
    caller.require(Scope::Manage)
}

fn explained(search: &Search<'_>, mut decided: Vec<Decided>) -> Vec<Explained> {
    let further = search.further_arguments(&decided);
    decided.extend(further.into_iter().map(Decided::nothing));
    let explained = decided
        .iter()
        .map(|argument| explain(search, argument, &decided));
    explained.collect()
}

fn explain(search: &Search<'_>, decided: &Decided, all: &[Decided]) -> Explained {
    let winner = decided.outcome.winner().map(|secret| secret.id);
    let candidates = decided.candidates.iter().map(|secret| {
        let why = reason(search.call, decided, secret);
        let wins = winner == Some(secret.id);
        // Where no person is asked, the reason says so.
        let approval = (secret.policy.approval).filter(|_| wins && search.call.approved.is_some());
        candidate(secret, wins, why, approval)
    });
    Explained {
        arg: decided.name.clone(),
        outcome: decided.outcome.as_str(),
        winner,
        tied: decided_by(decided).is_some_and(|precedence| {
            matches!(precedence, Precedence::ChangedLast | Precedence::SmallestId)
        }),
        candidates: candidates.collect(),
        near: search.of(decided, all),
    }
}

fn candidate(secret: &Secret, wins: bool, why: &str, approval: Option<Approval>) -> Candidate {
    let why = match approval {
        Some(approval) => format!(
            "{why}; its policy asks for a person's approval ({})",
            approval.as_str()
        ),
        None => why.to_owned(),
    };
    Candidate {
        secret_id: secret.id,
        secret_name: secret.name.to_string(),
        pattern: secret.tool().map(str::to_owned),
        wins,
        why,
    }
}

/// The criterion that decided between the best two defaults.
fn decided_by(decided: &Decided) -> Option<Precedence> {
    let mut ranks = decided.candidates.iter().filter_map(|secret| secret.rank());
    let (first, second) = (ranks.next()?, ranks.next()?);
    first.decided_by(&second)
}

fn reason(call: &Call, decided: &Decided, secret: &Arc<Secret>) -> &'static str {
    match &decided.outcome {
        Outcome::Received => "the argument was received",
        Outcome::Nothing => "the secret for a member of this argument wins",
        Outcome::NotAvailable => "its policy does not allow the other arguments",
        Outcome::NoPlace => "what was received there is not an object",
        Outcome::Unsuitable(_) => "its text is not of the type that the tool wants",
        Outcome::Ambiguous => "several secrets of this name match",
        Outcome::Expired(winner) if winner.id == secret.id => "it has expired",
        Outcome::NeedsApproval(winner) if winner.id == secret.id => {
            "a person must allow its use, and only calls through the gateway can be allowed"
        }
        Outcome::Binding(_) => "the binding names it",
        Outcome::Default(winner) if winner.id == secret.id => match decided_by(decided) {
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
