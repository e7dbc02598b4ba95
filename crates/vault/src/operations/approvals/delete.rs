//! Deletes old requests, and what was allowed to keys that ended.

use toolvault_core::identity::UserId;
use toolvault_core::timestamp::{SECOND, Timestamp};

use crate::error::Error;
use crate::store::approvals::{self, Old};
use crate::store::users;
use crate::vault::Vault;
use crate::writer::change::{Change, Work};

/// For how long a request is kept after it ended, in microseconds: one day.
const KEPT: i64 = 86_400 * SECOND;
/// The same if there was no decision: one hour. An agent makes such requests alone, so there may be many.
const UNDECIDED_KEPT: i64 = 3_600 * SECOND;

impl Vault {
    /// Deletes the requests of all users that ended a day ago, or an hour ago if they were not decided, and what was
    /// allowed to keys that ended. For regular work.
    pub async fn delete_old_approvals(&self) -> Result<(), Error> {
        let old = old(self.shared.clock.now());
        let reading = async {
            let mut tx = self.shared.database.read().await?;
            Ok(approvals::users_with_old(&mut tx, old).await?)
        };
        for user in self.in_time(reading).await? {
            self.writer.change(DeleteOld(UserId(user))).await?;
        }
        Ok(())
    }
}

fn old(now: Timestamp) -> Old {
    Old {
        decided: now.plus(-KEPT),
        undecided: now.plus(-UNDECIDED_KEPT),
        now,
    }
}

/// Deletes those of one user.
struct DeleteOld(UserId);

impl Change for DeleteOld {
    type Answer = ();

    fn user(&self) -> UserId {
        self.0
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        users::lock(work.tx, self.0).await?;
        approvals::delete_old(work.tx, self.0, old(work.now)).await?;
        work.has_written = true;
        Ok(())
    }
}
