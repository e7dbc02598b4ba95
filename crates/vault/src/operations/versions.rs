//! Versions of a secret: list, restore, delete.

use serde::Serialize;
use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::confidential::Confidential;
use toolvault_core::envelope::version::{SealedVersion, Standing, VersionIdentity};
use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;

use super::secrets::change::find;
use super::secrets::{SecretAnswer, SecretChange, about, find_in};
use crate::caller::Caller;
use crate::error::Error;
use crate::store::users;
use crate::store::versions::{self, VersionRow};
use crate::store::wanted::Wanted;
use crate::user::User;
use crate::vault::Vault;
use crate::version;
use crate::writer::change::{Change, Work};
use crate::writer::rows::Edit;

/// The metadata of a version, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VersionInfo {
    /// Counted from 1.
    pub version: i64,
    /// When it was stored.
    pub created_at: Timestamp,
    /// Who stored it.
    pub created_by: String,
    /// `current` or `superseded`.
    pub state: &'static str,
}

impl Vault {
    /// Lists the versions that are kept, newest first. Needs `manage`.
    pub async fn list_versions(
        &self,
        caller: &Caller,
        id: SecretId,
    ) -> Result<Vec<VersionInfo>, Error> {
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        let entry = self.caller_entry(caller).await?;
        let found = find_in(&entry, caller, id);
        let secret = self.note_refusal(caller, found).await?;
        let rows = self
            .in_time(async {
                let mut tx = self.shared.database.read().await?;
                Ok(versions::list(&mut tx, id).await?)
            })
            .await?;
        // A version that was stored since the secret was looked up is the newest.
        let newest = rows.iter().map(|row| row.version).max().unwrap_or(0);
        let newest = newest.max(secret.version);
        let described = rows
            .into_iter()
            .map(|row| {
                version::verify(&row, &self.shared.keyring)?;
                Ok(describe(row, newest))
            })
            .collect();
        self.note_refusal(caller, described).await
    }

    /// Makes an older version's value the newest version. Needs `manage`.
    pub async fn restore_version(
        &self,
        caller: &Caller,
        id: SecretId,
        version: i64,
    ) -> Result<SecretAnswer, Error> {
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        let entry = self.caller_entry(caller).await?;
        let found = find_in(&entry, caller, id);
        let secret = self.note_refusal(caller, found).await?;
        if secret.version == version {
            return Ok(SecretAnswer {
                info: secret.info(),
                warnings: Vec::new(),
            });
        }
        let found = self
            .in_time(async {
                let mut tx = self.shared.database.read().await?;
                let row = versions::find(&mut tx, id, version).await?;
                // In one state with the version, which may be sealed with a newer key than the entry knows.
                Ok(row.zip(users::find(&mut tx, entry.user.id()).await?))
            })
            .await?;
        let (row, user) = found.ok_or(Error::NotFound)?;
        let value = User::verify(user, &self.shared.keyring)
            .and_then(|user| self.open_superseded(&user, id, row));
        let value = self.note_refusal(caller, value).await?;
        let change = SecretChange {
            value: Some(value),
            ..SecretChange::default()
        };
        self.update(
            caller,
            id,
            change,
            Vec::new(),
            Action::SecretVersionRestored,
        )
        .await
    }

    /// Deletes an older version permanently. Needs `manage`.
    pub async fn delete_version(
        &self,
        caller: &Caller,
        id: SecretId,
        version: i64,
    ) -> Result<(), Error> {
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        let entry = self.caller_entry(caller).await?;
        let record = self.record(caller, Action::SecretVersionDeleted, Decision::Allowed);
        let user = entry.user.clone();
        self.change(
            caller,
            DeleteVersion {
                caller: caller.clone(),
                user,
                id,
                version,
                record,
            },
        )
        .await
    }

    /// The value of an older version, if its row is as it was stored.
    pub(crate) fn open_superseded(
        &self,
        user: &User,
        id: SecretId,
        row: VersionRow,
    ) -> Result<Confidential, Error> {
        let identity = VersionIdentity {
            installation: self.installation(),
            user: user.id(),
            secret: id,
            version: row.version,
        };
        let sealed = SealedVersion {
            data_key: row.data_key,
            value: row.value,
            display: row.display,
        };
        Ok(sealed
            .value()
            .open(&user.keys, &identity, Standing::Superseded)?)
    }
}

fn describe(row: VersionRow, newest: i64) -> VersionInfo {
    VersionInfo {
        version: row.version,
        created_at: Timestamp::from_microseconds(row.created_at),
        created_by: row.created_by,
        state: if row.version == newest {
            "current"
        } else {
            "superseded"
        },
    }
}

struct DeleteVersion {
    caller: Caller,
    user: User,
    id: SecretId,
    version: i64,
    record: Record,
}

impl Change for DeleteVersion {
    type Answer = ();

    fn user(&self) -> UserId {
        self.user.id()
    }

    fn wants(&self) -> Option<Wanted> {
        Some(Wanted::secret(self.user.id(), self.id))
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        let locked = work.lock(&self.user).await?;
        let secret = find(work, &self.caller, &locked.user, self.id)?;
        if secret.version == self.version {
            let message = "The current version cannot be deleted; delete the secret.";
            return Err(Error::invalid(
                "version_in_use",
                &["path", "version"],
                message,
            ));
        }
        if !work
            .rows
            .versions(self.id)
            .any(|version| version == self.version)
        {
            return Err(Error::NotFound);
        }
        work.edits.push(Edit::VersionDeleted(self.id, self.version));
        let mut record = about(&self.record, &secret, Action::SecretVersionDeleted);
        record.version = Some(self.version);
        work.records.push(record);
        Ok(())
    }
}
