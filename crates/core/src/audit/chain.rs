//! Verification of the whole trail from the first public key. It finds any edit, removal, insertion or reordering where
//! it happened, and truncation with the help of a [`Checkpoint`].
//!
//! It reads a few pages at a time, so memory use does not depend on the length of the trail. A page's hash covers the hash
//! that the page before claims, so the pages are verified independently, on several threads.

mod pruned;

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::thread;

use self::pruned::Pruned;
use super::checkpoint::Checkpoint;
use super::epoch::Epoch;
use super::page::{Head, Page};
use super::record::Record;
use crate::identity::InstallationId;

/// What is wrong with the trail, and at which page.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ChainError {
    /// The first epoch does not have the public key that the auditor holds.
    #[error("the first public key is not the expected one")]
    WrongFirstKey,
    /// An epoch is missing, out of order, or not signed by the one before; the first is signed by none.
    #[error("epoch {0} is not certified by its predecessor")]
    Uncertified(i64),
    /// A page is missing, out of order or inserted.
    #[error("page {expected} is missing or out of order: found page {found}")]
    OutOfOrder {
        /// The expected number: one more than the previous page's.
        expected: i64,
        /// The number found.
        found: i64,
    },
    /// The page's epoch is not the one that signs pages with this number.
    #[error("page {0} is signed by the wrong epoch")]
    WrongEpoch(i64),
    /// The page's content does not match its hash.
    #[error("page {0} was changed")]
    Changed(i64),
    /// The signature is not the epoch's.
    #[error("page {0} is not signed by its epoch")]
    Unsigned(i64),
    /// The trail begins elsewhere than the newest prune that it records left it.
    #[error("the trail does not begin where its records say that it was pruned")]
    WrongCut,
    /// The head names a page at which the trail does not end.
    #[error("the trail does not end at page {0}, which its head names")]
    Truncated(i64),
}

/// Why a trail whose chain is sound is not the one of a checkpoint.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Missed {
    /// The checkpoint names another installation.
    #[error("the checkpoint is of another store")]
    Foreign,
    /// The trail has the epoch, and its key did not sign the checkpoint.
    #[error(
        "the key of this trail did not sign the checkpoint: the trail was set back to an earlier state and then \
         continued, or the checkpoint was changed"
    )]
    Unsigned,
    /// The trail has a different page with that number.
    #[error(
        "the trail has another page in its place: it was set back to an earlier state and then continued"
    )]
    Replaced,
    /// The trail ends before the page.
    #[error("the trail ends before this page: it was truncated or set back to an earlier state")]
    Truncated,
}

/// The end of a trail whose chain is sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The position after the last page.
    pub head: Head,
    /// The pages of the checkpoints that the trail does not agree with.
    pub missed: Vec<(i64, Missed)>,
    /// How many checkpoints are genuine, of pages that were pruned.
    pub pruned: usize,
}

/// Reads the trail in order and tracks the position.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub struct ChainVerifier {
    installation: InstallationId,
    epochs: Vec<Epoch>,
    current: Option<Epoch>,
    head: Head,
    pruned: Pruned,
    /// By page number, the checkpoints that are still ahead.
    checkpoints: BTreeMap<i64, Vec<Checkpoint>>,
    missed: Vec<(i64, Missed)>,
    /// How many checkpoints are of pruned pages.
    before_cut: usize,
}

impl ChainVerifier {
    /// Starts at `start`, the position before the first page, with all epochs in order. The pages before it were pruned,
    /// and each epoch that began there must know the hash of the page before it.
    ///
    /// `first_key` is the public key that was printed at set-up. Without it the stored key is used, and verification
    /// shows only that the trail is consistent with itself.
    pub fn new(
        installation: InstallationId,
        first_key: Option<&[u8]>,
        epochs: Vec<Epoch>,
        start: Head,
    ) -> Result<Self, ChainError> {
        let first = epochs.first().ok_or(ChainError::Uncertified(1))?;
        if first_key.is_some_and(|key| key != first.public_key) {
            return Err(ChainError::WrongFirstKey);
        }
        let is_first = first.number == 1 && first.first_page == 1;
        if !is_first || !first.certificate.is_empty() || first.before.is_some() {
            return Err(ChainError::Uncertified(first.number));
        }
        let (pruned, current, mut epochs) = Pruned::pass(installation, start.clone(), epochs)?;
        epochs.reverse();
        Ok(Self {
            installation,
            epochs,
            current,
            head: start,
            pruned,
            checkpoints: BTreeMap::new(),
            missed: Vec::new(),
            before_cut: 0,
        })
    }

    /// Also compares the trail with these checkpoints. [`finish`](Self::finish) reports those that it does not agree with.
    ///
    /// Call this before the first page.
    #[must_use]
    pub fn expecting(mut self, checkpoints: impl IntoIterator<Item = Checkpoint>) -> Self {
        let epochs = self.pruned.epochs.iter().chain(&self.current);
        let epochs = epochs.chain(&self.epochs);
        let epochs: HashMap<_, _> = epochs.map(|epoch| (epoch.number, epoch)).collect();
        for checkpoint in checkpoints {
            let page = checkpoint.page;
            let epoch = epochs.get(&checkpoint.epoch).copied();
            if checkpoint.installation != self.installation {
                self.missed.push((page, Missed::Foreign));
            } else if epoch.is_some_and(|epoch| !checkpoint.is_signed_by(&epoch.public_key)) {
                self.missed.push((page, Missed::Unsigned));
            } else if page <= self.pruned.start.page {
                let next = epochs.get(&checkpoint.epoch.saturating_add(1)).copied();
                if self.pruned.had(&checkpoint, epoch, next) {
                    self.before_cut += 1;
                } else {
                    self.missed.push((page, Missed::Replaced));
                }
            } else {
                self.checkpoints.entry(page).or_default().push(checkpoint);
            }
        }
        self
    }

