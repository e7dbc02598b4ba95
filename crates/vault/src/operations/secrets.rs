//! Secrets: stored, listed, shown without their value, erased. [`change`] changes them.

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod delete;
mod warnings;

use std::sync::Arc;

use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::confidential::Confidential;
use toolvault_core::identity::SecretId;
use toolvault_core::pattern::{ToolName, ToolPattern};
use toolvault_core::scope::Scope;

use self::delete::DeleteSecret;
use crate::cache::UserEntry;
use crate::cache::index::Index;
use crate::caller::Caller;
use crate::error::{Denial, Error};
use crate::secret::{Secret, SecretInfo};
use crate::user::{Ledger, User};
use crate::vault::Vault;
use crate::writer::change::Work;

/// The secret to store.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it holds the value")]
pub struct NewSecret {
    /// The user's name for it.
    pub name: String,
    /// The value.
    pub value: Confidential,
    /// The tool pattern of its binding.
    pub tool: Option<ToolPattern>,
    /// The argument of its binding.
    pub argument: Option<String>,
    /// Whether it is applied by itself.
    pub is_default: bool,
}

/// What happens to a field that may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// It stays.
    #[default]
    Keep,
    /// It becomes absent.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<T> Field<T> {
    /// What it becomes, if that was given.
    pub fn given(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}

/// What changes of a secret.
#[derive(Clone, Default)]
#[expect(missing_debug_implementations, reason = "it may hold a value")]
pub struct SecretChange {
    /// Another name.
    pub name: Option<String>,
    /// A new value, which becomes the newest version.
    pub value: Option<Confidential>,
    /// Another tool pattern.
    pub tool: Field<ToolPattern>,
    /// Another argument.
    pub argument: Field<String>,
    /// Another flag.
    pub is_default: Option<bool>,
}

/// A secret after a change, and what the caller should know.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SecretAnswer {
    /// What is told about the secret.
    pub info: SecretInfo,
    /// Things that were done as asked but may surprise.
    pub warnings: Vec<String>,
}

/// Which secrets to list.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    /// Exactly this name.
    pub name: Option<String>,
    /// Those whose pattern matches this tool.
    pub tool: Option<String>,
    /// Those whose name contains this text.
    pub query: Option<String>,
    /// How many at most.
    pub limit: usize,
    /// How many to pass over.
    pub offset: usize,
}

/// A page of the list.
#[derive(Clone, Debug)]
pub struct SecretList {
    /// The secrets, oldest first.
    pub secrets: Vec<SecretInfo>,
    /// How many the filter matches in all.
    pub total: usize,
}

impl Vault {
    /// Lists the user's secrets, oldest first. Needs `manage`.
    pub async fn list_secrets(
        &self,
        caller: &Caller,
        filter: &ListFilter,
    ) -> Result<SecretList, Error> {
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        let entry = self.caller_entry(caller).await?;
        // A list that lacks a row would say that it is not there.
        let listed = entry.intact().map(|index| filter.apply(&index, caller));
        self.note_refusal(caller, listed).await
    }

    /// What is told about one secret. Needs `manage`.
    pub async fn get_secret(&self, caller: &Caller, id: SecretId) -> Result<SecretInfo, Error> {
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        let entry = self.caller_entry(caller).await?;
        let found = find_in(&entry, caller, id).map(|secret| secret.info());
        self.note_refusal(caller, found).await
    }

    /// Erases a secret with all its versions. Needs `manage`.
    ///
    /// `if_match` are the entity tags of which one must be the secret's; empty for any.
    pub async fn delete_secret(
        &self,
        caller: &Caller,
        id: SecretId,
        if_match: Vec<String>,
    ) -> Result<(), Error> {
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        let entry = self.caller_entry(caller).await?;
        let record = self.record(caller, Action::SecretDeleted, Decision::Allowed);
        let user = entry.user.clone();
        let change = DeleteSecret {
            caller: caller.clone(),
            user,
            id,
            if_match,
            record,
        };
        self.change(caller, change).await
    }
}

/// The caller's secret of this id. One out of the caller's reach does not exist.
pub(crate) fn find_in(
    entry: &UserEntry,
    caller: &Caller,
    id: SecretId,
) -> Result<Arc<Secret>, Error> {
    entry
        .intact()?
        .get(id)
        .filter(|secret| caller.reaches_pattern(secret.binding.tool.as_ref()))
        .map(Arc::clone)
        .ok_or(Error::NotFound)
}

