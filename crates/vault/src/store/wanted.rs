//! What the changes of a group decide on, read at once with the head of the audit trail.

use sqlx::FromRow;
use toolvault_core::identity::{SecretId, UserId};
use uuid::Uuid;

use super::audit::HeadRow;
use super::given::{Column, Statement};
use super::secrets::SecretRow;
use super::transaction::Tx;
use super::users::LedgerRow;

/// What one change decides on, beside the user's ledger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

/// What there is of it, and the head, which is the same in all rows.
#[derive(FromRow)]
pub(crate) struct FoundRow {
    page: Option<i64>,
    sequence: Option<i64>,
    hash: Option<Vec<u8>>,
    epoch: Option<i64>,
    epoch_began_at: Option<i64>,
    signing_key: Option<Vec<u8>>,
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

macro_rules! select_wanted {
    ($lock:literal) => {
        concat!(
            ", head AS (SELECT page, sequence, hash, epoch, epoch_began_at, signing_key \
             FROM audit_head WHERE only_row = 1",
            $lock,
            ") SELECT head.page, head.sequence, head.hash, head.epoch, head.epoch_began_at, \
             head.signing_key, l.user_id AS owner_id, l.generation, l.sealed AS sealed_ledger, \
             s.secret_id, s.name, s.tool, s.argument, s.is_default, s.policy, s.version, \
             s.created_at, s.updated_at, s.effective_at, v.data_key, v.value, v.display, \
             (SELECT string_agg(CAST(k.version AS TEXT), ' ') FROM secret_versions k \
             WHERE k.secret_id = s.secret_id) AS versions, \
             a.key_hash, a.sealed AS answer, a.created_at AS answered_at \
             FROM given LEFT JOIN head ON TRUE JOIN ledgers l ON l.user_id = given.user_id \
             LEFT JOIN secrets s ON s.secret_id = given.secret_id AND s.user_id = given.user_id \
             LEFT JOIN secret_versions v ON v.secret_id = s.secret_id AND v.version = s.version \
             LEFT JOIN idempotent_answers a ON a.user_id = given.user_id \
             AND a.key_hash = given.key_hash"
        )
    };
}

/// Finds what the changes want of users whose ledgers are locked, and may lock the head. A locked head is the newest; the
/// rest is as it was when the statement began, which the locks of the ledgers make the newest, too.
pub(crate) async fn find(
    tx: &mut Tx,
    wanted: &[Wanted],
    locks_head: bool,
) -> sqlx::Result<Vec<FoundRow>> {
    let secrets = wanted.iter().map(|one| one.secret.map(|secret| secret.0));
    let answers = wanted.iter().map(|one| one.answer.map(Vec::from));
    let text = match tx {
        Tx::Postgres(_) if locks_head => select_wanted!(" FOR UPDATE"),
        // SQLite's only writer has locked everything.
        _ => select_wanted!(""),
    };
    let statement = Statement::new(
        text,
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
    /// The head; `None` if there is none.
    pub(crate) fn head(&mut self) -> Option<HeadRow> {
        Some(HeadRow {
            page: self.page?,
            sequence: self.sequence?,
            hash: self.hash.take()?,
            epoch: self.epoch?,
            epoch_began_at: self.epoch_began_at?,
            signing_key: self.signing_key.take()?,
        })
    }

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
