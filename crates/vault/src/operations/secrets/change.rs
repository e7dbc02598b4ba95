//! Changes secrets. A field that is absent or equal to the stored one is not a change.

use std::sync::Arc;

use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::confidential::Confidential;
use toolvault_core::envelope::version::{RewrapError, SealedVersion, Standing};
use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::keyring::is_equal;
use toolvault_core::scope::Scope;

use super::create::{shown, version_row};
use super::guessing::is_guessable;
use super::warnings::warnings;
use super::{
    Field, SecretAnswer, SecretChange, about, require_match, require_unprotected, shadows,
};
use crate::cache::{Effect, UserEntry};
use crate::caller::Caller;
use crate::error::{Denial, Error};
use crate::secret::Secret;
use crate::settings::Limits;
use crate::store::wanted::Wanted;
use crate::user::User;
use crate::vault::Vault;
use crate::writer::change::{Change, Work};
use crate::writer::rows::{Edit, Locked};

impl Vault {
    /// Changes the given fields of a secret. Needs `manage`.
    ///
    /// If `if_match` is not empty, one of these entity tags must be the secret's.
    pub async fn update_secret(
        &self,
        caller: &Caller,
        id: SecretId,
        change: SecretChange,
        if_match: Vec<String>,
    ) -> Result<SecretAnswer, Error> {
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        let action = Action::SecretValueReplaced;
        self.update(caller, id, change, if_match, action).await
    }

    /// As [`update_secret`](Self::update_secret); a new value is recorded as `value_action`.
    pub(crate) async fn update(
        &self,
        caller: &Caller,
        id: SecretId,
        change: SecretChange,
        if_match: Vec<String>,
        value_action: Action,
    ) -> Result<SecretAnswer, Error> {
        let entry = self.caller_entry(caller).await?;
        let is_guessable = is_new_value_guessable(&entry, id, &change);
        let update = UpdateSecret {
            value_action,
            caller: caller.clone(),
            user: entry.user.clone(),
            limits: entry.user.limits(self.shared.settings.limits),
            entry: Arc::clone(&entry),
            id,
            change,
            if_match,
            record: self.record(caller, Action::SecretRebound, Decision::Allowed),
        };
        let Updated { secret, kinds } = self.change(caller, update).await?;
        let info = secret.info();
        if kinds.is_none() {
            let warnings = Vec::new();
            return Ok(SecretAnswer { info, warnings });
        }
        // They compare the secret with all others, so they are found here, where no other change waits for them.
        let index = entry.index.read();
        let is_shadowing = (kinds.is_rebound || kinds.is_new_value) && shadows(&index, &secret);
        let warnings = warnings(&index, caller, &secret, is_shadowing, is_guessable);
        Ok(SecretAnswer { info, warnings })
    }
}

/// Whether the new value of a secret that exists can be guessed. Estimated here, because it would keep the writer from
/// other changes.
fn is_new_value_guessable(entry: &UserEntry, id: SecretId, change: &SecretChange) -> bool {
    let stored = entry.intact().ok().and_then(|index| index.get(id).cloned());
    let (Some(value), Some(stored)) = (&change.value, stored) else {
        return false;
    };
    is_guessable(value, change.name.as_deref().unwrap_or(&stored.name))
}

struct UpdateSecret {
    value_action: Action,
    caller: Caller,
    user: User,
    entry: Arc<UserEntry>,
    limits: Limits,
    id: SecretId,
    change: SecretChange,
    if_match: Vec<String>,
    record: Record,
}

/// A secret after a change of these kinds.
struct Updated {
    secret: Arc<Secret>,
    kinds: Kinds,
}

/// The kinds of change in one request.
#[derive(Default)]
struct Kinds {
    is_renamed: bool,
    is_rebound: bool,
    is_new_value: bool,
}

impl Change for UpdateSecret {
    type Answer = Updated;

    fn user(&self) -> UserId {
        self.user.id()
    }

