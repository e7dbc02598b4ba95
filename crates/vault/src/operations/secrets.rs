//! Secrets: store, list, show without the value, delete. [`change`] changes them.

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod delete;
mod guessing;
mod warnings;

use std::sync::Arc;

use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::confidential::Confidential;
use toolvault_core::identity::SecretId;
use toolvault_core::pattern::{ToolName, ToolPattern};
use toolvault_core::ranking::Patterned as _;
use toolvault_core::scope::Scope;

use self::delete::DeleteSecret;
use super::resolve::places::precedence;
use crate::cache::UserEntry;
use crate::cache::index::Index;
use crate::caller::Caller;
use crate::error::{Denial, Error};
use crate::secret::{Secret, SecretInfo};
use crate::vault::Vault;

/// A secret to store.
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
    /// Whether it is a default.
    pub is_default: bool,
}

/// The change of a field that may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// It stays unchanged.
    #[default]
    Keep,
    /// It is removed.
    Clear,
    /// It is set to this value.
    Set(T),
}

impl<T> Field<T> {
    /// The new value, if there is one.
    pub fn given(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}

/// The changes of a secret. Absent fields stay unchanged.
#[derive(Clone, Default)]
#[expect(missing_debug_implementations, reason = "it may hold a value")]
pub struct SecretChange {
    /// A new name.
    pub name: Option<String>,
    /// A new value, which becomes the newest version.
    pub value: Option<Confidential>,
    /// A new tool pattern.
    pub tool: Field<ToolPattern>,
    /// A new argument.
    pub argument: Field<String>,
    /// A new default flag.
    pub is_default: Option<bool>,
}

/// A secret after a change, with warnings.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SecretAnswer {
    /// The public information about the secret.
    pub info: SecretInfo,
    /// Results of the change that may surprise the caller.
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
    /// The most secrets to return.
    pub limit: usize,
    /// How many to skip.
    pub offset: usize,
}

/// A page of the list.
#[derive(Clone, Debug)]
pub struct SecretList {
    /// The secrets, oldest first.
    pub secrets: Vec<SecretInfo>,
    /// How many secrets match the filter in all.
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
        // An incomplete list would claim that a secret does not exist.
        let listed = entry.intact().map(|index| filter.apply(&index, caller));
        self.note_refusal(caller, listed).await
    }

    /// The public information about one secret. Needs `manage`.
    pub async fn get_secret(&self, caller: &Caller, id: SecretId) -> Result<SecretInfo, Error> {
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        let entry = self.caller_entry(caller).await?;
        let found = find_in(&entry, caller, id).map(|secret| secret.info());
        self.note_refusal(caller, found).await
    }

    /// Deletes a secret with all its versions. Needs `manage`.
    ///
    /// If `if_match` is not empty, one of these entity tags must be the secret's.
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

/// The caller's secret with this ID. A secret that the caller cannot reach does not exist for them.
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
                && self.name.as_ref().is_none_or(|name| **name == *secret.name)
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

/// Fills in the parts of a record that describe a secret.
pub(crate) fn about(record: &Record, secret: &Secret, action: Action) -> Record {
    let mut record = record.clone();
    record.action = action;
    record.user_id = Some(secret.user);
    record.secret_id = Some(secret.id);
    record.secret_name = Some(secret.name.to_string());
    record.version = Some(secret.version);
    record.tool = secret.tool().map(str::to_owned);
    record.argument = secret.binding.argument.as_deref().map(str::to_owned);
    record
}

/// Whether the secret takes precedence over another default for the same argument of some tool. Users who rely on the
/// other one may be surprised.
pub(crate) fn shadows(index: &Index, secret: &Secret) -> bool {
    defaults_beside(index, secret).any(|other| precedes(secret, other))
}

/// Refuses a secret that now, unlike before, has the name of a protected one or takes precedence over it.
pub(crate) fn require_unprotected(
    index: &Index,
    before: Option<&Secret>,
    after: &Secret,
) -> Result<(), Error> {
    if !index.is_intact() {
        return Err(Error::Integrity);
    }
    let is_renamed = before.is_none_or(|before| before.name != after.name);
    let takes_name = is_renamed
        && index
            .named(&after.name)
            .any(|other| other.policy.protected && other.id != after.id);
    let takes_precedence = defaults_beside(index, after).any(|other| {
        other.policy.protected
            && precedes(after, other)
            && !before.is_some_and(|before| precedes(before, other))
    });
    if takes_name || takes_precedence {
        Err(Denial::SecretProtected.into())
    } else {
        Ok(())
    }
}

/// The defaults for some tool for which `secret` is one, too; `secret` is among them.
fn defaults_beside<'a>(
    index: &'a Index,
    secret: &'a Secret,
) -> impl Iterator<Item = &'a Arc<Secret>> {
    let beside = secret
        .pattern()
        .map(|pattern| index.defaults_beside(pattern));
    beside.into_iter().flatten()
}

/// Whether for some tool both are defaults for the same argument, or for an argument and a member of it, and
/// `secret` wins.
fn precedes(secret: &Secret, other: &Secret) -> bool {
    let paths = secret.binding.path().zip(other.binding.path());
    let wins = paths.is_some_and(|(path, others)| {
        others.holds(path) || path.is_at(others) && precedence(secret) > precedence(other)
    });
    wins && secret.id != other.id && are_defaults_for_one_tool(secret, other)
}

/// Whether for some tool both apply as defaults.
fn are_defaults_for_one_tool(secret: &Secret, other: &Secret) -> bool {
    let patterns = secret.pattern().zip(other.pattern());
    patterns.is_some_and(|(pattern, others)| pattern.overlaps(others))
}

/// Refuses unless one of the entity tags is `tag`, that of what is stored. No tags accept any.
pub(crate) fn require_match(if_match: &[String], tag: &str) -> Result<(), Error> {
    if if_match.is_empty() || if_match.iter().any(|wanted| wanted == "*" || wanted == tag) {
        Ok(())
    } else {
        Err(Error::PreconditionFailed)
    }
}
