//! A user in the vault: their row, verified, with their keys opened.

use serde::Serialize;
use toolvault_core::digest::{hexadecimal, sha256};
use toolvault_core::entropy::Entropy;
use toolvault_core::envelope::version::StateHash;
use toolvault_core::envelope::{open, seal};
use toolvault_core::identity::{InstallationId, UserId};
use toolvault_core::keyring::Keyring;
use toolvault_core::timestamp::Timestamp;
use toolvault_core::transcript::Transcript;
use toolvault_core::user_keys::UserKeys;

use crate::connection::StoredConnection;
use crate::error::Error;
use crate::secret::Secret;
use crate::settings::Limits;
use crate::store::transaction::Tx;
use crate::store::users::{self, LedgerRow, UserRow};

/// The origin of a user, which never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Created at the command line or by an administrator.
    Local,
    /// The subject of an issuer's tokens; holds the issuer's `iss`.
    Issuer(String),
}

impl Origin {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Local => "local".to_owned(),
            Self::Issuer(issuer) => format!("issuer:{issuer}"),
        }
    }
}

/// A user, as administrators see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct UserInfo {
    /// Identifies the user.
    pub user_id: UserId,
    /// Their name; unique among local users.
    pub name: String,
    /// `local`, or `issuer:` and the issuer.
    pub origin: String,
    /// Whether the user's credentials are refused.
    pub disabled: bool,
    /// Their own limit on the number of secrets, if it is set.
    pub secrets_limit: Option<i64>,
    /// Their own limit on the sum of current values in bytes, if it is set.
    pub bytes_limit: Option<i64>,
    /// When they were created.
    pub created_at: Timestamp,
}

/// A verified user.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) row: UserRow,
    pub(crate) keys: UserKeys,
}

impl User {
    /// Verifies the row's MAC and opens the user's keys.
    pub(crate) fn verify(row: UserRow, keyring: &Keyring) -> Result<Self, Error> {
        if !keyring.is_row_authentic(&transcript(&row), &row.mac) {
            return Err(Error::Integrity);
        }
        let keys = keyring.open_user_keys(UserId(row.user_id), &row.wrapped_key)?;
        Ok(Self { row, keys })
    }

    pub(crate) fn id(&self) -> UserId {
        UserId(self.row.user_id)
    }

    pub(crate) fn limits(&self, defaults: Limits) -> Limits {
        Limits {
            secrets: self.row.secrets_limit.unwrap_or(defaults.secrets),
            bytes: self.row.bytes_limit.unwrap_or(defaults.bytes),
            versions: defaults.versions,
        }
    }

    pub(crate) fn info(&self) -> UserInfo {
        let row = &self.row;
        UserInfo {
            user_id: self.id(),
            name: row.name.clone(),
            origin: row.origin.clone(),
            disabled: row.is_disabled,
            secrets_limit: row.secrets_limit,
            bytes_limit: row.bytes_limit,
            created_at: Timestamp::from_microseconds(row.created_at),
        }
    }
}

/// Sets the row's MAC over all its other columns.
pub(crate) fn authenticate(row: &mut UserRow, keyring: &Keyring) {
    row.mac = keyring.mac_row(&transcript(row)).to_vec();
}

/// The hash of the row that the audit trail records and `audit verify` compares.
pub(crate) fn state_text(row: &UserRow) -> String {
    hexadecimal(&sha256(transcript(row).as_slice()))
}

fn transcript(row: &UserRow) -> Transcript {
    let limit = |limit: Option<i64>| limit.map(|limit| limit.to_string());
    Transcript::new("users/v1")
        .bytes(row.user_id.as_bytes())
        .text(&row.name)
        .text(&row.origin)
        .number(i64::from(row.is_disabled))
        .optional(limit(row.secrets_limit).as_deref())
        .optional(limit(row.bytes_limit).as_deref())
        .number(row.created_at)
        .bytes(&row.wrapped_key)
}

/// What a ledger counts: a secret, or a connection.
pub(crate) trait Counted {
    /// The length of its value.
    fn bytes(&self) -> u32;

    fn state_hash(&self, installation: InstallationId) -> StateHash;
}

impl Counted for Secret {
    fn bytes(&self) -> u32 {
        self.shown.bytes
    }

    fn state_hash(&self, installation: InstallationId) -> StateHash {
        self.state_hash(installation)
    }
}

