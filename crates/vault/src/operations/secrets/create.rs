//! Stores a secret, only once even if the request is repeated.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::binding::Binding;
use toolvault_core::confidential::Confidential;
use toolvault_core::digest::{hexadecimal, sha256};
use toolvault_core::entropy::Entropy;
use toolvault_core::envelope::version::{SealedValue, SealedVersion, Shown};
use toolvault_core::envelope::{open, seal};
use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::mask;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::SECOND;
use toolvault_core::transcript::Transcript;
use toolvault_core::user_keys::UserKeys;

use super::guessing::is_guessable;
use super::warnings::warnings;
use super::{NewSecret, SecretAnswer, about, require_unprotected, shadows};
use crate::cache::Effect;
use crate::caller::Caller;
use crate::error::Error;
use crate::secret::Secret;
use crate::settings::Limits;
use crate::shared::Shared;
use crate::store::idempotent_answers::AnswerRow;
use crate::store::versions::VersionRow;
use crate::store::wanted::Wanted;
use crate::user::{Ledger, User};
use crate::vault::Vault;
use crate::version;
use crate::writer::change::{Change, Work};
use crate::writer::rows::{Edit, Locked};

/// How long an answer is kept for a repeated request, in microseconds.
const REMEMBERED: i64 = 24 * 3_600 * SECOND;

impl Vault {
    /// Stores a secret. Needs `manage`.
    ///
    /// With an `idempotency_key`, a repetition of the request within 24 hours gets the same answer, and a different
    /// request with that key is refused.
    pub async fn create_secret(
        &self,
        caller: &Caller,
        new: NewSecret,
        idempotency_key: Option<&str>,
    ) -> Result<SecretAnswer, Error> {
        let allowed = caller
            .require(Scope::Manage)
            .and_then(|()| caller.require_pattern(new.tool.as_ref()));
        self.note_refusal(caller, allowed).await?;
        let entry = self.caller_entry(caller).await?;
        let repetition = idempotency_key.map(|key| Repetition::of(caller, key, &new));
        let change = CreateSecret {
            user: entry.user.clone(),
            limits: entry.user.limits(self.shared.settings.limits),
            is_guessable: is_guessable(&new.value, &new.name),
            caller: caller.clone(),
            entry,
            new,
            repetition,
            record: self.record(caller, Action::SecretCreated, Decision::Allowed),
        };
        self.change(caller, change).await
    }
}

/// Recognises a repeated request.
struct Repetition {
    key_hash: [u8; 32],
    request_hash: String,
}

#[derive(Serialize, Deserialize)]
struct RememberedAnswer {
    request: String,
    answer: SecretAnswer,
}

impl Repetition {
    fn of(caller: &Caller, key: &str, new: &NewSecret) -> Self {
        let actor = caller.actor.to_string();
        let key = Transcript::new("toolvault/idempotency-key/v1")
            .text(&actor)
            .text(key);
        let request = Transcript::new("toolvault/idempotent-request/v1")
            .text(&new.name)
            .bytes(new.value.expose())
            .optional(
                new.tool
                    .as_ref()
                    .map(toolvault_core::pattern::ToolPattern::as_str),
            )
            .optional(new.argument.as_deref())
            .number(i64::from(new.is_default));
        Self {
            key_hash: sha256(key.as_slice()),
            request_hash: hexadecimal(&sha256(request.as_slice())),
        }
    }

    /// The earlier answer, if this request is a repetition.
    fn find(&self, work: &Work<'_>, user: &User) -> Result<Option<SecretAnswer>, Error> {
        let oldest = work.now.plus(-REMEMBERED);
        let Some(sealed) = work.rows.answer(user.id(), self.key_hash, oldest) else {
            return Ok(None);
        };
        let bound = bind(user.id(), &self.key_hash);
        let opened = open(user.keys.of(sealed)?, bound, sealed)?;
        let remembered: RememberedAnswer =
            serde_json::from_slice(opened.expose()).map_err(|_| Error::Integrity)?;
        if remembered.request == self.request_hash {
            return Ok(Some(remembered.answer));
        }
        let message = "This key was used for another request within 24 hours.";
        let location = ["header", "idempotency-key"];
        Err(Error::invalid("idempotency_key_reused", &location, message))
    }

    /// Stores the answer. It is sealed because the request's hash could be used to guess the value.
    fn remember(
        &self,
        work: &mut Work<'_>,
        user: &User,
        answer: &SecretAnswer,
    ) -> Result<(), Error> {
        let remembered = RememberedAnswer {
            request: self.request_hash.clone(),
            answer: answer.clone(),
        };
        let plain = serde_json::to_vec(&remembered).map_err(Error::internal)?;
        let entropy = work.shared.entropy.as_ref();
        let sealed = seal(
            user.keys.newest(),
            bind(user.id(), &self.key_hash),
            &plain,
            entropy,
        )?;
        let row = AnswerRow {
            user_id: user.id(),
            key_hash: self.key_hash.to_vec(),
            sealed,
            created_at: work.now,
        };
        work.edits
            .push(Edit::Answer(row, work.now.plus(-REMEMBERED)));
        Ok(())
    }
}

/// What the answer to a request with this key is bound to.
fn bind(user: UserId, key_hash: &[u8]) -> Transcript {
    Transcript::new("toolvault/idempotent-answer/v1")
        .bytes(user.as_bytes())
        .bytes(key_hash)
}