    fn wants(&self) -> Option<Wanted> {
        Some(Wanted::secret(self.user.id(), self.id))
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<Updated, Error> {
        let locked = work.lock(&self.user).await?;
        let before = find(work, &self.caller, &locked.user, self.id)?;
        require_match(&self.if_match, &before.info().entity_tag())?;
        let mut after = before.clone();
        let kinds = self.edit(work, &locked.user, &mut after)?;
        if kinds.is_none() {
            let secret = Arc::new(before);
            return Ok(Updated { secret, kinds });
        }
        after.updated_at = work.now.after(locked.ledger.last_change);
        if kinds.is_rebound || kinds.is_new_value {
            after.effective_at = after.updated_at;
        }
        self.require_allowed(&before, &after)?;
        if let Some(value) = self.change.value.as_ref().filter(|_| kinds.is_new_value) {
            after.shown = shown(value)?;
            let growth = i64::from(after.shown.bytes) - i64::from(before.shown.bytes);
            locked.ledger.allow(0, growth, self.limits)?;
            self.supersede(work, &locked.user, &before, &mut after, value)?;
        } else {
            rewrap(work, &locked.user, &before, &mut after)?;
        }
        let secret = Arc::new(after);
        save(work, locked, &before, &secret)?;
        self.record(work, &secret, &kinds);
        Ok(Updated { secret, kinds })
    }
}

impl UpdateSecret {
    /// Applies the given fields except the value to `secret`, and returns which ones differ.
    fn edit(&self, work: &Work<'_>, user: &User, secret: &mut Secret) -> Result<Kinds, Error> {
        let mut kinds = Kinds::default();
        let change = &self.change;
        let old = secret.clone();
        if let Some(name) = &change.name {
            secret.name = name.as_str().into();
        }
        put(&mut secret.binding.tool, &change.tool);
        put(&mut secret.binding.argument, &change.argument);
        if let Some(is_default) = change.is_default {
            secret.binding.is_default = is_default;
        }
        kinds.is_renamed = secret.name != old.name;
        kinds.is_rebound = secret.binding != old.binding;
        if secret.binding.tool != old.binding.tool {
            self.caller.require_pattern(secret.binding.tool.as_ref())?;
        }
        if let Some(value) = &change.value {
            let installation = work.shared.keyring.installation();
            let current = old.open_value(installation, &user.keys)?;
            kinds.is_new_value = !is_equal(current.expose(), value.expose());
        }
        Ok(kinds)
    }

    /// Refuses what a policy forbids: the secret's own, or that of a secret that it would shadow.
    fn require_allowed(&self, before: &Secret, after: &Secret) -> Result<(), Error> {
        let is_restored = self.value_action == Action::SecretVersionRestored;
        if before.policy.protected
            && (is_restored || before.name != after.name || before.binding != after.binding)
        {
            return Err(Denial::SecretProtected.into());
        }
        require_unprotected(&self.entry.index.read(), Some(before), after)
    }

    /// Makes the value the newest version, and deletes the oldest versions beyond the limit.
    fn supersede(
        &self,
        work: &mut Work<'_>,
        user: &User,
        before: &Secret,
        after: &mut Secret,
        value: &Confidential,
    ) -> Result<(), Error> {
        let installation = work.shared.keyring.installation();
        let entropy = work.shared.entropy.as_ref();
        let mut old = before.sealed.clone();
        old.rewrap(
            &user.keys,
            &before.identity(installation),
            before.standing(installation),
            Standing::Superseded,
            entropy,
        )
        .map_err(rewrap_error)?;
        let data_key = old.data_key().to_vec();
        work.edits
            .push(Edit::DataKey(before.id, before.version, data_key));

        after.version = before.version + 1;
        let sealed = SealedVersion::seal(
            &user.keys,
            &after.identity(installation),
            after.standing(installation),
            value,
            &after.shown,
            entropy,
        )?;
        after.sealed = sealed.value();
        let row = version_row(work.shared, after, sealed, &self.caller.actor.to_string());
        work.edits.push(Edit::Version(row));
        let oldest = after.version - self.limits.versions.max(1);
        for version in work
            .rows
            .versions(after.id)
            .filter(|version| *version <= oldest)
        {
            work.edits.push(Edit::VersionDeleted(after.id, version));
            let mut record = about(&self.record, after, Action::SecretVersionDeleted);
            record.version = Some(version);
            record.reason = Some("beyond_the_limit".to_owned());
            work.records.push(record);
        }
        Ok(())
    }

