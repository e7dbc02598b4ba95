//! Connections: a user signs in at a tool server's authorization server, and the gateway uses the tokens.
//!
//! [`flow`] keeps a sign-in in the browser while the person is at the authorization server. [`change`] stores and
//! deletes connections. [`refresh`] renews them, one caller at a time. [`registrations`] keeps as which client the
//! gateway is known.
//!
//! Only the gateway gets tokens, and only for calls to the server that they belong to. No list, export or audit record
//! has them, and no tool receives one as an argument.

mod change;
mod flow;
pub(crate) mod refresh;
mod registrations;

use std::sync::Arc;

use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::confidential::Confidential;
use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::pattern::ToolPattern;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;

use self::change::Disconnect;
use crate::cache::UserEntry;
use crate::caller::Caller;
use crate::connection::{Client, Connection, StoredConnection, Tokens};
use crate::error::{Denial, Error};
use crate::store::connections;
use crate::vault::Vault;
use crate::writer::change::{Change, Work};

/// A connection with its access token.
#[expect(missing_debug_implementations, reason = "it holds a token")]
pub struct OpenConnection {
    /// Identifies it among the connections and secrets of the installation, until it is deleted.
    pub id: SecretId,
    /// The connection.
    pub connection: Connection,
    /// The token for requests to the server.
    pub access_token: Confidential,
    /// Equal to [`connection_stamp`](Vault::connection_stamp) until something changes.
    pub stamp: ConnectionStamp,
}

/// Identifies the tokens of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionStamp {
    /// The sign-in: the ID of the connection, and when the user signed in. No two sign-ins are equal in both.
    pub sign_in: (SecretId, Timestamp),
    /// The version of the connection. Each sign-in and each renewal increases it, until the connection is deleted.
    pub version: i64,
}

/// A connection that was deleted, with its tokens so that they can be revoked (RFC 7009).
#[expect(missing_debug_implementations, reason = "it holds tokens")]
pub struct Disconnected {
    /// What it was.
    pub connection: Connection,
    /// The access token.
    pub access_token: Confidential,
    /// The refresh token, if there was one.
    pub refresh_token: Option<Confidential>,
    /// The client that they were issued to.
    pub client: Client,
}

impl StoredConnection {
    fn stamp(&self) -> ConnectionStamp {
        ConnectionStamp {
            sign_in: (self.id, self.info.connected_at),
            version: self.info.version,
        }
    }

    fn opened(&self, tokens: Tokens) -> OpenConnection {
        OpenConnection {
            id: self.id,
            connection: self.info.clone(),
            access_token: tokens.access_token,
            stamp: self.stamp(),
        }
    }
}

impl Vault {
    /// The user's connections to servers that lie within the caller's tool patterns, by server. Needs `manage`.
    pub async fn connections(&self, caller: &Caller) -> Result<Vec<Connection>, Error> {
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        let entry = self.caller_entry(caller).await?;
        self.note_refusal(caller, entry.intact().map(drop)).await?;
        // The cache does not know the last uses.
        let rows = self
            .in_time(async {
                let mut tx = self.shared.database.read().await?;
                Ok(connections::list(&mut tx, Some(caller.user)).await?)
            })
            .await?;
        let used = |connection: &StoredConnection| {
            let row = rows
                .iter()
                .find(|row| row.connection_id == connection.id.0)?;
            row.last_used_at.map(Timestamp::from_microseconds)
        };
        let reached = entry.connections.iter().filter(|connection| {
            caller.reaches_pattern(pattern_of(&connection.info.server).as_ref())
        });
        let connections = reached.map(|connection| Connection {
            last_used_at: used(connection),
            ..connection.info.clone()
        });
        Ok(connections.collect())
    }

