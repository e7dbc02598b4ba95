//! Gives each user a new key, while all operations go on.
//!
//! One user after the other gets a second, newer key. All that is sealed with the older one is sealed again in
//! portions; then the older one is deleted. Every transaction leaves each user with the keys for all that is theirs, so
//! the rotation may stop after any of them, and a process that reads a user's rows in one state can open them. [`turn`]
//! takes one user's turn.
//!
//! The store keeps when the rotation began. A key that was made before is old, which is how one that was stopped goes
//! on.

mod turn;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::{SECOND, Timestamp};
use uuid::Uuid;

use self::turn::{Turn, take_turn};
use crate::caller::Caller;
use crate::error::Error;
use crate::store::{dialect, installation, users, versions};
use crate::vault::Vault;
use crate::writer::change::{Change, Work};

/// How many versions the first transaction takes, and the fewest that one takes, approximately.
const FEWEST: u16 = 32;
/// The most that one takes: they are in memory.
const MOST: u16 = 512;
/// How long a transaction may take until its commit. The other changes wait for it.
const LONGEST: Duration = Duration::from_millis(40);
/// What the turn of a user counts in addition to their versions: it needs up to thirteen statements.
const TURN: usize = 16;

/// How long ago a rotation may have begun that the next one goes on with: a day, in microseconds.
const LONGEST_PAUSE: i64 = 24 * 3_600 * SECOND;

/// How far a rotation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationPosition {
    /// Keys that were made earlier are old.
    before: Timestamp,
    /// The last user whose turn is over.
    user: UserId,
    /// The last secret of the next user that was taken.
    secret: SecretId,
    /// How many users could not be taken.
    left: u64,
    /// Whether no user is left.
    is_at_end: bool,
    /// How many versions the next portion takes. Each takes twice as many as the one before, as long as that is quick.
    #[serde(default)]
    size: u16,
}

impl RotationPosition {
    /// How many versions the next portion takes. The position comes from a client.
    fn size(&self) -> u16 {
        self.size.clamp(FEWEST, MOST)
    }
}

/// A rotation that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationBegun {
    /// Where to go on.
    pub position: RotationPosition,
    /// Whether it goes on with one that was stopped.
    pub resumed: bool,
    /// How many versions of secrets there are.
    pub versions: i64,
}

/// A portion of a rotation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationPortion {
    /// Where to go on; `None` at the end.
    pub position: Option<RotationPosition>,
    /// How many users got a new key and lost the old one.
    pub users: i64,
    /// How many data keys were wrapped again.
    pub data_keys: i64,
    /// How many versions were passed, including those that needed nothing.
    pub versions: i64,
    /// The users with a row that was changed in the database. They keep their keys.
    pub left: Vec<UserId>,
}

impl Vault {
    /// Begins to give each user a new key, or goes on with a rotation that was stopped. Needs `admin`.
    pub async fn begin_user_key_rotation(&self, caller: &Caller) -> Result<RotationBegun, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        let record = self.rotation_record(caller);
        let (before, resumed) = self.change(caller, Begin { record }).await?;
        let versions = self
            .in_time(async {
                let mut tx = self.shared.database.read().await?;
                Ok(versions::count_all(&mut tx).await?)
            })
            .await?;
        let position = RotationPosition {
            before,
            user: UserId(Uuid::nil()),
            secret: SecretId(Uuid::nil()),
            left: 0,
            is_at_end: false,
            size: FEWEST,
        };
        Ok(RotationBegun {
            position,
            resumed,
            versions,
        })
    }

    /// Does a portion of the rotation, in one transaction. Call it until there is no position to go on from. Needs
    /// `admin`.
    pub async fn continue_user_key_rotation(
        &self,
        caller: &Caller,
        position: RotationPosition,
    ) -> Result<RotationPortion, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        let record = self.rotation_record(caller);
        let next = Continue { position, record };
        let mut portion = self.change(caller, next).await?;
        if let Some(at) = portion.position.filter(|at| at.is_at_end) {
            portion.position = None;
            // A user who could not be taken keeps the rotation open: the next one goes on with it.
            if at.left == 0 {
                let record = self.rotation_record(caller);
                let before = at.before;
                self.change(caller, Complete { before, record }).await?;
            }
        }
        Ok(portion)
    }

    fn rotation_record(&self, caller: &Caller) -> Record {
        let mut record = self.record(caller, Action::UserKeysRotated, Decision::Allowed);
        record.user_id = None;
        record
    }
}

