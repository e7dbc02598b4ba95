//! The diagnosis of the store for an operator: the engine and anomalies.

use serde::{Deserialize, Serialize};
use toolvault_core::identity::UserId;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;

use crate::caller::Caller;
use crate::error::Error;
use crate::store::{doctor, installation};
use crate::vault::Vault;

/// The condition of the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// `SQLite` or `PostgreSQL`.
    pub engine: String,
    /// The engine's version, as it reports it.
    pub version: String,
    /// The users who have several secrets with one name, with the number of such names.
    pub shared_names: Vec<(UserId, i64)>,
    /// Whether a rotation of the user keys is not completed.
    pub is_rotating: bool,
    /// The time of the newest audit record.
    pub newest_record: Option<Timestamp>,
}

impl Vault {
    /// Examines the store and changes nothing. Needs `admin`.
    pub async fn diagnose(&self, caller: &Caller) -> Result<Diagnosis, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        self.in_time(async {
            let mut tx = self.shared.database.read().await?;
            let (engine, version) = doctor::engine(&mut tx).await?;
            let shared_names = doctor::shared_names(&mut tx).await?;
            Ok(Diagnosis {
                engine: engine.to_owned(),
                version,
                shared_names: shared_names
                    .into_iter()
                    .map(|row| (UserId(row.user_id), row.names))
                    .collect(),
                is_rotating: installation::find_user_keys_before(&mut tx)
                    .await?
                    .is_some(),
                newest_record: doctor::newest_record(&mut tx)
                    .await?
                    .map(Timestamp::from_microseconds),
            })
        })
        .await
    }
}
