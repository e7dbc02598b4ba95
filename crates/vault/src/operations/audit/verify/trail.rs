//! Verifies the chain of the trail in portions, from its first page or its cut to its newest page.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use toolvault_core::audit::chain::{ChainError, ChainVerifier, Ending};
use toolvault_core::audit::checkpoint::Checkpoint;
use toolvault_core::audit::cut::Cut;
use toolvault_core::audit::epoch::{Epoch, Signer};
use toolvault_core::audit::page::{Head, Page, span};
use toolvault_core::audit::record::Record;
use toolvault_core::digest::hexadecimal;
use toolvault_core::keyring::Keyring;

use super::expected::Expected;
use super::{Progress, PrunedPart, Verification, kept};
use crate::error::Error;
use crate::store::audit;
use crate::store::audit::Span;
use crate::store::transaction::Tx;
use crate::vault::Vault;

/// Pages read per query. Two portions are in memory: one that is verified while the next one is read. A page of records
/// with the longest names has 9 MiB.
const PORTION: i64 = 16;

/// How a trail is verified.
pub(crate) struct Trail<'a> {
    /// The public key printed at set-up.
    pub(crate) first_key: Option<&'a [u8]>,
    pub(crate) checkpoints: Vec<Checkpoint>,
    /// Called with each page that was verified, in order.
    pub(crate) see: &'a mut (dyn FnMut(&Verified) + Send),
}

impl Vault {
    /// Verifies the trail, and returns the states in which a sound one leaves all rows.
    pub(crate) async fn verify_trail(
        &self,
        tx: &mut Tx,
        trail: Trail<'_>,
    ) -> Result<(Verification, Option<Expected>), Error> {
        let epochs = audit::list_epochs(tx).await?;
        let last = epochs.last().cloned();
        let public_key = trail
            .first_key
            .map(<[u8]>::to_vec)
            .or_else(|| epochs.first().map(|epoch| epoch.public_key.clone()))
            .unwrap_or_default();
        let mut verification = Verification {
            ok: false,
            pages: 0,
            records: 0,
            head: String::new(),
            public_key: hexadecimal(&public_key),
            pruned: None,
            faults: Vec::new(),
        };
        let mut expected = Expected::default();
        let cut = unless_changed(kept::find_cut(tx, &self.shared.keyring).await)?.flatten();
        let pruned = cut.map_or(0, |cut| cut.head.page);
        let verified = match self.begin_chain(tx, trail.first_key, epochs).await? {
            Ok((chain, cut, kept)) => {
                expected = kept;
                let (see, verification) = (trail.see, &mut verification);
                let chain = chain.expecting(trail.checkpoints);
                self.verify_chain(tx, chain, cut, &mut expected, verification, see)
                    .await?
            }
            Err(error) => Err(error),
        };
        match verified {
            Ok(()) => {
                self.verify_signing_key(tx, last, &mut verification).await?;
                Ok((verification, Some(expected)))
            }
            Err(error) => {
                let page = pruned + verification.pages + 1;
                verification.fault("trail", page.to_string(), &error.to_string());
                Ok((verification, None))
            }
        }
    }

    /// The verifier before the first page, and what the pruned pages said.
    async fn begin_chain(
        &self,
        tx: &mut Tx,
        first_key: Option<&[u8]>,
        mut epochs: Vec<Epoch>,
    ) -> Result<Result<(ChainVerifier, Option<Cut>, Expected), ChainError>, Error> {
        let loaded = kept::load(tx, &self.shared.keyring).await;
        let Some((cut, mut kept)) = unless_changed(loaded)? else {
            return Ok(Err(ChainError::WrongCut));
        };
        for epoch in &mut epochs {
            epoch.before = kept.befores.remove(&epoch.number);
        }
        if !kept.befores.is_empty() {
            return Ok(Err(ChainError::WrongCut));
        }
        let start = cut.as_ref().map_or(Head::EMPTY, |cut| cut.head.clone());
        let chain = ChainVerifier::new(self.installation(), first_key, epochs, start);
        Ok(chain.map(|chain| (chain, cut, kept.expected)))
    }

    async fn verify_chain(
        &self,
        tx: &mut Tx,
        mut chain: ChainVerifier,
        cut: Option<Cut>,
        expected: &mut Expected,
        verification: &mut Verification,
        see: &mut (dyn FnMut(&Verified) + Send),
    ) -> Result<Result<(), ChainError>, Error> {
        let start = chain.head().clone();
        let stored = audit::find_head(tx).await?.and_then(|row| row.head());
        let newest = stored.as_ref().map_or(0, |head| head.page);
        let of = newest.saturating_sub(start.page);
        *self.shared.verifying.lock() = Progress { pages: 0, of };
        // From the smallest number that a row can have: a page before the first one is an inserted one.
        let mut portion = audit::pages_after(tx, i64::MIN, PORTION).await?;
        while let Some((last, _)) = portion.last() {
            let after = last.number;
            let verifying = tokio::task::spawn_blocking(|| verify_pages(chain, portion));
            portion = audit::pages_after(tx, after, PORTION).await?;
            let (found, next) = verifying.await.map_err(Error::internal)?;
            for page in found {
                verification.pages = page.head.page - start.page;
                verification.records = page.head.sequence - start.sequence;
                see(&page);
                for record in page.records {
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
        let Ending {
            head,
            missed,
            pruned,
        } = match chain.finish() {
            Ok(ending) => ending,
            Err(error) => return Ok(Err(error)),
        };
        for (page, why) in missed {
            verification.fault("checkpoint", page.to_string(), &why.to_string());
        }
        verification.head = hexadecimal(&head.hash);
        if stored.as_ref() != Some(&head) {
            return Ok(Err(ChainError::Truncated(newest)));
        }
        // Only now is the newest prune known.
        let left = expected.prune.as_ref().map(|prune| &prune.state);
        if left != cut.as_ref().map(kept::state_text).as_ref() {
            return Ok(Err(ChainError::WrongCut));
        }
        verification.pruned = expected.prune.as_ref().map(|prune| PrunedPart {
            pages: start.page,
            records: start.sequence,
            at: prune.at,
            actor: prune.actor.clone(),
            checkpoints: pruned,
        });
        Ok(Ok(()))
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

/// A page that was verified.
pub(crate) struct Verified {
    /// The position after it.
    pub(crate) head: Head,
    /// The times of its first and last record.
    pub(crate) span: Span,
    /// How long its records are, in bytes.
    pub(crate) bytes: usize,
    /// What it says of rows.
    records: Vec<Record>,
}

/// `None` if stored data were changed.
fn unless_changed<T>(read: Result<T, Error>) -> Result<Option<T>, Error> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(Error::Integrity) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The states in which the trail leaves the API keys, by their IDs. The trail itself is not verified.
pub(crate) async fn states_of_keys(
    tx: &mut Tx,
    keyring: &Keyring,
) -> Result<HashMap<String, String>, Error> {
    // What was kept and changed is a fault of the trail, too.
    let loaded = unless_changed(kept::load(tx, keyring).await)?;
    let mut expected = loaded.map(|(_, kept)| kept.expected).unwrap_or_default();
    let mut after = i64::MIN;
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
        let (span, bytes) = match (spans.get(place), pages.get(place)) {
            (Some(span), Some(page)) => (*span, page.records.len()),
            _ => return Err(ChainError::Changed(head.page)),
        };
        Ok(Verified {
            head,
            span,
            bytes,
            records,
        })
    })
}
