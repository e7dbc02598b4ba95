//! `audit verify`: verifies the chain from its first public key, then every row against the trail.
//!
//! The chain proves the trail. The trail then says in which state each secret, key and user was last stored. A row that
//! is missing, was put back or differs from that state is a fault.

pub(crate) mod expected;
pub(crate) mod kept;
mod rows;
pub(crate) mod trail;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use toolvault_core::audit::checkpoint::Checkpoint;
use toolvault_core::timestamp::Timestamp;

use self::expected::States;
use self::trail::Trail;
use super::ship::{Position, Reader};
use crate::error::Error;
use crate::store::dialect;
use crate::vault::Vault;

/// How far a verification has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How many pages are verified.
    pub pages: i64,
    /// How many there were when it began.
    pub of: i64,
}

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Whether there are no faults.
    pub ok: bool,
    /// How many pages were verified.
    pub pages: i64,
    /// How many records they contain.
    pub records: i64,
    /// The hash of the newest page, in hexadecimal.
    pub head: String,
    /// The first public key of the trail, in hexadecimal.
    pub public_key: String,
    /// What was pruned before these pages.
    pub pruned: Option<PrunedPart>,
    /// Everything that is wrong.
    pub faults: Vec<Fault>,
}

/// The part of the trail that was pruned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrunedPart {
    /// How many pages it had.
    pub pages: i64,
    /// How many records it had.
    pub records: i64,
    /// When it was pruned last.
    pub at: Timestamp,
    /// Who did that.
    pub actor: String,
    /// How many of the checkpoints are of this part. They are genuine.
    pub checkpoints: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// `trail`, `checkpoint`, `secret`, `connection`, `key` or `user`.
    pub kind: Cow<'static, str>,
    /// The page or the ID concerned.
    pub subject: String,
    /// What is wrong with it.
    pub what: String,
}

impl Vault {
    /// How far the verification has come that reported last.
    pub fn audit_progress(&self) -> Progress {
        *self.shared.verifying.lock()
    }

    /// Verifies the whole trail and every row against it. `first_key` is the public key printed at set-up.
    pub async fn verify_audit(&self, first_key: Option<&[u8]>) -> Result<Verification, Error> {
        self.verify_audit_against(first_key, Vec::new()).await
    }

    /// As [`verify_audit`](Self::verify_audit), and compares the trail with `checkpoints`.
    pub(super) async fn verify_audit_against(
        &self,
        first_key: Option<&[u8]>,
        checkpoints: Vec<Checkpoint>,
    ) -> Result<Verification, Error> {
        self.fold().await;
        let mut tx = self.shared.database.read().await?;
        dialect::take_time(&mut tx).await?;
        let trail = Trail {
            first_key,
            checkpoints,
            see: &mut |_| {},
        };
        let (mut verification, expected) = self.verify_trail(&mut tx, trail).await?;
        if let Some(expected) = expected {
            self.verify_rows(&mut tx, expected, &mut verification)
                .await?;
        }
        for (reader, subject, what) in [
            (
                Reader::Shipping,
                "shipping",
                "the position up to which it was shipped was changed",
            ),
            (
                Reader::Alarms,
                "alarms",
                "the position up to which it was read for alarms was changed",
            ),
        ] {
            let position = Position::find(&mut tx, &self.shared.keyring, reader).await;
            if matches!(position, Err(Error::Integrity)) {
                verification.fault("trail", subject.to_owned(), what);
            }
        }
        verification.ok = verification.faults.is_empty();
        Ok(verification)
    }
}

impl Verification {
    fn compare(
        &mut self,
        kind: &'static str,
        subject: String,
        expected: Option<String>,
        state: &str,
        is_sound: bool,
    ) {
        let what = match expected {
            _ if !is_sound => "its row was changed",
            None => "its row was put back or inserted: the trail does not leave it here",
            Some(expected) if expected != state => {
                "its row is not in the state in which the trail leaves it"
            }
            Some(_) => return,
        };
        self.fault(kind, subject, what);
    }

    fn missing<K: ToString>(&mut self, kind: &'static str, expected: &States<K>) {
        let mut subjects: Vec<String> = expected.keys().map(ToString::to_string).collect();
        subjects.sort();
        for subject in subjects {
            self.fault(kind, subject, "its row is missing");
        }
    }

    fn fault(&mut self, kind: &'static str, subject: String, what: &str) {
        self.faults.push(Fault {
            kind: Cow::Borrowed(kind),
            subject,
            what: what.to_owned(),
        });
    }
}