impl ListFilter {
    fn apply(&self, index: &Index, caller: &Caller) -> SecretList {
        let tool = self.tool.as_deref().map(ToolName::parse);
        let matches = |secret: &&Arc<Secret>| {
            let pattern = secret.binding.tool.as_ref();
            caller.reaches_pattern(pattern)
                && self.name.as_ref().is_none_or(|name| *name == secret.name)
                && self
                    .query
                    .as_ref()
                    .is_none_or(|query| secret.name.contains(query.as_str()))
                && match &tool {
                    None => true,
                    Some(Ok(tool)) => pattern.is_some_and(|pattern| pattern.matches(tool)),
                    Some(Err(_)) => false,
                }
        };
        let total = index.iter().filter(matches).count();
        let secrets = index
            .iter()
            .filter(matches)
            .skip(self.offset)
            .take(self.limit)
            .map(|secret| secret.info())
            .collect();
        SecretList { secrets, total }
    }
}

/// Locks the user's secrets until the commit, and opens their ledger.
pub(crate) async fn lock(work: &mut Work<'_>, user: &User) -> Result<(Ledger, i64), Error> {
    let row = crate::store::users::lock_ledger(work.tx, user.id())
        .await?
        .ok_or(Error::Unauthenticated)?;
    let ledger = Ledger::open(user, row.generation - 1, &row.sealed)?;
    Ok((ledger, row.generation))
}

/// Leaves the ledger as it was before [`lock`]: nothing changed after all.
pub(crate) async fn release(work: &mut Work<'_>, user: &User) -> Result<(), Error> {
    Ok(crate::store::users::release_ledger(work.tx, user.id()).await?)
}

/// Seals the ledger under its new generation. Needed after each [`lock`] that is kept, unless it is
/// [released](release).
pub(crate) async fn unlock(
    work: &mut Work<'_>,
    user: &User,
    ledger: Ledger,
    generation: i64,
) -> Result<(), Error> {
    let entropy = work.shared.entropy.as_ref();
    let row = ledger.seal(user.id(), &user.key, generation, entropy)?;
    Ok(crate::store::users::save_ledger(work.tx, user.id(), &row.sealed).await?)
}

/// Fills in what a record says about a secret.
pub(crate) fn about(record: &Record, secret: &Secret, action: Action) -> Record {
    let mut record = record.clone();
    record.action = action;
    record.user_id = Some(secret.user);
    record.secret_id = Some(secret.id);
    record.secret_name = Some(secret.name.clone());
    record.version = Some(secret.version);
    record.tool = secret.tool().map(str::to_owned);
    record.argument.clone_from(&secret.binding.argument);
    record
}

/// Whether the secret takes precedence over another default of the same argument for some tool, so that
/// users who rely on that one may be surprised.
pub(crate) fn shadows(index: &Index, secret: &Secret) -> bool {
    index.iter().any(|other| precedes(secret, other))
}

/// Refuses a secret that, unlike before, bears the name of a protected one or takes precedence over it.
pub(crate) fn require_unprotected(
    index: &Index,
    before: Option<&Secret>,
    after: &Secret,
) -> Result<(), Error> {
    if !index.is_intact() {
        return Err(Error::Integrity);
    }
    let is_renamed = before.is_none_or(|before| before.name != after.name);
    let is_refused = index.iter().any(|other| {
        other.policy.protected
            && other.id != after.id
            && ((is_renamed && other.name == after.name)
                || (precedes(after, other)
                    && !before.is_some_and(|before| precedes(before, other))))
    });
    if is_refused {
        Err(Denial::SecretProtected.into())
    } else {
        Ok(())
    }
}

/// Whether there is a tool for which both are defaults of the same argument and `secret` wins.
fn precedes(secret: &Secret, other: &Secret) -> bool {
    let both = [secret, other].map(|secret| secret.binding.applies_by_itself());
    both == [true, true]
        && secret.id != other.id
        && secret.binding.argument == other.binding.argument
        && secret.rank() > other.rank()
        && secret
            .binding
            .tool
            .as_ref()
            .zip(other.binding.tool.as_ref())
            .is_some_and(|(left, right)| left.overlaps(right))
}

/// Refuses unless one of the entity tags is the secret's; no tags accept any.
pub(crate) fn require_match(if_match: &[String], info: &SecretInfo) -> Result<(), Error> {
    let tag = info.entity_tag();
    if if_match.is_empty()
        || if_match
            .iter()
            .any(|wanted| wanted == "*" || *wanted == tag)
    {
        Ok(())
    } else {
        Err(Error::PreconditionFailed)
    }
}
