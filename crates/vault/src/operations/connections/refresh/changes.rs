//! The changes of a refresh. Each runs in the writer's transaction, with the user's rows locked.

use toolvault_core::audit::record::Record;
use toolvault_core::identity::UserId;
use toolvault_core::timestamp::{SECOND, Timestamp};
use uuid::Uuid;

use super::{Lease, NewTokens, RefreshEnd, RefreshLease};
use crate::connection::{Connection, StoredConnection, Tokens};
use crate::error::Error;
use crate::operations::connections::change::{lock, put, store};
use crate::operations::connections::{ConnectionStamp, OpenConnection, about};
use crate::store::connections::{self, ConnectionRow};
use crate::writer::change::{Change, Work};
use crate::writer::rows::Locked;

/// How long a lease lasts, in microseconds.
const LEASE_LASTS: i64 = 30 * SECOND;

/// The connection with this stamp, verified, with the row. `None` if there is none.
async fn find(
    work: &mut Work<'_>,
    locked: &Locked,
    server: &str,
    stamp: ConnectionStamp,
) -> Result<Option<(StoredConnection, Lent)>, Error> {
    let row = connections::find(work.tx, locked.user.id(), server).await?;
    let Some(row) = row else { return Ok(None) };
    let lent = Lent::of(&row);
    let installation = work.shared.keyring.installation();
    let found = StoredConnection::verify(row, installation, &locked.user.keys)?;
    Ok((found.stamp() == stamp).then_some((found, lent)))
}

/// Who has the refresh token. Anyone who writes to the database can change it: at worst, a refresh waits.
struct Lent {
    id: Option<Uuid>,
    until: Timestamp,
}

impl Lent {
    fn of(row: &ConnectionRow) -> Self {
        Self {
            id: row.lease_id,
            until: Timestamp::from_microseconds(row.leased_until.unwrap_or(0)),
        }
    }

    /// Whether it is not to be given to anyone else. A lease that ends later than any was given while a clock was wrong.
    fn is_lent(&self, now: Timestamp) -> bool {
        self.id.is_some() && now < self.until && self.until <= now.plus(2 * LEASE_LASTS)
    }
}

pub(super) struct TakeLease {
    pub(super) user: UserId,
    pub(super) server: String,
    pub(super) stamp: ConnectionStamp,
    pub(super) id: Uuid,
    pub(super) record: Record,
}

impl Change for TakeLease {
    type Answer = RefreshLease;

    fn user(&self) -> UserId {
        self.user
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<RefreshLease, Error> {
        let locked = lock(work, self.user).await?;
        let found = find(work, &locked, &self.server, self.stamp).await?;
        let usable = found.filter(|(found, _)| !found.info.needs_sign_in);
        let Some((found, lent)) = usable else {
            return Ok(RefreshLease::Changed);
        };
        if lent.is_lent(work.now) {
            return Ok(RefreshLease::Busy);
        }
        let tokens = found.open(work.shared.keyring.installation(), &locked.user.keys)?;
        let Some(refresh_token) = tokens.refresh_token else {
            return Ok(RefreshLease::CannotRefresh);
        };
        let lease = (self.id, work.now.plus(LEASE_LASTS));
        connections::set_lease(work.tx, found.id, Some(lease)).await?;
        let mut record = about(self.record.clone(), found.id, &found.info);
        record.reason = Some("refresh".to_owned());
        work.records.push(record);
        Ok(RefreshLease::Leased(Box::new(Lease {
            id: self.id,
            stamp: found.stamp(),
            connection: found.info,
            refresh_token,
            client: tokens.client,
        })))
    }
}

pub(super) struct Renew {
    pub(super) user: UserId,
    pub(super) lease: Lease,
    /// Present until it is applied.
    pub(super) tokens: Option<NewTokens>,
    pub(super) record: Record,
}

impl Change for Renew {
    type Answer = Option<OpenConnection>;

    fn user(&self) -> UserId {
        self.user
    }

    /// It counts even if its lease has ended: there are no newer tokens as long as the stamp is the same. The next holder
    /// may have been refused meanwhile, because this one had used the refresh token: the new one is good.
    async fn apply(&mut self, work: &mut Work<'_>) -> Result<Option<OpenConnection>, Error> {
        let mut locked = lock(work, self.user).await?;
        let lease = &self.lease;
        let found = find(work, &locked, &lease.connection.server, lease.stamp).await?;
        let (Some((found, _)), Some(new)) = (found, self.tokens.take()) else {
            return Ok(None);
        };
        let refresh_token = new
            .refresh_token
            .unwrap_or_else(|| self.lease.refresh_token.clone());
        let tokens = Tokens {
            access_token: new.access_token,
            refresh_token: Some(refresh_token),
            client: self.lease.client.clone(),
        };
        locked.ledger.remove(&found, &work.shared.keyring);
        let info = Connection {
            scopes: new.scopes,
            renewed_at: work.now,
            expires_at: new.expires_at,
            needs_sign_in: false,
            version: found.info.version.saturating_add(1),
            ..found.info
        };
        let placed = (found.id, info);
        let stored = put(work, &mut locked, placed, &tokens, &self.record).await?;
        Ok(Some(stored.opened(tokens)))
    }
}

pub(super) struct EndLease {
    pub(super) user: UserId,
    pub(super) lease: Lease,
    pub(super) end: RefreshEnd,
    pub(super) record: Record,
}

impl Change for EndLease {
    type Answer = ();

    fn user(&self) -> UserId {
        self.user
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        let mut locked = lock(work, self.user).await?;
        let lease = &self.lease;
        let found = find(work, &locked, &lease.connection.server, lease.stamp).await?;
        // If someone else has it by now, the refusal may be because they used it.
        let own = found.filter(|(_, lent)| lent.id == Some(self.lease.id));
        let Some((mut found, _)) = own else {
            return Ok(());
        };
        if self.end == RefreshEnd::Failed {
            connections::set_lease(work.tx, found.id, None).await?;
            work.has_written = true;
            return Ok(());
        }
        locked.ledger.remove(&found, &work.shared.keyring);
        let (installation, entropy) = (
            work.shared.keyring.installation(),
            work.shared.entropy.as_ref(),
        );
        found.end(installation, &locked.user.keys, entropy)?;
        let mut record = self.record.clone();
        record.reason = Some("invalid_grant".to_owned());
        store(work, &mut locked, &found, &record).await
    }
}
