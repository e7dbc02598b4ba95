//! An API key in the vault: its row, verified, with its rights parsed.

use serde::Serialize;
use toolvault_core::api_key::{ApiKey, KeyId};
use toolvault_core::digest::{hexadecimal, sha256};
use toolvault_core::entropy::Entropy;
use toolvault_core::identity::UserId;
use toolvault_core::keyring::{Keyring, is_equal};
use toolvault_core::pattern::ToolPattern;
use toolvault_core::scope::ScopeSet;
use toolvault_core::timestamp::Timestamp;
use toolvault_core::transcript::Transcript;

use crate::error::Error;
use crate::store::api_keys::ApiKeyRow;

/// The public information about an API key. The key itself is shown once, when it is created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct KeyInfo {
    /// The public part of the key.
    pub key_id: KeyId,
    /// Its holder's name for it.
    pub name: String,
    /// The user it belongs to.
    pub user_id: UserId,
    /// What it may do.
    pub scopes: ScopeSet,
    /// The tool patterns that it is limited to; empty if it is not limited.
    pub tools: Vec<ToolPattern>,
    /// Whether it acts for any user.
    pub any_user: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, rounded to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A verified key.
#[derive(Clone, Debug)]
pub(crate) struct KeyRecord {
    pub(crate) row: ApiKeyRow,
    pub(crate) id: KeyId,
    pub(crate) scopes: ScopeSet,
    pub(crate) tools: Vec<ToolPattern>,
    pub(crate) creator: Option<KeyId>,
}

impl KeyRecord {
    /// Verifies the row's MAC.
    pub(crate) fn verify(row: ApiKeyRow, keyring: &Keyring) -> Result<Self, Error> {
        if !keyring.is_row_authentic(&transcript(&row), &row.mac) {
            return Err(Error::Integrity);
        }
        let creator = row.creator_id.as_deref().map(str::parse).transpose();
        Ok(Self {
            id: row.key_id.parse().map_err(|_| Error::Integrity)?,
            scopes: serde_json::from_str(&row.scopes).map_err(|_| Error::Integrity)?,
            tools: serde_json::from_str(&row.tools).map_err(|_| Error::Integrity)?,
            creator: creator.map_err(|_| Error::Integrity)?,
            row,
        })
    }

    pub(crate) fn user(&self) -> UserId {
        UserId(self.row.user_id)
    }

    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        self.row.expires_at.map(Timestamp::from_microseconds)
    }

    /// Whether it is neither revoked nor expired at `now`.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        let is_before = |moment: Option<i64>| {
            moment.is_none_or(|moment| now < Timestamp::from_microseconds(moment))
        };
        is_before(self.row.expires_at) && is_before(self.row.revoked_at)
    }

    /// Whether `presented` is this key, in constant time.
    pub(crate) fn is_presented(&self, presented: &ApiKey, keyring: &Keyring) -> bool {
        let hash = keyring.hash_api_key(self.id.as_str(), presented.secret_bytes());
        is_equal(&hash, &self.row.verifier)
    }

    pub(crate) fn info(&self, last_used_at: Option<i64>) -> KeyInfo {
        let row = &self.row;
        KeyInfo {
            key_id: self.id,
            name: row.name.clone(),
            user_id: self.user(),
            scopes: self.scopes,
            tools: self.tools.clone(),
            any_user: row.is_any_user,
            created_at: Timestamp::from_microseconds(row.created_at),
            expires_at: self.expires_at(),
            last_used_at: last_used_at.map(Timestamp::from_microseconds),
            revoked_at: row.revoked_at.map(Timestamp::from_microseconds),
        }
    }
}

/// Sets the row's MAC over all its other columns.
pub(crate) fn authenticate(row: &mut ApiKeyRow, keyring: &Keyring) {
    row.mac = keyring.mac_row(&transcript(row)).to_vec();
}

/// The hash of the row that the audit trail records and `audit verify` compares.
pub(crate) fn state_text(row: &ApiKeyRow) -> String {
    hexadecimal(&sha256(transcript(row).as_slice()))
}

fn transcript(row: &ApiKeyRow) -> Transcript {
    let moment = |moment: Option<i64>| moment.map(|moment| moment.to_string());
    Transcript::new("api_keys/v1")
        .text(&row.key_id)
        .bytes(row.user_id.as_bytes())
        .text(&row.name)
        .text(&row.scopes)
        .text(&row.tools)
        .number(i64::from(row.is_any_user))
        .optional(row.creator_id.as_deref())
        .number(row.created_at)
        .optional(moment(row.expires_at).as_deref())
        .optional(moment(row.revoked_at).as_deref())
        .bytes(&row.verifier)
}

/// The properties of a new key.
pub(crate) struct KeyRights {
    pub(crate) name: String,
    pub(crate) user: UserId,
    pub(crate) scopes: ScopeSet,
    pub(crate) tools: Vec<ToolPattern>,
    pub(crate) is_any_user: bool,
    pub(crate) creator: Option<KeyId>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// Creates a key and its row.
pub(crate) fn prepare_key(
    keyring: &Keyring,
    entropy: &dyn Entropy,
    now: Timestamp,
    rights: &KeyRights,
) -> Result<(ApiKey, ApiKeyRow), Error> {
    let key = ApiKey::generate(entropy)?;
    let mut row = ApiKeyRow {
        key_id: key.id().to_string(),
        user_id: rights.user.0,
        name: rights.name.clone(),
        scopes: serde_json::to_string(&rights.scopes).map_err(Error::internal)?,
        tools: serde_json::to_string(&rights.tools).map_err(Error::internal)?,
        is_any_user: rights.is_any_user,
        creator_id: rights.creator.map(|creator| creator.to_string()),
        created_at: now.microseconds(),
        expires_at: rights.expires_at.map(Timestamp::microseconds),
        revoked_at: None,
        verifier: keyring
            .hash_api_key(key.id().as_str(), key.secret_bytes())
            .to_vec(),
        mac: Vec::new(),
    };
    authenticate(&mut row, keyring);
    Ok((key, row))
}
