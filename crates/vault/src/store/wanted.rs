//! What the changes of a group decide on, read at once.

use sqlx::FromRow;
use toolvault_core::identity::{SecretId, UserId};
use uuid::Uuid;

use super::given::{Column, Statement};
use super::secrets::SecretRow;
use super::transaction::Tx;
use super::users::LedgerRow;

/// What one change decides on, beside the user's ledger.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) user: UserId,
    pub(crate) secret: Option<SecretId>,
    /// The hash of the key under which the answer is kept.
    pub(crate) answer: Option<[u8; 32]>,
}

impl Wanted {
    pub(crate) const fn secret(user: UserId, secret: SecretId) -> Self {
        Self {
            user,
            secret: Some(secret),
            answer: None,
        }
    }
}

/// What there is of it.
#[derive(FromRow)]
pub(crate) struct FoundRow {
    pub(crate) owner_id: Uuid,
    generation: i64,
    sealed_ledger: Vec<u8>,
    secret_id: Option<Uuid>,
    name: Option<String>,
    tool: Option<String>,
    argument: Option<String>,
    is_default: Option<bool>,
    policy: Option<String>,
    version: Option<i64>,
    created_at: Option<i64>,
    updated_at: Option<i64>,
    effective_at: Option<i64>,
    data_key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    display: Option<Vec<u8>>,
    versions: Option<String>,
    key_hash: Option<Vec<u8>>,
    answer: Option<Vec<u8>>,
    answered_at: Option<i64>,
}

pub(crate) async fn find(tx: &mut Tx, wanted: &[Wanted]) -> sqlx::Result<Vec<FoundRow>> {
    let secrets = wanted.iter().map(|one| one.secret.map(|secret| secret.0));
    let answers = wanted.iter().map(|one| one.answer.map(Vec::from));
    let statement = Statement::new(
        "SELECT l.user_id AS owner_id, l.generation, l.sealed AS sealed_ledger, s.secret_id, \
         s.name, s.tool, s.argument, s.is_default, s.policy, s.version, s.created_at, \
         s.updated_at, s.effective_at, v.data_key, v.value, v.display, \
         (SELECT string_agg(CAST(k.version AS TEXT), ' ') FROM secret_versions k \
         WHERE k.secret_id = s.secret_id) AS versions, \
         a.key_hash, a.sealed AS answer, a.created_at AS answered_at FROM given \
         JOIN ledgers l ON l.user_id = given.user_id \
         LEFT JOIN secrets s ON s.secret_id = given.secret_id AND s.user_id = given.user_id \
         LEFT JOIN secret_versions v ON v.secret_id = s.secret_id AND v.version = s.version \
         LEFT JOIN idempotent_answers a ON a.user_id = given.user_id \
         AND a.key_hash = given.key_hash",
        wanted.len(),
        [
            ("user_id", Column::ids(wanted.iter().map(|one| one.user.0))),
            ("secret_id", Column::Ids(secrets.collect())),
            ("key_hash", Column::Bytes(answers.collect())),
        ],
    );
    statement.fetch(tx).await
}

impl FoundRow {
    pub(crate) fn ledger(&self) -> LedgerRow {
        LedgerRow {
            generation: self.generation,
            sealed: self.sealed_ledger.clone(),
        }
    }

    /// The remembered answer, sealed, with the hash of its key and its time in microseconds.
    pub(crate) fn answer(&mut self) -> Option<(Vec<u8>, Vec<u8>, i64)> {
        Some((
            self.key_hash.take()?,
            self.answer.take()?,
            self.answered_at?,
        ))
    }

    /// The numbers of the secret's versions.
    pub(crate) fn versions(&self) -> impl Iterator<Item = i64> {
        let numbers = self.versions.as_deref().unwrap_or_default();
        numbers.split(' ').filter_map(|number| number.parse().ok())
    }

    pub(crate) fn secret(self) -> Option<SecretRow> {
        Some(SecretRow {
            secret_id: self.secret_id?,
            user_id: self.owner_id,
            name: self.name?,
            tool: self.tool,
            argument: self.argument,
            is_default: self.is_default?,
            policy: self.policy?,
            version: self.version?,
            created_at: self.created_at?,
            updated_at: self.updated_at?,
            effective_at: self.effective_at?,
            data_key: self.data_key,
            value: self.value,
            display: self.display,
        })
    }
}
