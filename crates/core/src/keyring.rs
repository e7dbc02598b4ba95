//! The keyring: independent keys, each wrapped by the root key, opened once at start.
//!
//! The root key encrypts only these keys. There is one key per [`Purpose`], so that a leaked key endangers only its own
//! purpose, and each key can be replaced separately.

use aws_lc_rs::hmac;

use crate::audit::journal::JournalKey;
use crate::confidential::{Key, Wiped};
use crate::entropy::{Entropy, EntropyError};
use crate::envelope::{NumberedKey, OpenError, open, seal};
use crate::identity::{InstallationId, SignInId, UserId};
use crate::transcript::Transcript;
use crate::user_keys::UserKeys;

/// What a key of the keyring is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Wraps the key of each user.
    UserWrap,
    /// Hashes API keys, so that a copy of the database holds none.
    ApiKeyHash,
    /// Authenticates rows that grant rights.
    RowMac,
    /// Wraps the audit trail's signing keys.
    Audit,
    /// Seals what a client holds for the server, such as the cursor of a list.
    Cursor,
}

impl Purpose {
    /// Every purpose; an installation has one key for each.
    pub const ALL: [Self; 5] = [
        Self::UserWrap,
        Self::ApiKeyHash,
        Self::RowMac,
        Self::Audit,
        Self::Cursor,
    ];

    /// The name in the keyring table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserWrap => "user-wrap",
            Self::ApiKeyHash => "api-key-hash",
            Self::RowMac => "row-mac",
            Self::Audit => "audit",
            Self::Cursor => "cursor",
        }
    }
}

/// One row of the keyring table.
#[derive(Clone, Debug)]
pub struct WrappedKey {
    /// Number of the key, unique in the installation.
    pub id: u32,
    /// [`Purpose::name`].
    pub purpose: String,
    /// The key, wrapped by the root key.
    pub wrapped: Vec<u8>,
}

/// Why the keyring was not opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyringError {
    /// The root key is not the one with which this store was set up, or a row was changed.
    #[error("the root key does not open this store's keyring")]
    WrongRootKey,
    /// A purpose has no key.
    #[error("the keyring has no key for '{0}'")]
    Missing(&'static str),
}

/// The opened keys of one installation.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "a key has no printable form")]
pub struct Keyring {
    installation: InstallationId,
    user_wrap: NumberedKey,
    api_key_hash: NumberedKey,
    row_mac: NumberedKey,
    audit: NumberedKey,
    cursor: NumberedKey,
}

impl Keyring {
    /// Creates a key for each purpose, wrapped by `root`.
    pub fn create(
        root: &Key,
        installation: InstallationId,
        entropy: &dyn Entropy,
    ) -> Result<Vec<WrappedKey>, EntropyError> {
        (1..)
            .zip(Purpose::ALL)
            .map(|(id, purpose)| {
                let key = Key::generate(entropy)?;
                wrap(
                    root,
                    installation,
                    purpose,
                    &NumberedKey { id, key },
                    entropy,
                )
            })
            .collect()
    }

    /// The same keys, wrapped by another root key.
    pub fn rewrap(
        &self,
        root: &Key,
        entropy: &dyn Entropy,
    ) -> Result<Vec<WrappedKey>, EntropyError> {
        Purpose::ALL
            .into_iter()
            .map(|purpose| wrap(root, self.installation, purpose, self.key(purpose), entropy))
            .collect()
    }

    /// Opens the rows of the keyring table, in any order. If a purpose has several keys, the one with the highest
    /// number is used; the wrap is bound to that number.
    pub fn open(
        root: &Key,
        installation: InstallationId,
        rows: &[WrappedKey],
    ) -> Result<Self, KeyringError> {
        let find = |purpose: Purpose| {
            let row = rows
                .iter()
                .filter(|row| row.purpose == purpose.name())
                .max_by_key(|row| row.id)
                .ok_or(KeyringError::Missing(purpose.name()))?;
            let opened = open(
                &root_key(root),
                bind(installation, row.id, purpose.name()),
                &row.wrapped,
            )
            .map_err(|_| KeyringError::WrongRootKey)?;
            let key = Key::from_slice(opened.expose()).ok_or(KeyringError::WrongRootKey)?;
            Ok(NumberedKey { id: row.id, key })
        };
        Ok(Self {
            installation,
            user_wrap: find(Purpose::UserWrap)?,
            api_key_hash: find(Purpose::ApiKeyHash)?,
            row_mac: find(Purpose::RowMac)?,
            audit: find(Purpose::Audit)?,
            cursor: find(Purpose::Cursor)?,
        })
    }

    fn key(&self, purpose: Purpose) -> &NumberedKey {
        match purpose {
            Purpose::UserWrap => &self.user_wrap,
            Purpose::ApiKeyHash => &self.api_key_hash,
            Purpose::RowMac => &self.row_mac,
            Purpose::Audit => &self.audit,
            Purpose::Cursor => &self.cursor,
        }
    }

    /// The installation that these keys belong to.
    pub fn installation(&self) -> InstallationId {
        self.installation
    }

    /// The key that wraps the audit trail's signing keys.
    pub fn audit(&self) -> &NumberedKey {
        &self.audit
    }

    /// The key of the journal of uses, derived from the audit trail's key.
    pub fn journal(&self) -> JournalKey {
        let label = Transcript::new("toolvault/journal-key/v1").bytes(self.installation.as_bytes());
        JournalKey::new(mac(&self.audit, &label), self.installation)
    }

    /// The key of one backup, derived from the key that authenticates rows. `salt` is in the backup's header.
    pub fn backup(&self, salt: &[u8]) -> Result<NumberedKey, OpenError> {
        let label = Transcript::new("toolvault/backup-key/v1")
            .bytes(self.installation.as_bytes())
            .bytes(salt);
        derive(&self.row_mac, &label)
    }