    fn record(&self, work: &mut Work<'_>, after: &Secret, kinds: &Kinds) {
        let state = after.state_text(work.shared.keyring.installation());
        let actions = [
            (kinds.is_renamed, Action::SecretRenamed),
            (kinds.is_rebound, Action::SecretRebound),
            (kinds.is_new_value, self.value_action),
        ];
        for (_, action) in actions.into_iter().filter(|(happened, _)| *happened) {
            let mut record = about(&self.record, after, action);
            record.state = Some(state.clone());
            work.records.push(record);
        }
        if kinds.is_rebound && shadows(&self.entry.index.read(), after) {
            work.records
                .push(about(&self.record, after, Action::DefaultShadowed));
        }
    }
}

impl Kinds {
    fn is_none(&self) -> bool {
        !self.is_renamed && !self.is_rebound && !self.is_new_value
    }
}

fn put<T: Clone + Into<U>, U>(target: &mut Option<U>, field: &Field<T>) {
    match field {
        Field::Keep => {}
        Field::Clear => *target = None,
        Field::Set(value) => *target = Some(value.clone().into()),
    }
}

/// The secret as this transaction sees it. A secret that the caller cannot reach does not exist for them.
pub(crate) fn find(
    work: &Work<'_>,
    caller: &Caller,
    user: &User,
    id: SecretId,
) -> Result<Secret, Error> {
    let row = work.rows.secret(user.id(), id).ok_or(Error::NotFound)?;
    let secret = Secret::verify(row, work.shared.keyring.installation(), &user.keys)?;
    if caller.reaches_pattern(secret.binding.tool.as_ref()) {
        Ok(secret)
    } else {
        Err(Error::NotFound)
    }
}

/// Replaces the row of a secret, and updates the ledger and the caches.
pub(crate) fn save(
    work: &mut Work<'_>,
    mut locked: Locked,
    before: &Secret,
    after: &Arc<Secret>,
) -> Result<(), Error> {
    work.edits.push(Edit::Secret(after.row()?));
    locked.ledger.remove(before, &work.shared.keyring);
    locked.ledger.add(after.as_ref(), &work.shared.keyring);
    locked.ledger.last_change = after.updated_at;
    let stored = Effect::SecretStored(Arc::clone(after), locked.generation);
    work.effects.push(stored);
    work.edits.push(Edit::Ledger(locked));
    Ok(())
}

/// Binds the data key of the current version to the secret's new state.
pub(crate) fn rewrap(
    work: &mut Work<'_>,
    user: &User,
    before: &Secret,
    after: &mut Secret,
) -> Result<(), Error> {
    let installation = work.shared.keyring.installation();
    let identity = before.identity(installation);
    let (from, to) = (before.standing(installation), after.standing(installation));
    let entropy = work.shared.entropy.as_ref();
    after
        .sealed
        .rewrap(&user.keys, &identity, from, to, entropy)
        .map_err(rewrap_error)?;
    let data_key = after.sealed.data_key().to_vec();
    work.edits
        .push(Edit::DataKey(after.id, after.version, data_key));
    Ok(())
}

pub(crate) fn rewrap_error(error: RewrapError) -> Error {
    match error {
        RewrapError::Open(error) => error.into(),
        RewrapError::Entropy(error) => error.into(),
    }
}
