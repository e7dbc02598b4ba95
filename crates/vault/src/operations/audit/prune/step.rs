//! One step of a prune: what it keeps of the pages, and its transaction.

use std::sync::Arc;

use toolvault_core::audit::cut::Cut;
use toolvault_core::audit::page::{Head, Page};
use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::digest::hexadecimal;
use toolvault_core::identity::{InstallationId, UserId};
use toolvault_core::keyring::Keyring;
use uuid::Uuid;

use crate::caller::Caller;
use crate::error::Error;
use crate::operations::audit::verify::expected::Expected;
use crate::operations::audit::verify::kept::{self, Contents, Kept};
use crate::store::audit::Span;
use crate::store::audit_cut::{self, CutRow};
use crate::store::transaction::Tx;
use crate::store::{audit, dialect, given};
use crate::vault::Vault;
use crate::writer::change::{Change, Work};

/// The pruned part, which grows by each step.
pub(super) struct Pruner {
    record: Record,
    cut: Cut,
    kept: Kept,
    contents: Contents,
    /// The epochs of the trail that is verified, except the first: each with the number of its first page.
    epochs: Vec<(i64, i64)>,
}

/// How often a step is tried that the database did not answer in time.
const TRIES: usize = 3;

impl Pruner {
    /// What was pruned by now. The trail must be verified in the same transaction.
    pub(super) async fn new(vault: &Vault, caller: &Caller, tx: &mut Tx) -> Result<Self, Error> {
        let (cut, kept) = kept::load(tx, &vault.shared.keyring).await?;
        let contents = kept.contents()?;
        let epochs = audit::list_epochs(tx).await?;
        let mut record = vault.record(caller, Action::AuditPruned, Decision::Allowed);
        record.user_id = None;
        Ok(Self {
            record,
            cut: cut.unwrap_or_else(|| kept::cut(Head::EMPTY, &contents)),
            kept,
            contents,
            epochs: epochs
                .iter()
                .skip(1)
                .map(|epoch| (epoch.number, epoch.first_page))
                .collect(),
        })
    }

    /// Where the trail begins.
    pub(super) fn start(&self) -> &Head {
        &self.cut.head
    }

    /// Deletes the pages up to this position, which was verified.
    pub(super) async fn step(mut self, vault: &Vault, to: Head) -> Result<Self, Error> {
        let mut tx = vault.shared.database.read().await?;
        dialect::take_time(&mut tx).await?;
        let from = self.start().page;
        let found = kept::find_cut(&mut tx, &vault.shared.keyring).await?;
        if found.map_or(0, |cut| cut.head.page) != from {
            return Err(overtaken());
        }
        let pages = audit::pages_after(&mut tx, from, to.page - from).await?;
        drop(tx);
        let shared = Arc::clone(&vault.shared);
        let preparing = tokio::task::spawn_blocking(move || {
            let change = self.prepare(&shared.keyring, &pages, to)?;
            Ok::<_, Error>((self, change))
        });
        let (pruner, change) = preparing.await.map_err(Error::internal)??;
        pruner.commit(vault, change).await?;
        Ok(pruner)
    }

    /// Runs the change. Without an answer it may be on disk all the same, or can be tried again.
    async fn commit(&self, vault: &Vault, change: Prune) -> Result<(), Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match vault.writer.change(change.clone()).await {
                Err(error @ Error::Unavailable(_)) => error,
                done => return done,
            };
            let mut tx = vault.shared.database.read().await?;
            let found = kept::find_cut(&mut tx, &vault.shared.keyring).await?;
            if found.as_ref() == Some(&self.cut) {
                return Ok(());
            }
            if tries == TRIES || found.map_or(0, |cut| cut.head.page) != change.from {
                return Err(error);
            }
        }
    }

    fn prepare(
        &mut self,
        keyring: &Keyring,
        pages: &[(Page, Span)],
        to: Head,
    ) -> Result<Prune, Error> {
        let from = self.cut.head.clone();
        self.keep(keyring.installation(), pages, &to)?;
        let contents = self.kept.contents()?;
        let old = std::mem::replace(&mut self.contents, contents);
        let removed = old.keys();
        let removed = removed.filter(|object| !self.contents.contains_key(*object));
        let changed = self.contents.iter();
        let changed = changed.filter(|(object, content)| old.get(*object) != Some(*content));
        self.cut = kept::cut(to, &self.contents);
        let to = &self.cut.head;
        let mut record = self.record.clone();
        record.state = Some(kept::state_text(&self.cut));
        record.count = Some(to.sequence - from.sequence);
        record.reason = Some(format!(
            "up to record {} of page {}, hash {}",
            to.sequence,
            to.page,
            hexadecimal(&to.hash)
        ));
        Ok(Prune {
            from: from.page,
            row: kept::row(&self.cut, keyring),
            removed: removed.cloned().collect(),
            changed: changed
                .map(|(object, content)| (object.clone(), content.clone()))
                .collect(),
            record,
        })
    }

    /// Takes from the pages what is kept of them, if they lead to the verified position.
    fn keep(
        &mut self,
        installation: InstallationId,
        pages: &[(Page, Span)],
        to: &Head,
    ) -> Result<(), Error> {
        let mut head = self.cut.head.clone();
        for (page, _) in pages {
            if !page.follows(installation, &head) {
                return Err(Error::Integrity);
            }
            let begun = self.epochs.iter();
            let begun = begun.filter(|(_, first)| *first == page.number);
            let befores = begun.map(|(epoch, _)| (*epoch, head.hash));
            self.kept.befores.extend(befores);
            let records = page.read_records().map_err(|_| Error::Integrity)?;
            records
                .into_iter()
                .filter(Expected::concerns)
                .for_each(|record| self.kept.expected.follow(record));
            head = page.head();
        }
        if head == *to {
            Ok(())
        } else {
            Err(Error::Integrity)
        }
    }
}

fn overtaken() -> Error {
    let why = "another command pruned the audit trail meanwhile; run it again";
    Error::Unavailable(Some(why.into()))
}

#[derive(Clone)]
struct Prune {
    /// The last page that was pruned before.
    from: i64,
    row: CutRow,
    removed: Vec<String>,
    changed: Vec<(String, String)>,
    record: Record,
}

impl Change for Prune {
    type Answer = ();

    fn user(&self) -> UserId {
        UserId(Uuid::nil())
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        if !audit_cut::replace(work.tx, self.from, &self.row).await? {
            return Err(overtaken());
        }
        let deleted = audit_cut::delete_pages(work.tx, self.row.page).await?;
        if i64::try_from(deleted).ok() != Some(self.row.page - self.from) {
            return Err(Error::Integrity);
        }
        let statements = vec![
            audit_cut::delete_kept(std::mem::take(&mut self.removed)),
            audit_cut::save_kept(&self.changed),
        ];
        given::run(work.tx, statements, None).await?;
        work.records.push(self.record.clone());
        Ok(())
    }
}
