//! A connection of a user to a tool server: its row, verified, with the tokens still sealed.

mod tokens;

use std::sync::atomic::{AtomicI64, Ordering};

use toolvault_core::digest::hexadecimal;
use toolvault_core::entropy::Entropy;
use toolvault_core::envelope::version::{
    ConnectionState, SealedValue, SealedVersion, Shown, Standing, StateHash, VersionIdentity,
};
use toolvault_core::identity::{InstallationId, SecretId, UserId};
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_core::user_keys::UserKeys;

pub use self::tokens::Client;
pub(crate) use self::tokens::Tokens;
use crate::error::Error;
use crate::store::connections::ConnectionRow;

/// The precision of the time of the last use, in microseconds.
const USE_PRECISION: i64 = 60 * SECOND;

/// The public information about a connection, without the tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The name of the tool server in the configuration.
    pub server: String,
    /// The issuer of the tokens.
    pub issuer: String,
    /// The resource that they are for (RFC 8707).
    pub resource: String,
    /// The client that they were issued to.
    pub client_id: String,
    /// What they permit.
    pub scopes: Vec<String>,
    /// When the user signed in.
    pub connected_at: Timestamp,
    /// When the tokens were issued.
    pub renewed_at: Timestamp,
    /// When the access token expires, if its issuer said so.
    pub expires_at: Option<Timestamp>,
    /// When the access token was last handed out, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Whether there is a refresh token.
    pub can_refresh: bool,
    /// Whether the issuer no longer accepts the refresh token, so that the user must sign in again.
    pub needs_sign_in: bool,
    /// Counted from 1; each sign-in and each renewal increases it.
    pub version: i64,
}

/// A verified connection.
pub(crate) struct StoredConnection {
    pub(crate) id: SecretId,
    pub(crate) user: UserId,
    pub(crate) info: Connection,
    sealed: SealedValue,
    display: Vec<u8>,
    /// The length of the tokens.
    bytes: u32,
    /// When a use was last noted.
    noted_at: AtomicI64,
}

impl StoredConnection {
    /// Seals tokens for a new version. The number of the version is that of `info`.
    pub(crate) fn seal(
        id: SecretId,
        user: UserId,
        info: Connection,
        tokens: &Tokens,
        (installation, keys): (InstallationId, &UserKeys),
        entropy: &dyn Entropy,
    ) -> Result<Self, Error> {
        let mut connection = Self {
            id,
            user,
            info,
            sealed: SealedValue::default(),
            display: Vec::new(),
            bytes: tokens.bytes()?,
            noted_at: AtomicI64::default(),
        };
        let shown = Shown {
            display: Box::default(),
            bytes: connection.bytes,
        };
        let sealed = SealedVersion::seal(
            keys,
            &connection.identity(installation),
            connection.standing(installation),
            &tokens.encode(),
            &shown,
            entropy,
        )?;
        connection.sealed = sealed.value();
        connection.display = sealed.display;
        Ok(connection)
    }

    /// Verifies that the row is as it was stored: its data key opens only in exactly this state.
    pub(crate) fn verify(
        row: ConnectionRow,
        installation: InstallationId,
        keys: &UserKeys,
    ) -> Result<Self, Error> {
        let scopes = row.scopes;
        let sealed = SealedVersion {
            data_key: row.data_key,
            value: row.value,
            display: row.display,
        };
        let mut connection = Self {
            id: SecretId(row.connection_id),
            user: UserId(row.user_id),
            info: Connection {
                server: row.server,
                issuer: row.issuer,
                resource: row.resource,
                client_id: row.client_id,
                scopes: scopes.split(' ').map(str::to_owned).collect(),
                connected_at: Timestamp::from_microseconds(row.connected_at),
                renewed_at: Timestamp::from_microseconds(row.renewed_at),
                expires_at: row.expires_at.map(Timestamp::from_microseconds),
                last_used_at: row.last_used_at.map(Timestamp::from_microseconds),
                can_refresh: row.can_refresh,
                needs_sign_in: row.needs_sign_in,
                version: row.version,
            },
            sealed: SealedValue::default(),
            display: Vec::new(),
            bytes: 0,
            noted_at: AtomicI64::new(row.last_used_at.unwrap_or(0)),
        };
        connection.info.scopes.retain(|scope| !scope.is_empty());
        if connection.info.scopes.join(" ") != scopes {
            return Err(Error::Integrity);
        }
        let identity = connection.identity(installation);
        let standing = connection.standing(installation);
        connection.bytes = sealed.open_shown(keys, &identity, standing)?.bytes;
        connection.sealed = sealed.value();
        connection.display = sealed.display;
        Ok(connection)
    }

