//! The store at a glance, for an operator: what it is, what is in it, and what is due.

use serde::{Deserialize, Serialize};
use toolvault_core::audit::page::Head;
use toolvault_core::identity::InstallationId;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;

use crate::caller::Caller;
use crate::channel::Replica;
use crate::error::Error;
use crate::operations::audit::ShippingStatus;
use crate::operations::audit::verify::kept::find_ends;
use crate::settings::Consistency;
use crate::store::{backup, doctor, installation};
use crate::vault::Vault;

/// The store at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// The installation that the store belongs to.
    pub installation: InstallationId,
    /// `SQLite` or `PostgreSQL`.
    pub engine: String,
    /// The engine's version, as it reports it.
    pub engine_version: String,
    /// The number of the newest migration.
    pub schema: i64,
    /// Whether this process may use cached rows.
    pub consistency: Consistency,
    /// Since when the store has its root key. The database says so; nothing proves it.
    pub root_key_since: Timestamp,
    /// How many users there are.
    pub users: i64,
    /// How many API keys there are, revoked ones too.
    pub keys: i64,
    /// How many secrets there are.
    pub secrets: i64,
    /// How many secrets are due for rotation.
    pub secrets_due: u64,
    /// How many secrets have expired.
    pub secrets_expired: u64,
    /// How many pages the audit trail has.
    pub audit_pages: i64,
    /// How many records they contain.
    pub audit_records: i64,
    /// How far their shipping is; `None` if they are not shipped.
    pub shipping: Option<ShippingStatus>,
    /// The other processes on the database that this one heard of lately.
    pub replicas: Vec<Replica>,
}

impl Vault {
    /// The store at a glance. Needs `admin`.
    pub async fn status(&self, caller: &Caller) -> Result<StoreStatus, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        let secrets_due = self.rotation_due().await?;
        let secrets_expired = self.expired().await?;
        self.in_time(async {
            let mut tx = self.shared.database.read().await?;
            let (engine, engine_version) = doctor::engine(&mut tx).await?;
            let (head, cut) = find_ends(&mut tx, &self.shared.keyring).await?;
            let cut = cut.map_or(Head::EMPTY, |cut| cut.head);
            let since = installation::root_key_since(&mut tx).await?;
            Ok(StoreStatus {
                installation: self.installation(),
                engine: engine.to_owned(),
                engine_version,
                schema: backup::schema(&mut tx).await?,
                consistency: self.shared.settings.consistency,
                root_key_since: Timestamp::from_microseconds(since),
                users: backup::count(&mut tx, "users").await?,
                keys: backup::count(&mut tx, "api_keys").await?,
                secrets: backup::count(&mut tx, "secrets").await?,
                secrets_due,
                secrets_expired,
                audit_pages: head.page - cut.page,
                audit_records: head.sequence - cut.sequence,
                shipping: self.shipping_status(&mut tx).await?,
                replicas: self.shared.channel.heard.replicas(),
            })
        })
        .await
    }
}
