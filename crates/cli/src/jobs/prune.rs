//! Deletes the records of the audit trail that are older than their retention.

use std::cell::RefCell;

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
    /// When this process last tried it, and why it failed.
    pub(super) tried: RefCell<Option<(Timestamp, Result<(), String>)>>,
}

/// How long to wait after a failure, in microseconds. It may be in the trail, which takes long to read.
const AGAIN_AFTER: i64 = 3_600 * SECOND;

impl Work for PruneWork {
    fn series(&self) -> Option<Series> {
        None
    }

    fn last(&self) -> Option<Timestamp> {
        match &*self.tried.borrow() {
            Some((at, Ok(()))) => Some(*at),
            _ => None,
        }
    }

    async fn run(&self) -> Result<Timestamp, String> {
        let now = self.vault.clock().now();
        if let Some((at, Err(why))) = &*self.tried.borrow()
            && now.since(*at) < AGAIN_AFTER
        {
            return Err(why.clone());
        }
        let caller = Caller::local(own_uid(), None);
        let pruned = self.vault.prune_audit(&caller, now.plus(-self.keep)).await;
        let pruned = pruned.map_err(|error| with_causes(&error));
        if let Ok(pruned) = &pruned {
            tracing::info!(records = pruned.records, "old audit records were deleted");
        }
        let done = pruned.map(|_| ());
        self.tried.replace(Some((now, done.clone())));
        done.map(|()| now)
    }
}