    /// The key of the sessions of browsers, derived from the key that seals what a client holds.
    pub fn sign_in(&self) -> Result<NumberedKey, OpenError> {
        let label = Transcript::new("toolvault/sign-in-key/v1").bytes(self.installation.as_bytes());
        derive(&self.cursor, &label)
    }

    /// The token of a session, which a browser holds in addition to the session itself.
    pub fn session_token(&self, session: SignInId) -> Result<[u8; 32], OpenError> {
        let label = Transcript::new("toolvault/session-token/v1").bytes(session.as_bytes());
        Ok(mac(&self.sign_in()?, &label))
    }

    /// The key that seals how this installation is registered at authorization servers, derived from the key that wraps
    /// the keys of users.
    pub fn registrations(&self) -> Result<NumberedKey, OpenError> {
        let label =
            Transcript::new("toolvault/registrations-key/v1").bytes(self.installation.as_bytes());
        derive(&self.user_wrap, &label)
    }

    /// The key that seals what calls that wait for a person were called with, derived from the key that wraps the keys of
    /// users.
    pub fn approvals(&self) -> Result<NumberedKey, OpenError> {
        let label =
            Transcript::new("toolvault/approvals-key/v1").bytes(self.installation.as_bytes());
        derive(&self.user_wrap, &label)
    }

    /// The MAC of what a server tells the others on its database about itself.
    pub fn mac_replica(&self, told: &Transcript) -> [u8; 32] {
        let told = Transcript::new("toolvault/replica/v1")
            .bytes(self.installation.as_bytes())
            .bytes(told.as_slice());
        mac(&self.row_mac, &told)
    }

    /// The key of one request that a server forwards to another, derived from the key that authenticates rows. Each
    /// request has its own, because random nonces serve one key for 2^32 messages only.
    pub fn forwarding(&self, request: &[u8; 16]) -> Result<NumberedKey, OpenError> {
        let label = Transcript::new("toolvault/forwarding-key/v1")
            .bytes(self.installation.as_bytes())
            .bytes(request);
        derive(&self.row_mac, &label)
    }

    /// The key that seals what a client holds for the server.
    pub fn cursor(&self) -> &NumberedKey {
        &self.cursor
    }

    /// Wraps a user's keys.
    pub fn wrap_user_keys(
        &self,
        user: UserId,
        keys: &UserKeys,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, EntropyError> {
        let bound = self.bind_user(user);
        seal(&self.user_wrap, bound, keys.encode().expose(), entropy)
    }

    /// Opens a user's keys.
    pub fn open_user_keys(&self, user: UserId, wrapped: &[u8]) -> Result<UserKeys, OpenError> {
        UserKeys::decode(&open(&self.user_wrap, self.bind_user(user), wrapped)?)
    }

    /// The only form in which an API key is stored: HMAC-SHA-256 (RFC 2104) under a key that is not
    /// in the database.
    pub fn hash_api_key(&self, key_id: &str, secret: &[u8]) -> [u8; 32] {
        mac(
            &self.api_key_hash,
            &Transcript::new("toolvault/api-key/v1")
                .bytes(self.installation.as_bytes())
                .text(key_id)
                .bytes(secret),
        )
    }

    /// The MAC of a row that grants rights.
    pub fn mac_row(&self, row: &Transcript) -> [u8; 32] {
        let row = Transcript::new("toolvault/row/v1")
            .bytes(self.installation.as_bytes())
            .bytes(row.as_slice());
        mac(&self.row_mac, &row)
    }

    /// Whether `mac` is the MAC of `row`, compared in constant time.
    pub fn is_row_authentic(&self, row: &Transcript, mac: &[u8]) -> bool {
        is_equal(&self.mac_row(row), mac)
    }

    fn bind_user(&self, user: UserId) -> Transcript {
        Transcript::new("toolvault/user-key/v1")
            .bytes(self.installation.as_bytes())
            .bytes(user.as_bytes())
            .number(1)
    }
}

/// Compares in constant time for equal lengths.
pub fn is_equal(left: &[u8], right: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(left, right).is_ok()
}

/// The number of a derived key: there is one for each label.
const DERIVED: u32 = 1;

/// A key for the purpose that the label names.
fn derive(from: &NumberedKey, label: &Transcript) -> Result<NumberedKey, OpenError> {
    let key = Wiped::new(mac(from, label));
    let key = Key::from_slice(key.as_slice()).ok_or(OpenError::Forged)?;
    Ok(NumberedKey { id: DERIVED, key })
}

fn root_key(root: &Key) -> NumberedKey {
    NumberedKey {
        id: 0,
        key: root.clone(),
    }
}

fn wrap(
    root: &Key,
    installation: InstallationId,
    purpose: Purpose,
    key: &NumberedKey,
    entropy: &dyn Entropy,
) -> Result<WrappedKey, EntropyError> {
    let bound = bind(installation, key.id, purpose.name());
    Ok(WrappedKey {
        id: key.id,
        purpose: purpose.name().to_owned(),
        wrapped: seal(&root_key(root), bound, key.key.expose(), entropy)?,
    })
}

fn bind(installation: InstallationId, id: u32, purpose: &str) -> Transcript {
    Transcript::new("toolvault/keyring/v1")
        .bytes(installation.as_bytes())
        .number(i64::from(id))
        .text(purpose)
}

fn mac(key: &NumberedKey, transcript: &Transcript) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.key.expose());
    let tag = hmac::sign(&key, transcript.as_slice());
    let mut output = [0; 32];
    for (target, byte) in output.iter_mut().zip(tag.as_ref()) {
        *target = *byte;
    }
    output
}

#[cfg(test)]
pub(crate) mod tests;
