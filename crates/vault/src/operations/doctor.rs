//! What an operator should know about the store itself: the engine, its settings, and what looks amiss.

use serde::{Deserialize, Serialize};
use toolvault_core::digest::hexadecimal;
use toolvault_core::identity::UserId;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;

use crate::caller::Caller;
use crate::error::Error;
use crate::store::doctor;
use crate::vault::Vault;

/// The state of the store, as far as the store itself can tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// `SQLite` or `PostgreSQL`.
    pub engine: String,
    /// The engine's version, as it tells it.
    pub version: String,
    /// Settings of the engine that are off although acknowledged commits depend on them.
    pub unsafe_settings: Vec<String>,
    /// The users some of whose secrets share a name, each with the number of such names.
    pub shared_names: Vec<(UserId, i64)>,
    /// When the newest audit record was made.
    pub newest_record: Option<Timestamp>,
}

impl Vault {
    /// Looks the store over and changes nothing. Needs `admin`.
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
                unsafe_settings: doctor::unsafe_settings(&mut tx).await?,
                shared_names: shared_names
                    .into_iter()
                    .map(|row| (UserId(row.user_id), row.names))
                    .collect(),
                newest_record: doctor::newest_record(&mut tx)
                    .await?
                    .map(Timestamp::from_microseconds),
            })
        })
        .await
    }

    /// The hash of one page of the audit trail in hexadecimal, if there is such a page. Needs `admin`.
    ///
    /// After [`verify_audit`](Self::verify_audit) found no fault, comparing it with a hash that was noted
    /// elsewhere shows that the trail was not cut off and rewritten since.
    pub async fn audit_page_hash(
        &self,
        caller: &Caller,
        page: i64,
    ) -> Result<Option<String>, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        self.in_time(async {
            let mut tx = self.shared.database.read().await?;
            let hash = doctor::page_hash(&mut tx, page).await?;
            Ok(hash.map(|hash| hexadecimal(&hash)))
        })
        .await
    }
}