    /// Verifies the next pages on several threads. `read` gets the place of each page in `pages` and its records, and may
    /// refuse them. Returns what it made of the pages before the first fault; after a fault there is no verifier.
    pub fn pages<T: Send>(
        mut self,
        pages: &[Page],
        threads: NonZeroUsize,
        read: impl Fn(usize, Vec<Record>) -> Result<T, ChainError> + Sync,
    ) -> (Vec<T>, Result<Self, ChainError>) {
        let mut links = Vec::with_capacity(pages.len());
        let mut fault = None;
        for (place, page) in pages.iter().enumerate() {
            match self.link(place, page) {
                Ok(link) => links.push(link),
                Err(error) => {
                    fault = Some(error);
                    break;
                }
            }
        }
        let share = links.len().div_ceil(threads.get()).max(1);
        let each = |links: &[Link<'_>]| -> Vec<Result<T, ChainError>> {
            let verify =
                |link: &Link<'_>| link.verify().and_then(|records| read(link.place, records));
            links.iter().map(verify).collect()
        };
        let verified = thread::scope(|scope| {
            let parts: Vec<_> = links
                .chunks(share)
                .map(|part| scope.spawn(|| each(part)))
                .collect();
            let join = |part: thread::ScopedJoinHandle<'_, _>| {
                part.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            parts.into_iter().flat_map(join).collect::<Vec<_>>()
        });
        let mut found = Vec::with_capacity(verified.len());
        for page in verified {
            match page {
                Ok(page) => found.push(page),
                Err(error) => return (found, Err(error)),
            }
        }
        (found, fault.map_or(Ok(self), Err))
    }

    /// The position after the last verified page.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Verifies the end: every remaining epoch begins at this position.
    pub fn finish(mut self) -> Result<Ending, ChainError> {
        self.enter_epoch()?;
        if let Some(epoch) = self.epochs.last() {
            return Err(ChainError::Uncertified(epoch.number));
        }
        let truncated = self.checkpoints.into_keys();
        self.missed
            .extend(truncated.map(|page| (page, Missed::Truncated)));
        Ok(Ending {
            head: self.head,
            missed: self.missed,
            pruned: self.before_cut,
        })
    }

    /// Moves to `page` as if its content were what it claims, which the link must verify.
    fn link<'a>(&mut self, place: usize, page: &'a Page) -> Result<Link<'a>, ChainError> {
        let expected = self.head.page + 1;
        if page.number != expected {
            return Err(ChainError::OutOfOrder {
                expected,
                found: page.number,
            });
        }
        self.enter_epoch()?;
        let epoch = self
            .current
            .as_ref()
            .filter(|epoch| epoch.number == page.epoch)
            .ok_or(ChainError::WrongEpoch(page.number))?;
        let link = Link {
            installation: self.installation,
            place,
            page,
            previous: std::mem::replace(&mut self.head, page.head()),
            public_key: epoch.public_key.clone(),
        };
        self.compare(page);
        Ok(link)
    }

    fn compare(&mut self, page: &Page) {
        let checkpoints = self.checkpoints.remove(&page.number).unwrap_or_default();
        if !checkpoints
            .iter()
            .all(|checkpoint| checkpoint.is_met_by(page))
        {
            self.missed.push((page.number, Missed::Replaced));
        }
    }

    fn enter_epoch(&mut self) -> Result<(), ChainError> {
        let next = self.head.page + 1;
        while let Some(epoch) = self.epochs.pop_if(|epoch| epoch.first_page <= next) {
            let certified = self.current.as_ref().is_some_and(|current| {
                epoch.number == current.number + 1
                    && epoch.first_page == next
                    && epoch.before.is_none()
                    && epoch.is_certified(self.installation, &current.public_key, &self.head)
            });
            if !certified {
                return Err(ChainError::Uncertified(epoch.number));
            }
            self.current = Some(epoch);
        }
        Ok(())
    }
}

/// A page that has the number and the epoch of its place. Its content is still to be verified.
struct Link<'a> {
    installation: InstallationId,
    place: usize,
    page: &'a Page,
    previous: Head,
    public_key: Vec<u8>,
}

impl Link<'_> {
    fn verify(&self) -> Result<Vec<Record>, ChainError> {
        let changed = ChainError::Changed(self.page.number);
        if !self.page.follows(self.installation, &self.previous) {
            return Err(changed);
        }
        if !self.page.is_signed(self.installation, &self.public_key) {
            return Err(ChainError::Unsigned(self.page.number));
        }
        match self.page.read_records() {
            Ok(records) if is_numbered(self.page, &records) => Ok(records),
            _ => Err(changed),
        }
    }
}

/// Whether the records are numbered from the page's first sequence to its last.
fn is_numbered(page: &Page, records: &[Record]) -> bool {
    let numbers = page.first_sequence..=page.last_sequence;
    !records.is_empty() && records.iter().map(|record| record.sequence).eq(numbers)
}

#[cfg(test)]
pub(crate) mod tests;