    /// Its tokens.
    pub(crate) fn open(
        &self,
        installation: InstallationId,
        keys: &UserKeys,
    ) -> Result<Tokens, Error> {
        let (identity, standing) = (self.identity(installation), self.standing(installation));
        let opened = self.sealed.open(keys, &identity, standing)?;
        Tokens::decode(&opened, self.info.client_id.clone()).ok_or(Error::Integrity)
    }

    /// Notes that the issuer no longer accepts the refresh token.
    pub(crate) fn end(
        &mut self,
        installation: InstallationId,
        keys: &UserKeys,
        entropy: &dyn Entropy,
    ) -> Result<(), Error> {
        let from = self.standing(installation);
        self.info.needs_sign_in = true;
        let to = self.standing(installation);
        self.rewrap(installation, keys, (from, to), entropy)
    }

    /// The data key wrapped with the newest key.
    pub(crate) fn wrap_again(
        mut self,
        installation: InstallationId,
        keys: &UserKeys,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, Error> {
        let standing = self.standing(installation);
        self.rewrap(installation, keys, (standing, standing), entropy)?;
        Ok(self.sealed.data_key().to_vec())
    }

    fn rewrap(
        &mut self,
        installation: InstallationId,
        keys: &UserKeys,
        (from, to): (Standing, Standing),
        entropy: &dyn Entropy,
    ) -> Result<(), Error> {
        let identity = self.identity(installation);
        let rewrapped = self.sealed.rewrap(keys, &identity, from, to, entropy);
        rewrapped.map_err(crate::operations::secrets::change::rewrap_error)
    }

    /// The number of the key that wraps its data key, as its header has it.
    pub(crate) fn data_key(&self) -> &[u8] {
        self.sealed.data_key()
    }

    /// The length of its tokens in bytes, for the quota.
    pub(crate) fn bytes(&self) -> u32 {
        self.bytes
    }

    pub(crate) fn row(&self) -> ConnectionRow {
        let info = &self.info;
        ConnectionRow {
            connection_id: self.id.0,
            user_id: self.user.0,
            server: info.server.clone(),
            issuer: info.issuer.clone(),
            resource: info.resource.clone(),
            client_id: info.client_id.clone(),
            scopes: info.scopes.join(" "),
            version: info.version,
            connected_at: info.connected_at.microseconds(),
            renewed_at: info.renewed_at.microseconds(),
            expires_at: info.expires_at.map(Timestamp::microseconds),
            can_refresh: info.can_refresh,
            needs_sign_in: info.needs_sign_in,
            data_key: self.sealed.data_key().to_vec(),
            value: self.sealed.sealed_value().to_vec(),
            display: self.display.clone(),
            last_used_at: info.last_used_at.map(Timestamp::microseconds),
            lease_id: None,
            leased_until: None,
        }
    }

    /// Whether the time of a use is to be noted: at most once a minute.
    pub(crate) fn must_note_use(&self, now: Timestamp) -> bool {
        let (now, noted) = (now.microseconds(), self.noted_at.load(Ordering::Acquire));
        // The time in the row is not sealed, so it may be anything.
        let is_due = now < noted || now.saturating_sub(noted) >= USE_PRECISION;
        is_due
            && self
                .noted_at
                .compare_exchange(noted, now, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
    }

    pub(crate) fn state_hash(&self, installation: InstallationId) -> StateHash {
        let info = &self.info;
        ConnectionState {
            server: &info.server,
            issuer: &info.issuer,
            resource: &info.resource,
            client_id: &info.client_id,
            scopes: &info.scopes,
            connected_at: info.connected_at,
            renewed_at: info.renewed_at,
            expires_at: info.expires_at,
            can_refresh: info.can_refresh,
            needs_sign_in: info.needs_sign_in,
        }
        .hash(&self.identity(installation))
    }

    /// The state hash as the audit trail records it.
    pub(crate) fn state_text(&self, installation: InstallationId) -> String {
        hexadecimal(self.state_hash(installation).as_bytes())
    }

    /// Approximate memory in bytes.
    pub(crate) fn weight(&self) -> usize {
        let info = &self.info;
        let scopes: usize = info.scopes.iter().map(|scope| scope.len() + 32).sum();
        let texts = [&info.server, &info.issuer, &info.resource, &info.client_id];
        let texts: usize = texts.iter().map(|text| text.len()).sum();
        size_of::<Self>() + self.sealed.weight() + self.display.len() + texts + scopes
    }

    fn identity(&self, installation: InstallationId) -> VersionIdentity {
        VersionIdentity {
            installation,
            user: self.user,
            secret: self.id,
            version: self.info.version,
        }
    }

    fn standing(&self, installation: InstallationId) -> Standing {
        Standing::Current(self.state_hash(installation))
    }
}
