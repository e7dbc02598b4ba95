//! The part of a trail before its cut. Its pages are gone; its epochs lead from the first public key to the cut.

use super::ChainError;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::epoch::Epoch;
use crate::audit::page::Head;
use crate::identity::InstallationId;

/// What is known of the pages that were pruned.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Pruned {
    /// The position after the last of them.
    pub(super) start: Head,
    /// The epochs that ended among them.
    pub(super) epochs: Vec<Epoch>,
}

impl Pruned {
    /// Verifies the epochs that began before `start`. Returns what is known of the pruned pages, the epoch that signs the
    /// last of them (or the first epoch), and the epochs that begin later.
    pub(super) fn pass(
        installation: InstallationId,
        start: Head,
        epochs: Vec<Epoch>,
    ) -> Result<(Self, Option<Epoch>, Vec<Epoch>), ChainError> {
        if !(0..i64::MAX).contains(&start.page) {
            return Err(ChainError::WrongCut);
        }
        let mut all = epochs.into_iter().peekable();
        let mut current = all.next();
        let mut ended: Vec<Epoch> = Vec::new();
        while let Some(epoch) = all.next_if(|epoch| epoch.first_page <= start.page) {
            let certified = current.as_ref().is_some_and(|current| {
                let head = epoch.before.map(|hash| Head {
                    page: epoch.first_page.saturating_sub(1),
                    sequence: 0,
                    hash,
                });
                epoch.number == current.number + 1
                    && epoch.first_page >= current.first_page
                    && head.is_some_and(|head| {
                        epoch.is_certified(installation, &current.public_key, &head)
                    })
            });
            if !certified {
                return Err(ChainError::Uncertified(epoch.number));
            }
            ended.extend(current.replace(epoch));
        }
        let pruned = Self {
            start,
            epochs: ended,
        };
        Ok((pruned, current, all.collect()))
    }

    /// Whether a checkpoint that its `epoch` signed, of a page that is pruned, does not contradict what is known: that
    /// epoch signed a page with this number, and the hash is right where it is kept.
    pub(super) fn had(
        &self,
        checkpoint: &Checkpoint,
        epoch: Option<&Epoch>,
        next: Option<&Epoch>,
    ) -> bool {
        let page = checkpoint.page;
        let is_in_epoch = epoch.is_some_and(|epoch| epoch.first_page <= page)
            && next.is_none_or(|next| page < next.first_page);
        let is_last = next.is_some_and(|next| page.checked_add(1) == Some(next.first_page));
        let kept = next.filter(|_| is_last).and_then(|next| next.before);
        let is_at_cut = page == self.start.page;
        is_in_epoch
            && kept.is_none_or(|hash| hash == checkpoint.hash)
            && (!is_at_cut
                || (checkpoint.hash == self.start.hash
                    && checkpoint.sequence == self.start.sequence))
    }
}
