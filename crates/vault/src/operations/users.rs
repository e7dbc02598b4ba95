//! Users: create, list, disable, set quotas, delete.

use toolvault_core::audit::record::{Action, Actor, Decision, Record};
use toolvault_core::identity::UserId;
use toolvault_core::scope::Scope;

use crate::cache::Effect;
use crate::caller::{Caller, Token};
use crate::error::Error;
use crate::store::session_generations;
use crate::store::users::{self, UserRow};
use crate::user::{self, Origin, User, UserInfo, insert_user};
use crate::vault::Vault;
use crate::writer::change::{Change, Work};

/// The changes of a user. Absent fields stay unchanged.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserChange {
    /// Whether to refuse the user's credentials.
    pub disabled: Option<bool>,
    /// The user's own limit on the number of secrets; an inner `None` restores the default.
    pub secrets_limit: Option<Option<i64>>,
    /// The user's own limit on bytes; an inner `None` restores the default.
    pub bytes_limit: Option<Option<i64>>,
}

impl Vault {
    /// Creates a local user. Needs `admin`.
    pub async fn create_user(&self, caller: &Caller, name: &str) -> Result<UserInfo, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        let id = UserId::generate(self.shared.entropy.as_ref(), self.shared.clock.now())?;
        let record = self.record(caller, Action::UserCreated, Decision::Allowed);
        self.change(
            caller,
            CreateUser {
                id,
                name: name.to_owned(),
                record,
            },
        )
        .await
    }

    /// Lists users, oldest first. Needs `admin`.
    pub async fn list_users(
        &self,
        caller: &Caller,
        name: Option<&str>,
    ) -> Result<Vec<UserInfo>, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        let rows = self
            .in_time(async {
                let mut tx = self.shared.database.read().await?;
                Ok(users::list(&mut tx, name).await?)
            })
            .await?;
        rows.into_iter()
            .map(|row| User::verify(row, &self.shared.keyring).map(|user| user.info()))
            .collect()
    }

    /// Disables or enables a user, or changes their quota. Needs `admin`.
    pub async fn update_user(
        &self,
        caller: &Caller,
        user: UserId,
        change: UserChange,
    ) -> Result<UserInfo, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        for (limit, field) in [
            (change.secrets_limit, "secrets_limit"),
            (change.bytes_limit, "bytes_limit"),
        ] {
            if limit.flatten().is_some_and(|limit| limit < 0) {
                let message = "A limit cannot be negative.";
                return Err(Error::invalid("limit_negative", &["body", field], message));
            }
        }
        let record = self.record(caller, Action::UserChanged, Decision::Allowed);
        self.change(
            caller,
            UpdateUser {
                user,
                change,
                record,
            },
        )
        .await
    }

    /// Deletes a user with all their secrets and keys. Needs `admin`.
    pub async fn delete_user(&self, caller: &Caller, user: UserId) -> Result<(), Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        let record = self.record(caller, Action::UserDeleted, Decision::Allowed);
        self.change(caller, DeleteUser { user, record }).await
    }
}

fn complete(mut record: Record, row: &UserRow) -> Record {
    record.user_id = Some(UserId(row.user_id));
    record.subject = Some(row.user_id.to_string());
    record.state = Some(user::state_text(row));
    record
}

struct CreateUser {
    id: UserId,
    name: String,
    record: Record,
}

impl Change for CreateUser {
    type Answer = UserInfo;

    fn user(&self) -> UserId {
        self.id
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<UserInfo, Error> {
        let keyring = &work.shared.keyring;
        let entropy = work.shared.entropy.as_ref();
        let row = insert_user(
            work.tx,
            keyring,
            entropy,
            work.now,
            self.id,
            &self.name,
            &Origin::Local,
        )
        .await?
        .ok_or_else(|| {
            let message = "A user with this name exists.";
            Error::invalid("name_taken", &["body", "name"], message)
        })?;
        work.records.push(complete(self.record.clone(), &row));
        Ok(User::verify(row, keyring)?.info())
    }
}

/// Creates the user of a token, if missing.
pub(crate) struct EnsureUser {
    id: UserId,
    issuer: String,
    subject: String,
}

impl EnsureUser {
    pub(crate) fn of(token: &Token) -> Self {
        Self {
            id: token.user,
            issuer: token.issuer.clone(),
            subject: token.subject.clone(),
        }
    }
}

impl Change for EnsureUser {
    type Answer = UserRow;

    fn user(&self) -> UserId {
        self.id
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<UserRow, Error> {
        let origin = Origin::Issuer(self.issuer.clone());
        let keyring = &work.shared.keyring;
        let entropy = work.shared.entropy.as_ref();
        let inserted = insert_user(
            work.tx,
            keyring,
            entropy,
            work.now,
            self.id,
            &self.subject,
            &origin,
        )
        .await?;
        let Some(row) = inserted else {
            let row = users::find(work.tx, self.id)
                .await?
                .ok_or(Error::Unauthenticated)?;
            return Ok(User::verify(row, keyring)?.row);
        };
        let actor = Actor::Token {
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
        };
        let record = Record::new(
            work.now,
            &actor,
            Some(self.id),
            Action::UserCreated,
            Decision::Allowed,
        );
        work.records.push(complete(record, &row));
        work.effects.push(Effect::UserChanged(self.id));
        Ok(row)
    }
}

struct UpdateUser {
    user: UserId,
    change: UserChange,
    record: Record,
}

impl Change for UpdateUser {
    type Answer = UserInfo;

    fn user(&self) -> UserId {
        self.user
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<UserInfo, Error> {
        // Lock before reading the row, so that a concurrent change by another process is not undone.
        users::lock(work.tx, self.user).await?;
        let row = users::find(work.tx, self.user)
            .await?
            .ok_or(Error::NotFound)?;
        let mut user = User::verify(row, &work.shared.keyring)?;
        let before = user.info();
        if let Some(is_disabled) = self.change.disabled {
            user.row.is_disabled = is_disabled;
        }
        if let Some(limit) = self.change.secrets_limit {
            user.row.secrets_limit = limit;
        }
        if let Some(limit) = self.change.bytes_limit {
            user.row.bytes_limit = limit;
        }
        let info = user.info();
        if info == before {
            return Ok(info);
        }
        user::authenticate(&mut user.row, &work.shared.keyring);
        users::update(work.tx, &user.row).await?;
        let mut record = complete(self.record.clone(), &user.row);
        if before.disabled != info.disabled {
            let reason = if info.disabled { "disabled" } else { "enabled" };
            record.reason = Some(reason.to_owned());
        }
        work.records.push(record);
        work.effects.push(Effect::UserChanged(self.user));
        Ok(info)
    }
}

struct DeleteUser {
    user: UserId,
    record: Record,
}

impl Change for DeleteUser {
    type Answer = ();

    fn user(&self) -> UserId {
        self.user
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        users::lock(work.tx, self.user).await?;
        let row = users::find(work.tx, self.user)
            .await?
            .ok_or(Error::NotFound)?;
        for key in crate::store::api_keys::list(work.tx, Some(self.user)).await? {
            if let Ok(id) = key.key.key_id.parse() {
                work.effects.push(Effect::KeyChanged(id));
            }
        }
        users::delete(work.tx, self.user).await?;
        session_generations::advance(work.tx, self.user, work.now).await?;
        let mut record = complete(self.record.clone(), &row);
        record.state = None;
        work.records.push(record);
        work.effects.push(Effect::UserChanged(self.user));
        Ok(())
    }
}
