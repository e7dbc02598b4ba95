//! A connection of a user to a tool server: its row, verified, with the tokens still sealed.

use std::sync::atomic::{AtomicI64, Ordering};

use toolvault_core::confidential::{Buffer, Confidential};
use toolvault_core::digest::hexadecimal;
use toolvault_core::entropy::Entropy;
use toolvault_core::envelope::version::{
    ConnectionState, SealedValue, SealedVersion, Shown, Standing, StateHash, VersionIdentity,
};
use toolvault_core::identity::{InstallationId, SecretId, UserId};
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_core::user_keys::UserKeys;

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

/// A client as which the gateway is known to an authorization server.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it may hold a secret")]
pub struct Client {
    /// Its `client_id`.
    pub id: String,
    /// Its secret, if it has one that is not in the configuration.
    pub secret: Option<Confidential>,
    /// How it authenticates: a `token_endpoint_auth_method` (RFC 7591, section 2).
    pub auth_method: String,
}

/// What is sealed of a connection.
pub(crate) struct Tokens {
    pub(crate) access_token: Confidential,
    pub(crate) refresh_token: Option<Confidential>,
    pub(crate) client: Client,
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

impl Tokens {
    fn parts(&self) -> [Option<&[u8]>; 4] {
        [
            Some(self.access_token.expose()),
            self.refresh_token.as_ref().map(Confidential::expose),
            self.client.secret.as_ref().map(Confidential::expose),
            Some(self.client.auth_method.as_bytes()),
        ]
    }

    fn bytes(&self) -> Result<u32, Error> {
        let lengths = self.parts().into_iter().flatten().map(<[u8]>::len);
        u32::try_from(lengths.sum::<usize>()).map_err(Error::internal)
    }

    /// For each part, its presence as one byte; if it is present, its length as four bytes, and itself.
    fn encode(&self) -> Confidential {
        encode(&self.parts())
    }

    fn decode(bytes: &Confidential, client_id: String) -> Option<Self> {
        let [access, refresh, secret, method] = decode(bytes)?;
        Some(Self {
            access_token: access?,
            refresh_token: refresh,
            client: Client {
                id: client_id,
                secret,
                auth_method: method?.expose_text()?.to_owned(),
            },
        })
    }
}

impl Client {
    pub(crate) fn encode(&self) -> Confidential {
        encode(&[
            Some(self.id.as_bytes()),
            self.secret.as_ref().map(Confidential::expose),
            Some(self.auth_method.as_bytes()),
        ])
    }

    pub(crate) fn decode(bytes: &Confidential) -> Option<Self> {
        let [id, secret, method] = decode(bytes)?;
        Some(Self {
            id: id?.expose_text()?.to_owned(),
            secret,
            auth_method: method?.expose_text()?.to_owned(),
        })
    }
}

fn encode(parts: &[Option<&[u8]>]) -> Confidential {
    let lengths = parts.iter().map(|part| 5 + part.map_or(0, <[u8]>::len));
    let mut bytes = Buffer::with_capacity(lengths.sum());
    for part in parts {
        bytes.extend(&[u8::from(part.is_some())]);
        if let Some(part) = part {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            bytes.extend(&length.to_be_bytes());
            bytes.extend(part);
        }
    }
    Confidential::new(std::mem::take(&mut *bytes.into_inner()))
}

fn decode<const N: usize>(bytes: &Confidential) -> Option<[Option<Confidential>; N]> {
    let mut rest = bytes.expose();
    let mut parts = [const { None }; N];
    for part in &mut parts {
        let (is_present, after) = rest.split_first()?;
        rest = after;
        if *is_present == 1 {
            let (length, after) = rest.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            let (found, after) = after.split_at_checked(length)?;
            *part = Some(Confidential::new(found.to_vec()));
            rest = after;
        }
    }
    rest.is_empty().then_some(parts)
}
