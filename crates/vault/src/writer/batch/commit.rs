//! The transaction of a group.
//!
//! Changes of secrets decide on [`Rows`] in memory, so their number does not change the number of round trips. All
//! others run statements of their own behind savepoints; they form groups of their own.

use std::collections::BTreeSet;

use toolvault_core::identity::UserId;

use super::{Batch, Outcome};
use crate::error::Error;
use crate::shared::Shared;
use crate::store::audit::HeadRow;
use crate::store::given::{self, Statement};
use crate::store::transaction::Tx;
use crate::store::wanted::Wanted;
use crate::store::{api_keys, audit, installation};
use crate::writer::change::{Applied, ErasedChange, Work};
use crate::writer::page;
use crate::writer::rows::Rows;

impl Batch {
    /// Runs everything in one transaction; returns whether anything was written.
    pub(super) async fn commit(
        &mut self,
        shared: &Shared,
        outcome: &mut Outcome,
    ) -> Result<bool, Error> {
        let wanted: BTreeSet<_> = self
            .changes
            .iter()
            .filter_map(|change| change.wants())
            .collect();
        // Each once: several changes may be of one secret.
        let wanted: Vec<_> = wanted.into_iter().collect();
        if wanted.is_empty() {
            return self.commit_apart(shared, outcome, &[]).await;
        }
        let mut users: Vec<_> = wanted.iter().map(|one| one.user).collect();
        users.dedup();
        let records = outcome.records.len();
        let committed = self.commit_together(shared, outcome, &users, &wanted).await;
        match committed {
            // The row of one change must not keep the others from being saved.
            Err(error) if error.is_about_rows() => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "changes are saved one by one"
                );
                outcome.records.truncate(records);
                outcome.effects.clear();
                outcome.has_written = false;
                outcome.page = None;
                self.commit_apart(shared, outcome, &users).await
            }
            committed => committed,
        }
    }

    /// Reads at once what the changes decide on, and writes at once what they leave.
    async fn commit_together(
        &mut self,
        shared: &Shared,
        outcome: &mut Outcome,
        users: &[UserId],
        wanted: &[Wanted],
    ) -> Result<bool, Error> {
        let mut tx = shared.database.write(users).await?;
        // Before the head is locked, as every process does, so that two cannot deadlock.
        self.save_key_uses(&mut tx, false).await?;
        let (mut rows, head) = Rows::read_and_lock_head(&mut tx, wanted).await?;
        for change in &mut self.changes {
            let work = Work::new(shared, &mut tx, &mut rows, false);
            apply(work, change.as_mut(), outcome).await?;
        }
        let statements = rows.statements(shared)?;
        self.finish(shared, tx, statements, Some(head), outcome)
            .await
    }

    /// Runs each change except the first behind a savepoint, in a transaction that has locked these users.
    async fn commit_apart(
        &mut self,
        shared: &Shared,
        outcome: &mut Outcome,
        users: &[UserId],
    ) -> Result<bool, Error> {
        let mut tx = shared.database.write(users).await?;
        // Whether a change is in the transaction, and whether there is a savepoint.
        let (mut is_begun, mut is_marked) = (false, false);
        // Whether what the transaction holds is what the savepoint, or its beginning, would give back.
        let mut is_at_mark = true;
        for change in &mut self.changes {
            if !is_at_mark {
                tx.set_savepoint(is_marked).await?;
                is_marked = true;
            }
            let mut rows = Rows::default();
            let work = Work::new(shared, &mut tx, &mut rows, true);
            is_at_mark = !apply(work, change.as_mut(), outcome).await?;
            if !is_at_mark {
                is_begun = true;
            } else if is_begun {
                tx.undo_change().await?;
            } else {
                // Nothing else is in the transaction, so it needs no savepoint.
                tx.rollback().await?;
                tx = shared.database.write(users).await?;
            }
        }
        self.save_key_uses(&mut tx, is_marked).await?;
        self.finish(shared, tx, Vec::new(), None, outcome).await
    }

    /// Saves when keys were last used, after a savepoint. A failure is not worth losing the group, so it is ignored.
    async fn save_key_uses(&mut self, tx: &mut Tx, is_marked: bool) -> Result<(), Error> {
        if self.key_uses.is_empty() {
            return Ok(());
        }
        tx.set_savepoint(is_marked).await?;
        let uses: Vec<_> = self.key_uses.iter().map(|(key, at)| (*key, *at)).collect();
        let saved = given::run(tx, vec![api_keys::save_uses(&uses)], None).await;
        if let Err(error) = saved {
            tracing::warn!(error = %error, "when keys were last used was not saved");
            tx.undo_change().await?;
        }
        Ok(())
    }

    /// Writes what the changes left and the audit page, and commits. `head` is that of the trail if it is locked.
    async fn finish(
        &mut self,
        shared: &Shared,
        mut tx: Tx,
        mut statements: Vec<Statement>,
        head: Option<HeadRow>,
        outcome: &mut Outcome,
    ) -> Result<bool, Error> {
        let announcement = shared.channel.announce(&outcome.effects);
        outcome.announced = announcement.as_ref().map(|announcement| announcement.batch);
        let payload = announcement
            .as_ref()
            .map(|announcement| announcement.payload.as_str());
        if outcome.records.is_empty() {
            let has_rows = statements.iter().any(Statement::has_rows);
            if self.is_probe {
                // A transaction without a write would also succeed on a full disk.
                installation::rewrite(&mut tx).await?;
            } else if self.key_uses.is_empty() && !outcome.has_written && !has_rows {
                tx.rollback().await?;
                return Ok(false);
            }
        } else {
            let head = match head {
                Some(head) => Some(head),
                // Last, because every process on the database needs it for its own commit.
                None => audit::lock_head(&mut tx).await?,
            };
            let head = head.ok_or(Error::Integrity)?;
            let (pages, last) = page::press(shared, head, &mut outcome.records)?;
            outcome.page = Some(last);
            statements.extend(pages);
        }
        given::run(&mut tx, statements, payload).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Runs one change, and returns whether to keep it. An error here comes from the database.
async fn apply(
    mut work: Work<'_>,
    change: &mut dyn ErasedChange,
    outcome: &mut Outcome,
) -> Result<bool, Error> {
    let applied = change.apply(&mut work).await;
    let Work {
        shared,
        mut records,
        has_written,
        effects,
        now,
        ..
    } = work;
    match applied {
        Applied::Done => {
            // The time of the change, not of the request: the request may have waited in the queue.
            for record in &mut records {
                record.at = now;
            }
            outcome.records.extend(records);
            outcome.has_written |= has_written;
            outcome.effects.extend(effects);
            Ok(true)
        }
        Applied::Refused => Ok(false),
        Applied::Failed => {
            shared.distrust();
            Err(Error::Unavailable(None))
        }
    }
}