impl Counted for StoredConnection {
    fn bytes(&self) -> u32 {
        self.bytes()
    }

    fn state_hash(&self, installation: InstallationId) -> StateHash {
        self.state_hash(installation)
    }
}

/// The sums for the quota, the time of the user's newest change, and a digest of all states. Each connection counts as
/// one secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    pub(crate) secrets: i64,
    pub(crate) bytes: i64,
    pub(crate) last_change: Timestamp,
    /// The exclusive or of the states of all secrets and connections, each keyed by the keyring. It changes when a secret is removed or
    /// put back into an earlier state, and finding states that cancel out needs the key.
    states: [u8; 32],
}

impl Ledger {
    /// Opens a ledger that is sealed under `generation`.
    pub(crate) fn open(user: &User, generation: i64, sealed: &[u8]) -> Result<Self, Error> {
        let opened = open(user.keys.of(sealed)?, bind(user.id(), generation), sealed)?;
        let (numbers, states) = opened.expose().split_last_chunk().ok_or(Error::Integrity)?;
        let mut numbers = numbers.chunks_exact(8).map(|bytes| {
            bytes
                .try_into()
                .map(i64::from_be_bytes)
                .map_err(|_| Error::Integrity)
        });
        let mut next = || numbers.next().unwrap_or(Err(Error::Integrity));
        Ok(Self {
            secrets: next()?,
            bytes: next()?,
            last_change: Timestamp::from_microseconds(next()?),
            states: *states,
        })
    }

    /// Adds a secret or a connection.
    pub(crate) fn add(&mut self, counted: &impl Counted, keyring: &Keyring) {
        self.secrets += 1;
        self.bytes += i64::from(counted.bytes());
        self.toggle(counted, keyring);
    }

    /// Removes a secret or a connection.
    pub(crate) fn remove(&mut self, counted: &impl Counted, keyring: &Keyring) {
        self.secrets -= 1;
        self.bytes -= i64::from(counted.bytes());
        self.toggle(counted, keyring);
    }

    /// Whether it equals `found`, the ledger recomputed from the rows.
    pub(crate) fn agrees_with(&self, found: &Self) -> bool {
        (self.secrets, self.bytes, self.states) == (found.secrets, found.bytes, found.states)
    }

    fn toggle(&mut self, counted: &impl Counted, keyring: &Keyring) {
        let state = counted.state_hash(keyring.installation());
        let element = Transcript::new("ledger-element/v1").bytes(state.as_bytes());
        for (sum, byte) in self.states.iter_mut().zip(keyring.mac_row(&element)) {
            *sum ^= byte;
        }
    }

    /// Seals it with `generation`. The sums in plaintext would reveal the lengths of values.
    pub(crate) fn seal(
        &self,
        user: UserId,
        keys: &UserKeys,
        generation: i64,
        entropy: &dyn Entropy,
    ) -> Result<LedgerRow, Error> {
        let mut bytes = Vec::with_capacity(56);
        for number in [self.secrets, self.bytes, self.last_change.microseconds()] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.states);
        let sealed = seal(keys.newest(), bind(user, generation), &bytes, entropy)?;
        Ok(LedgerRow { generation, sealed })
    }
}

fn bind(user: UserId, generation: i64) -> Transcript {
    Transcript::new("toolvault/ledger/v1")
        .bytes(user.as_bytes())
        .number(generation)
}

/// Inserts a user with a new key and an empty ledger. `None` if the ID or the local name is taken.
pub(crate) async fn insert_user(
    tx: &mut Tx,
    keyring: &Keyring,
    entropy: &dyn Entropy,
    now: Timestamp,
    id: UserId,
    name: &str,
    origin: &Origin,
) -> Result<Option<UserRow>, Error> {
    let keys = UserKeys::generate(entropy)?;
    let wrapped_key = keyring.wrap_user_keys(id, &keys, entropy)?;
    let mut row = UserRow {
        user_id: id.0,
        name: name.to_owned(),
        origin: origin.text(),
        is_disabled: false,
        secrets_limit: None,
        bytes_limit: None,
        created_at: now.microseconds(),
        wrapped_key,
        mac: Vec::new(),
    };
    authenticate(&mut row, keyring);
    if !users::insert(tx, &row).await? {
        return Ok(None);
    }
    let ledger = Ledger::default().seal(id, &keys, 0, entropy)?;
    users::insert_ledger(tx, id, &ledger).await?;
    Ok(Some(row))
}