    /// The access token for a server; `None` if the user must sign in there. Needs `use`, and a key with tool patterns
    /// must reach some tool of the server. The audit trail has accepted the record of the use before the token is
    /// returned. The token may have expired.
    pub async fn connection_tokens(
        &self,
        caller: &Caller,
        server: &str,
    ) -> Result<Option<OpenConnection>, Error> {
        let entry = self.connected_entry(caller, server).await?;
        let Some(connection) = usable(&entry, server) else {
            return Ok(None);
        };
        let installation = self.installation();
        let tokens = connection.open(installation, &entry.user.keys);
        let tokens = self.note_refusal(caller, tokens).await?;
        let record = self.record(caller, Action::ConnectionUsed, Decision::Allowed);
        let record = about(record, connection.id, &connection.info);
        self.writer.record(vec![record]).await?;
        self.note_connection_use(connection);
        Ok(Some(connection.opened(tokens)))
    }

    /// The stamp of the token that [`connection_tokens`](Vault::connection_tokens) would return now, without opening or
    /// recording anything. Needs the same.
    pub async fn connection_stamp(
        &self,
        caller: &Caller,
        server: &str,
    ) -> Result<Option<ConnectionStamp>, Error> {
        let entry = self.connected_entry(caller, server).await?;
        Ok(usable(&entry, server).map(|connection| connection.stamp()))
    }

    /// Deletes a connection, even one whose row was tampered with; `None` if it was such a one, so that its tokens are
    /// unknown. Needs `manage`.
    pub async fn disconnect(
        &self,
        caller: &Caller,
        server: &str,
    ) -> Result<Option<Disconnected>, Error> {
        self.note_refusal(caller, may_manage(caller, server))
            .await?;
        self.caller_entry(caller).await?;
        let disconnect = Disconnect {
            user: caller.user,
            server: server.to_owned(),
            record: self.record(caller, Action::ConnectionDeleted, Decision::Allowed),
        };
        self.change(caller, disconnect).await
    }

    /// The caller's user, if the caller may use connections to the server and nothing of the user's was tampered with.
    async fn connected_entry(
        &self,
        caller: &Caller,
        server: &str,
    ) -> Result<Arc<UserEntry>, Error> {
        self.note_refusal(caller, may_use(caller, server)).await?;
        let entry = self.caller_entry(caller).await?;
        self.note_refusal(caller, entry.intact().map(drop)).await?;
        Ok(entry)
    }

    /// Notes when it was used, at most once a minute. The caller does not wait for that.
    fn note_connection_use(&self, connection: &StoredConnection) {
        let at = self.shared.clock.now();
        if !connection.must_note_use(at) {
            return;
        }
        let (user, id) = (connection.user, connection.id);
        self.writer.note(NoteUse { user, id, at });
    }
}

/// The connection to a server, unless its user must sign in again.
fn usable<'a>(entry: &'a UserEntry, server: &str) -> Option<&'a Arc<StoredConnection>> {
    entry
        .connections
        .iter()
        .find(|connection| connection.info.server == server && !connection.info.needs_sign_in)
}

/// The pattern of all tools of a server.
fn pattern_of(server: &str) -> Option<ToolPattern> {
    ToolPattern::parse(&format!("{server}__*")).ok()
}

/// Refuses a caller without `manage`, or whose tool patterns do not include all tools of the server.
fn may_manage(caller: &Caller, server: &str) -> Result<(), Error> {
    caller.require(Scope::Manage)?;
    caller.require_pattern(pattern_of(server).as_ref())
}

/// Refuses a caller without `use`, or who reaches no tool of the server.
fn may_use(caller: &Caller, server: &str) -> Result<(), Error> {
    caller.require(Scope::Use)?;
    let prefix = format!("{server}__");
    if caller.reaches_some_of(&prefix) {
        Ok(())
    } else {
        Err(Denial::ToolOutOfReach(prefix).into())
    }
}

/// Completes the record of something that concerns a connection.
fn about(mut record: Record, id: SecretId, connection: &Connection) -> Record {
    record.subject = Some(id.to_string());
    record.version = Some(connection.version);
    record.tool = Some(format!("{}__", connection.server));
    record
}

struct NoteUse {
    user: UserId,
    id: SecretId,
    at: Timestamp,
}

impl Change for NoteUse {
    type Answer = ();

    fn user(&self) -> UserId {
        self.user
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        connections::note_use(work.tx, self.id, self.at).await?;
        work.has_written = true;
        Ok(())
    }
}
