//! What a local command answers, as data.

use serde::{Deserialize, Serialize};
use toolvault_core::audit::record::Record;
use toolvault_core::identity::UserId;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::{Error, KeyInfo, UserInfo, Verification};
use zeroize::Zeroizing;

/// The answer to one [`LocalCommand`](super::LocalCommand).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_debug_implementations,
    reason = "an issued key is shown once, to the one who made it"
)]
pub enum LocalAnswer {
    /// It is done, and there is nothing to tell.
    Done,
    /// The user concerned.
    User(UserInfo),
    /// Users, oldest first.
    Users(Vec<UserInfo>),
    /// A key that was just made.
    IssuedKey {
        /// What is told about it from now on.
        info: KeyInfo,
        /// The key.
        #[serde(with = "shown_once")]
        key: Zeroizing<String>,
    },
    /// Keys, oldest first within each user.
    Keys(Vec<KeyInfo>),
    /// What a verification of the audit trail found.
    Verified(VerificationReport),
    /// Audit records, oldest first.
    Records(Vec<Record>),
    /// The state of the store.
    Diagnosed(StoreReport),
}

/// A new key on its way to the one who made it.
mod shown_once {
    use serde::{Deserialize as _, Deserializer, Serializer};
    use zeroize::Zeroizing;

    pub(super) fn serialize<S: Serializer>(
        key: &Zeroizing<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(key)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Zeroizing<String>, D::Error> {
        String::deserialize(deserializer).map(Zeroizing::new)
    }
}

/// What a verification of the audit trail found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationReport {
    /// Whether there is no fault.
    pub ok: bool,
    /// How many pages were verified.
    pub pages: i64,
    /// How many records they hold.
    pub records: i64,
    /// The hash of the newest page, in hexadecimal.
    pub head: String,
    /// The first public key that the trail was verified with, in hexadecimal.
    pub public_key: String,
    /// What is wrong.
    pub faults: Vec<FaultReport>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultReport {
    /// `trail`, `checkpoint`, `secret`, `key` or `user`.
    pub kind: String,
    /// The page or the id concerned.
    pub subject: String,
    /// What is wrong with it.
    pub what: String,
}

impl From<Verification> for VerificationReport {
    fn from(found: Verification) -> Self {
        let report = |fault: toolvault_vault::Fault| FaultReport {
            kind: fault.kind.to_owned(),
            subject: fault.subject,
            what: fault.what,
        };
        Self {
            ok: found.ok,
            pages: found.pages,
            records: found.records,
            head: found.head,
            public_key: found.public_key,
            faults: found.faults.into_iter().map(report).collect(),
        }
    }
}

/// The state of the store, for `doctor` to judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreReport {
    /// `SQLite` or `PostgreSQL`.
    pub engine: String,
    /// The engine's version.
    pub version: String,
    /// Settings of the engine that are off although acknowledged commits depend on them.
    pub unsafe_settings: Vec<String>,
    /// The users some of whose secrets share a name, each with the number of such names.
    pub shared_names: Vec<(UserId, i64)>,
    /// When the newest audit record was made.
    pub newest_record: Option<Timestamp>,
    /// All users.
    pub users: Vec<UserInfo>,
    /// All keys.
    pub keys: Vec<KeyInfo>,
}

/// Why a local command was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct LocalError {
    /// What was wrong.
    pub message: String,
    /// Whether the command asked for something that cannot be; otherwise the store failed.
    pub is_refusal: bool,
}

impl LocalError {
    /// The command asks for something that cannot be.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            is_refusal: true,
        }
    }
}

impl From<Error> for LocalError {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(problems) | Error::Unresolved(problems) => {
                let messages: Vec<String> = problems
                    .into_iter()
                    .map(|problem| problem.message)
                    .collect();
                Self::refused(messages.join(" "))
            }
            Error::Unavailable(_) | Error::Integrity | Error::Internal(_) => Self {
                message: with_causes(&error),
                is_refusal: false,
            },
            refusal => Self::refused(refusal.to_string()),
        }
    }
}

/// The error and what caused it, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}
