//! `audit verify`: verifies the chain from its first public key, then every row against the trail.
//!
//! The chain proves the trail. The trail then says in which state each secret, key and user was last stored. A row that
//! is missing, was put back or differs from that state is a fault.

mod expected;
mod rows;

use std::borrow::Cow;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use serde::{Deserialize, Serialize};
use toolvault_core::audit::chain::{ChainError, ChainVerifier, Ending};
use toolvault_core::audit::checkpoint::Checkpoint;
use toolvault_core::audit::epoch::{Epoch, Signer};
use toolvault_core::audit::page::{Head, Page, span};
use toolvault_core::audit::record::Record;
use toolvault_core::digest::hexadecimal;

use self::expected::{Expected, States};
use crate::error::Error;
use crate::store::audit::Span;
use crate::store::transaction::Tx;
use crate::store::{audit, dialect};
use crate::vault::Vault;

/// Pages read per query. Two portions are in memory: one that is verified while the next one is read. A page of records
/// with the longest names has 9 MiB.
const PORTION: i64 = 16;

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
    /// Everything that is wrong.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// `trail`, `checkpoint`, `secret`, `key` or `user`.
    pub kind: Cow<'static, str>,
    /// The page or the ID concerned.
    pub subject: String,
    /// What is wrong with it.
    pub what: String,
}

impl Vault {
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
        let epochs = audit::list_epochs(&mut tx).await?;
        let last = epochs.last().cloned();
        let public_key = first_key
            .map(<[u8]>::to_vec)
            .or_else(|| epochs.first().map(|epoch| epoch.public_key.clone()))
            .unwrap_or_default();
        let mut verification = Verification {
            ok: false,
            pages: 0,
            records: 0,
            head: String::new(),
            public_key: hexadecimal(&public_key),
            faults: Vec::new(),
        };
        let mut expected = Expected::default();
        let chain = ChainVerifier::new(self.installation(), first_key, epochs);
        let verified = match chain {
            Ok(chain) => {
                let chain = chain.expecting(checkpoints);
                self.verify_chain(&mut tx, chain, &mut expected, &mut verification)
                    .await?
            }
            Err(error) => Err(error),
        };
        match verified {
            Ok(()) => {
                self.verify_signing_key(&mut tx, last, &mut verification)
                    .await?;
                self.verify_rows(&mut tx, expected, &mut verification)
                    .await?;
            }
            Err(error) => {
                let page = (verification.pages + 1).to_string();
                verification.fault("trail", page, &error.to_string());
            }
        }
        verification.ok = verification.faults.is_empty();
        Ok(verification)
    }
}

impl Vault {
    /// How far the verification has come that reported last.
    pub fn audit_progress(&self) -> Progress {
        *self.shared.verifying.lock()
    }

    async fn verify_chain(
        &self,
        tx: &mut Tx,
        mut chain: ChainVerifier,
        expected: &mut Expected,
        verification: &mut Verification,
    ) -> Result<Result<(), ChainError>, Error> {
        let stored = audit::find_head(tx).await?.and_then(|row| row.head());
        let of = stored.as_ref().map_or(0, |head| head.page);
        *self.shared.verifying.lock() = Progress { pages: 0, of };
        // From the smallest number that a row can have: a page before number 1 is an inserted one.
        let mut portion = audit::pages_after(tx, i64::MIN, PORTION).await?;
        while let Some((last, _)) = portion.last() {
            let after = last.number;
            let verifying = tokio::task::spawn_blocking(|| verify_pages(chain, portion));
            portion = audit::pages_after(tx, after, PORTION).await?;
            let (found, next) = verifying.await.map_err(Error::internal)?;
            for (head, records) in found {
                verification.pages = head.page;
                verification.records = head.sequence;
                for record in records {
                    expected.follow(record);
                }
            }
            *self.shared.verifying.lock() = Progress {
                pages: verification.pages,
                of,
            };
            chain = match next {
                Ok(chain) => chain,
                Err(error) => return Ok(Err(error)),
            };
        }
        let Ending { head, missed } = match chain.finish() {
            Ok(ending) => ending,
            Err(error) => return Ok(Err(error)),
        };
        for (page, why) in missed {
            verification.fault("checkpoint", page.to_string(), &why.to_string());
        }
        verification.head = hexadecimal(&head.hash);
        if stored.as_ref() == Some(&head) {
            Ok(Ok(()))
        } else {
            Ok(Err(ChainError::Truncated(of)))
        }
    }

    /// Whether the stored signing key belongs to the newest epoch. Later pages signed with another key would fail
    /// verification.
    async fn verify_signing_key(
        &self,
        tx: &mut Tx,
        newest: Option<Epoch>,
        verification: &mut Verification,
    ) -> Result<(), Error> {
        let (Some(newest), Some(row)) = (newest, audit::find_head(tx).await?) else {
            return Ok(());
        };
        let (installation, wrap) = (self.installation(), self.shared.keyring.audit());
        let head = row.head().unwrap_or(Head::EMPTY);
        let signer = Signer::open(installation, wrap, row.epoch, &row.signing_key).ok();
        let is_right = match signer {
            Some(signer) if signer.number == newest.number => {
                let entropy = self.shared.entropy.as_ref();
                let next = Signer::begin(installation, wrap, Some(&signer), &head, entropy)?;
                next.epoch
                    .is_certified(installation, &newest.public_key, &head)
            }
            _ => false,
        };
        if !is_right {
            let what = "the stored signing key is not that of the newest epoch";
            verification.fault("trail", row.page.to_string(), what);
        }
        Ok(())
    }
}

/// The end of a page, and what it says of rows.
type Verified = (Head, Vec<Record>);

/// The states in which the trail leaves the API keys, by their IDs. The trail itself is not verified.
pub(crate) async fn states_of_keys(tx: &mut Tx) -> Result<HashMap<String, String>, Error> {
    let (mut expected, mut after) = (Expected::default(), i64::MIN);
    loop {
        let portion = audit::pages_after(tx, after, PORTION).await?;
        let Some((last, _)) = portion.last() else {
            return Ok(expected.keys);
        };
        after = last.number;
        for (page, _) in &portion {
            // A page that cannot be read is a fault of the trail.
            let records = page.read_records().unwrap_or_default();
            records
                .into_iter()
                .filter(Expected::concerns)
                .for_each(|record| expected.follow(record));
        }
    }
}

/// Verifies the pages. Of the records before the first fault, it keeps those that say in which state a row is.
fn verify_pages(
    chain: ChainVerifier,
    portion: Vec<(Page, Span)>,
) -> (Vec<Verified>, Result<ChainVerifier, ChainError>) {
    let (pages, spans): (Vec<Page>, Vec<Span>) = portion.into_iter().unzip();
    let threads = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    chain.pages(&pages, threads, |place, mut records| {
        let head = pages.get(place).map_or(Head::EMPTY, Page::head);
        if span(&records).as_ref() != spans.get(place) {
            return Err(ChainError::Changed(head.page));
        }
        records.retain(Expected::concerns);
        Ok((head, records))
    })
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
