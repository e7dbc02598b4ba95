//! Deletes the records of the audit trail that are older than their retention.

use std::cell::Cell;

use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_vault::{Caller, Vault};

use super::Work;
use super::series::Series;
use crate::failure::with_causes;
use crate::store::own_uid;

pub(super) struct PruneWork {
    pub(super) vault: Vault,
    /// How long records are kept, in microseconds.
    pub(super) keep: i64,
    /// When this process last tried it, and whether that succeeded.
    pub(super) tried: Cell<Option<(Timestamp, bool)>>,
}

/// How long to wait after a failure, in microseconds. It may be in the trail, which takes long to read.
const AGAIN_AFTER: i64 = 3_600 * SECOND;

impl Work for PruneWork {
    fn series(&self) -> Option<Series> {
        None
    }

    fn last(&self) -> Option<Timestamp> {
        match self.tried.get() {
            Some((at, true)) => Some(at),
            _ => None,
        }
    }

    fn waits(&self, now: Timestamp) -> bool {
        is_waiting(self.tried.get(), now)
    }

    async fn run(&self) -> Result<Timestamp, String> {
        let now = self.vault.clock().now();
        let caller = Caller::local(own_uid(), None);
        let pruned = self.vault.prune_audit(&caller, now.plus(-self.keep)).await;
        let pruned = pruned.map_err(|error| with_causes(&error));
        if let Ok(pruned) = &pruned {
            tracing::info!(records = pruned.records, "old audit records were deleted");
            if pruned.waits_for_shipping {
                tracing::warn!("old audit records stay until they are shipped");
            }
        }
        self.tried.set(Some((now, pruned.is_ok())));
        pruned.map(|_| now)
    }
}

fn is_waiting(tried: Option<(Timestamp, bool)>, now: Timestamp) -> bool {
    tried.is_some_and(|(at, succeeded)| !succeeded && now.since(at) < AGAIN_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failure_of_the_last_hour_waits() {
        let now = Timestamp::from_microseconds(1_800_000_000 * SECOND);
        assert!(!is_waiting(None, now));
        assert!(!is_waiting(Some((now, true)), now));
        assert!(is_waiting(Some((now.plus(1 - AGAIN_AFTER), false)), now));
        assert!(!is_waiting(Some((now.plus(-AGAIN_AFTER), false)), now));
    }
}