/// Seals an answer again, with the user's newest key.
pub(crate) fn reseal_answer(
    user: UserId,
    keys: &UserKeys,
    key_hash: &[u8],
    sealed: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, Error> {
    let answer = open(keys.of(sealed)?, bind(user, key_hash), sealed)?;
    let bound = bind(user, key_hash);
    Ok(seal(keys.newest(), bound, answer.expose(), entropy)?)
}

struct CreateSecret {
    user: User,
    entry: std::sync::Arc<crate::cache::UserEntry>,
    limits: Limits,
    is_guessable: bool,
    caller: Caller,
    new: NewSecret,
    repetition: Option<Repetition>,
    record: Record,
}

impl Change for CreateSecret {
    type Answer = SecretAnswer;

    fn user(&self) -> UserId {
        self.user.id()
    }

    fn wants(&self) -> Option<Wanted> {
        Some(Wanted {
            user: self.user.id(),
            secret: None,
            answer: self
                .repetition
                .as_ref()
                .map(|repetition| repetition.key_hash),
        })
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<SecretAnswer, Error> {
        let mut locked = work.lock(&self.user).await?;
        if let Some(repetition) = &self.repetition
            && let Some(answer) = repetition.find(work, &locked.user)?
        {
            return Ok(answer);
        }
        let (secret, sealed) = self.seal(work, &locked)?;
        let (is_shadowing, warnings) = {
            let index = self.entry.index.read();
            require_unprotected(&index, None, &secret)?;
            let is_shadowing = shadows(&index, &secret);
            let caller = &self.caller;
            let warnings = warnings(&index, caller, &secret, is_shadowing, self.is_guessable);
            (is_shadowing, warnings)
        };
        locked
            .ledger
            .allow(1, i64::from(secret.shown.bytes), self.limits)?;
        locked.ledger.add(&secret, &work.shared.keyring);
        locked.ledger.last_change = secret.updated_at;
        let created_by = self.caller.actor.to_string();
        let version = version_row(work.shared, &secret, sealed, &created_by);
        work.edits.push(Edit::Secret(secret.row()?));
        work.edits.push(Edit::Version(version));

        let mut created = about(&self.record, &secret, Action::SecretCreated);
        created.state = Some(secret.state_text(work.shared.keyring.installation()));
        work.records.push(created);
        if is_shadowing {
            work.records
                .push(about(&self.record, &secret, Action::DefaultShadowed));
        }
        let answer = SecretAnswer {
            info: secret.info(),
            warnings,
        };
        let stored = Arc::new(secret);
        work.effects
            .push(Effect::SecretStored(stored, locked.generation));
        if let Some(repetition) = &self.repetition {
            repetition.remember(work, &locked.user, &answer)?;
        }
        work.edits.push(Edit::Ledger(locked));
        Ok(answer)
    }
}

impl CreateSecret {
    fn seal(&self, work: &Work<'_>, locked: &Locked) -> Result<(Secret, SealedVersion), Error> {
        let now = work.now.after(locked.ledger.last_change);
        let entropy = work.shared.entropy.as_ref();
        let installation = work.shared.keyring.installation();
        let mut secret = Secret {
            id: SecretId::generate(entropy, now)?,
            user: self.user.id(),
            name: self.new.name.as_str().into(),
            binding: Binding {
                tool: self.new.tool.clone(),
                argument: self.new.argument.as_deref().map(Box::from),
                is_default: self.new.is_default,
            },
            policy: Arc::default(),
            version: 1,
            created_at: now,
            updated_at: now,
            effective_at: now,
            sealed: SealedValue::default(),
            shown: shown(&self.new.value)?,
        };
        let sealed = SealedVersion::seal(
            &locked.user.keys,
            &secret.identity(installation),
            secret.standing(installation),
            &self.new.value,
            &secret.shown,
            entropy,
        )?;
        secret.sealed = sealed.value();
        Ok((secret, sealed))
    }
}

/// The masked form and length of a value.
pub(crate) fn shown(value: &Confidential) -> Result<Shown, Error> {
    let text = value.expose_text().ok_or_else(|| {
        Error::invalid(
            "string_unicode",
            &["body", "secret_value"],
            "The value is not UTF-8.",
        )
    })?;
    let bytes = u32::try_from(value.expose().len()).map_err(Error::internal)?;
    Ok(Shown {
        display: mask::display(text).into(),
        bytes,
    })
}

/// The row of a secret's current version.
pub(crate) fn version_row(
    shared: &Shared,
    secret: &Secret,
    sealed: SealedVersion,
    created_by: &str,
) -> VersionRow {
    let mut row = VersionRow {
        secret_id: secret.id.0,
        version: secret.version,
        data_key: sealed.data_key,
        value: sealed.value,
        display: sealed.display,
        created_at: secret.updated_at.microseconds(),
        created_by: created_by.to_owned(),
        mac: Vec::new(),
    };
    version::authenticate(&mut row, &shared.keyring);
    row
}

impl Ledger {
    /// Refuses this many more secrets and bytes if a limit would be exceeded. A change that enlarges nothing is always
    /// allowed, even beyond a limit that was lowered.
    pub(crate) fn allow(&self, secrets: i64, bytes: i64, limits: Limits) -> Result<(), Error> {
        if secrets > 0 && self.secrets.saturating_add(secrets) > limits.secrets {
            return Err(Error::QuotaExceeded(
                "The limit on the number of secrets is reached.",
            ));
        }
        if bytes > 0 && self.bytes.saturating_add(bytes) > limits.bytes {
            let message = "The limit on the total size of the stored secrets is reached.";
            return Err(Error::QuotaExceeded(message));
        }
        Ok(())
    }
}