struct Begin {
    record: Record,
}

impl Change for Begin {
    type Answer = (Timestamp, bool);

    fn user(&self) -> UserId {
        UserId(Uuid::nil())
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<Self::Answer, Error> {
        dialect::lock_installation(work.tx).await?;
        let stopped = installation::find_user_keys_before(work.tx).await?;
        // A moment in the future would make every key old for ever. One that is long ago would make none old: the row
        // has no MAC, and whoever rotates after a leak wants keys that are newer than that.
        let recent = work.now.plus(-LONGEST_PAUSE)..=work.now;
        if let Some(before) = stopped.filter(|before| recent.contains(before)) {
            return Ok((before, true));
        }
        installation::save_user_keys_before(work.tx, Some(work.now)).await?;
        work.has_written = true;
        let mut record = self.record.clone();
        record.reason = Some("begun".to_owned());
        work.records.push(record);
        Ok((work.now, false))
    }
}

struct Continue {
    position: RotationPosition,
    record: Record,
}

impl Change for Continue {
    type Answer = RotationPortion;

    /// It locks users after this position, in the order of their IDs, as in a group. The changes of the one at this
    /// position come before it.
    fn user(&self) -> UserId {
        let last = self.position.user.0.as_u128();
        UserId(Uuid::from_u128(last.saturating_add(1)))
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<RotationPortion, Error> {
        let began = Instant::now();
        let mut portion = RotationPortion::default();
        let mut at = self.position;
        let mut budget = usize::from(at.size());
        while budget > 0 && began.elapsed() < LONGEST {
            let Some(next) = users::next(work.tx, at.user).await? else {
                at.is_at_end = true;
                break;
            };
            let next = UserId(next);
            let turn = take_turn(work, next, &at, budget, &self.record).await?;
            let mut is_over = true;
            match turn {
                Turn::Passed { versions } => portion.versions += versions,
                Turn::Left => {
                    portion.left.push(next);
                    at.left += 1;
                }
                Turn::Taken {
                    data_keys,
                    versions,
                    after,
                } => {
                    portion.data_keys += data_keys;
                    portion.versions += versions;
                    budget = budget.saturating_sub(usize::try_from(versions).unwrap_or(budget));
                    is_over = after.is_none();
                    at.secret = after.unwrap_or(at.secret);
                    portion.users += i64::from(is_over);
                }
            }
            if !is_over {
                break;
            }
            at.user = next;
            at.secret = SecretId(Uuid::nil());
            budget = budget.saturating_sub(TURN);
        }
        at.size = next_size(at.size(), began.elapsed());
        portion.position = Some(at);
        Ok(portion)
    }
}

/// How many versions the next portion takes, after one of this size.
fn next_size(size: u16, took: Duration) -> u16 {
    if took > LONGEST {
        FEWEST.max(size / 2)
    } else if took < LONGEST / 2 {
        MOST.min(size * 2)
    } else {
        size
    }
}

/// Ends the rotation that began at `before`; another command may have ended it already, and begun the next one. Not part
/// of the last portion: it locks the installation before it locks any user.
struct Complete {
    before: Timestamp,
    record: Record,
}

impl Change for Complete {
    type Answer = ();

    fn user(&self) -> UserId {
        UserId(Uuid::nil())
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        dialect::lock_installation(work.tx).await?;
        if installation::find_user_keys_before(work.tx).await? == Some(self.before) {
            installation::save_user_keys_before(work.tx, None).await?;
            let mut record = self.record.clone();
            record.reason = Some("completed".to_owned());
            work.records.push(record);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portions_grow_while_they_are_quick_and_stay_within_bounds() {
        let quick = LONGEST / 4;
        let grown: Vec<_> =
            std::iter::successors(Some(FEWEST), |size| Some(next_size(*size, quick)))
                .take(7)
                .collect();
        assert_eq!(grown, [32, 64, 128, 256, 512, 512, 512]);
        assert_eq!(next_size(256, LONGEST * 3 / 4), 256);
        assert_eq!(next_size(256, LONGEST * 2), 128);
        assert_eq!(next_size(FEWEST, LONGEST * 2), FEWEST);
    }
}
