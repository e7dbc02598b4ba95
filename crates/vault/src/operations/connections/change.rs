//! The changes of connections. Each runs in the writer's transaction.

use toolvault_core::audit::record::{Action, Record};
use toolvault_core::identity::{SecretId, SignInId, UserId};
use toolvault_core::timestamp::Timestamp;

use super::flow::over;
use super::{Disconnected, about};
use crate::cache::Effect;
use crate::connection::{Connection, StoredConnection, Tokens};
use crate::error::Error;
use crate::operations::secrets::delete::count_again;
use crate::operations::sessions::end::use_up;
use crate::settings::Limits;
use crate::store::connections::{self, ConnectionRow};
use crate::store::{given, users};
use crate::user::{Ledger, User};
use crate::writer::change::{Change, Work};
use crate::writer::rows::Locked;

/// Locks the user's rows, and opens the ledger.
pub(super) async fn lock(work: &mut Work<'_>, user: UserId) -> Result<Locked, Error> {
    users::lock(work.tx, user).await?;
    let row = users::find(work.tx, user).await?;
    let user = User::verify(row.ok_or(Error::Unauthenticated)?, &work.shared.keyring)?;
    let row = users::find_ledger(work.tx, user.id()).await?;
    let row = row.ok_or(Error::Integrity)?;
    let ledger = Ledger::open(&user, row.generation, &row.sealed)?;
    Ok(Locked {
        user,
        ledger,
        generation: row.generation + 1,
    })
}

/// Removes a connection from the ledger, and returns it if its row is sound.
async fn take_out(
    work: &mut Work<'_>,
    locked: &mut Locked,
    row: ConnectionRow,
) -> Result<Option<StoredConnection>, Error> {
    let keyring = &work.shared.keyring;
    let id = SecretId(row.connection_id);
    let found = StoredConnection::verify(row, keyring.installation(), &locked.user.keys);
    if let Ok(found) = found {
        locked.ledger.remove(&found, keyring);
        return Ok(Some(found));
    }
    // A row that was tampered with can still be replaced or deleted.
    locked.ledger = count_again(work, locked, id).await?;
    Ok(None)
}

/// Saves the ledger with its new generation, and has the caches read the user again.
async fn save_ledger(work: &mut Work<'_>, locked: &Locked) -> Result<(), Error> {
    let (id, entropy) = (locked.user.id(), work.shared.entropy.as_ref());
    let row = locked
        .ledger
        .seal(id, &locked.user.keys, locked.generation, entropy)?;
    given::run(work.tx, vec![users::save_ledgers(&[(id, row)])], None).await?;
    work.effects.push(Effect::UserChanged(id));
    Ok(())
}

/// Seals tokens, and stores them in place of a connection that the ledger no longer counts.
pub(super) async fn put(
    work: &mut Work<'_>,
    locked: &mut Locked,
    (id, info): (SecretId, Connection),
    tokens: &Tokens,
    record: &Record,
) -> Result<StoredConnection, Error> {
    let (installation, user) = (work.shared.keyring.installation(), locked.user.id());
    let keys = (installation, &locked.user.keys);
    let entropy = work.shared.entropy.as_ref();
    let stored = StoredConnection::seal(id, user, info, tokens, keys, entropy)?;
    store(work, locked, &stored, record).await?;
    Ok(stored)
}

/// Stores a connection that the ledger does not count yet.
pub(super) async fn store(
    work: &mut Work<'_>,
    locked: &mut Locked,
    stored: &StoredConnection,
    record: &Record,
) -> Result<(), Error> {
    locked.ledger.add(stored, &work.shared.keyring);
    save_ledger(work, locked).await?;
    connections::save(work.tx, &stored.row()).await?;
    let mut record = about(record.clone(), stored.id, &stored.info);
    record.state = Some(stored.state_text(work.shared.keyring.installation()));
    work.records.push(record);
    Ok(())
}

/// Stores what a sign-in led to, and uses up the sign-in.
pub(super) struct Connect {
    pub(super) user: UserId,
    pub(super) flow: (SignInId, Timestamp),
    pub(super) limits: Limits,
    /// Its version and times are set when it is stored.
    pub(super) info: Connection,
    pub(super) tokens: Tokens,
    pub(super) record: Record,
}

impl Change for Connect {
    type Answer = Connection;

    fn user(&self) -> UserId {
        self.user
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<Connection, Error> {
        let (flow, until) = self.flow;
        let used = use_up(work, flow, until).await;
        used.map_err(|error| match error {
            Error::Unauthenticated => over(),
            other => other,
        })?;
        let mut locked = lock(work, self.user).await?;
        let before = locked.ledger;
        let row = connections::find(work.tx, self.user, &self.info.server).await?;
        let (mut id, mut version, mut connected_at) = (None, 1, work.now);
        let mut action = Action::ConnectionCreated;
        if let Some(row) = row {
            // Not believed if it was tampered with, but no version is used twice.
            version = row.version.saturating_add(1);
            connected_at = work
                .now
                .after(Timestamp::from_microseconds(row.connected_at));
            id = Some(SecretId(row.connection_id));
            action = Action::ConnectionReplaced;
            take_out(work, &mut locked, row).await?;
        }
        let entropy = work.shared.entropy.as_ref();
        let id = id.map_or_else(|| SecretId::generate(entropy, work.now), Ok)?;
        let mut info = self.info.clone();
        info.version = version;
        info.connected_at = connected_at;
        info.renewed_at = connected_at;
        self.record.action = action;
        let placed = (id, info);
        let stored = put(work, &mut locked, placed, &self.tokens, &self.record).await?;
        let more = locked.ledger.secrets - before.secrets;
        let bytes = locked.ledger.bytes - before.bytes;
        before.allow(more, bytes, self.limits)?;
        Ok(stored.info)
    }
}

/// Deletes a connection.
pub(super) struct Disconnect {
    pub(super) user: UserId,
    pub(super) server: String,
    pub(super) record: Record,
}

impl Change for Disconnect {
    type Answer = Option<Disconnected>;

    fn user(&self) -> UserId {
        self.user
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<Option<Disconnected>, Error> {
        let mut locked = lock(work, self.user).await?;
        let row = connections::find(work.tx, self.user, &self.server).await?;
        let row = row.ok_or(Error::NotFound)?;
        let mut record = self.record.clone();
        record.subject = Some(row.connection_id.to_string());
        record.version = Some(row.version);
        record.tool = Some(format!("{}__", self.server));
        let found = take_out(work, &mut locked, row).await?;
        save_ledger(work, &locked).await?;
        connections::delete(work.tx, self.user, &self.server).await?;
        work.records.push(record);
        let installation = work.shared.keyring.installation();
        let Some(found) = found else { return Ok(None) };
        let tokens = found.open(installation, &locked.user.keys)?;
        Ok(Some(Disconnected {
            connection: found.info,
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            client: tokens.client,
        }))
    }
}
