//! Puts the records that an earlier process left in the journal into the trail.

use std::collections::HashMap;

use toolvault_core::audit::journal::{Contents, End};
use toolvault_core::audit::page::{Head, Page};
use toolvault_core::audit::record::{Action, Actor, Decision, Record};

use crate::error::Error;
use crate::journal::Journal;
use crate::shared::Shared;
use crate::store::audit::{self, HeadRow};
use crate::store::transaction::Tx;
use crate::writer::batch::Batch;

/// Pages read per query.
const PORTION: i64 = 64;

/// Saves every record of `left` that no page has, and begins the journal again. A journal that was changed gets a
/// record. What cannot be saved now waits for the writer, as after any group that was not saved.
pub(crate) async fn replay(
    shared: &Shared,
    journal: &Journal,
    left: Contents,
) -> Result<(), Error> {
    let mut tx = shared.database.read().await?;
    let head = audit::find_head(&mut tx).await?;
    let end = left.end;
    let mut records = missing(shared, &mut tx, head.as_ref(), left).await?;
    tx.rollback().await?;
    let count = records.len();
    match end {
        End::Whole => {}
        End::Torn => tracing::warn!(
            "the system stopped while the journal of uses was written; a copy is in uses.journal.torn"
        ),
        End::Changed => {
            tracing::error!("the journal of uses was changed; a copy is in uses.journal.changed");
            records.push(changed(shared));
        }
    }
    if !records.is_empty() {
        journal.note_unsaved(records);
        let is_saved = Batch::new(std::iter::empty(), Vec::new()).run(shared).await;
        if is_saved && count > 0 {
            tracing::info!(count, "uses from the journal were added to the audit trail");
        }
    } else if let Some(head) = head {
        journal.begin(head.page);
    }
    Ok(())
}

/// The records that the trail does not have. Records may be equal, so they are counted.
async fn missing(
    shared: &Shared,
    tx: &mut Tx,
    head: Option<&HeadRow>,
    left: Contents,
) -> Result<Vec<Record>, Error> {
    let mut saved = HashMap::new();
    for record in &left.records {
        saved.insert(text(record)?, 0);
    }
    if let Some(head) = head
        && !saved.is_empty()
    {
        count_saved(shared, tx, head, left.page, &mut saved).await?;
    }
    let mut missing = Vec::new();
    for record in left.records {
        match saved.get_mut(&text(&record)?) {
            Some(count) if *count > 0 => *count -= 1,
            _ => missing.push(record),
        }
    }
    Ok(missing)
}

/// Counts how often pages after `page` have each of these records.
///
/// Whoever writes to the database can insert a page with a record, but cannot sign it. The newest page is signed, and
/// its hash covers all before it; so pages count from the last one that does not follow the page before it. If no page
/// counts, a record may get into the trail twice, but never is one left out.
async fn count_saved(
    shared: &Shared,
    tx: &mut Tx,
    head: &HeadRow,
    page: i64,
    saved: &mut HashMap<String, usize>,
) -> Result<(), Error> {
    let installation = shared.keyring.installation();
    let mut newest: Option<Page> = None;
    let mut position = (page == 0).then_some(Head::EMPTY);
    let mut after = super::before(page);
    // Pages behind the head are not read: only a writer to the database puts them there.
    while after < head.page {
        let pages = match audit::pages_after(tx, after, PORTION.min(head.page - after))
            .await
            .map_err(Error::from)
        {
            Ok(pages) => pages,
            Err(error) if error.is_fatal() => return Err(error),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a page of the audit trail cannot be read; run toolvault audit verify"
                );
                newest = None;
                break;
            }
        };
        let Some((last, _)) = pages.last() else { break };
        after = last.number;
        for (next, _) in pages {
            if next.number > head.page {
                break;
            }
            if position.is_some_and(|position| next.follows(installation, &position)) {
                count(&next, saved)?;
            } else {
                forget(saved);
            }
            position = Some(next.head());
            newest = Some(next);
        }
    }
    let is_genuine = newest.is_some_and(|newest| {
        let signer = shared.signer(head);
        head.head() == Some(newest.head())
            && signer.is_ok_and(|signer| newest.is_signed(installation, signer.public_key()))
    });
    if !is_genuine {
        tracing::error!("the audit trail was changed or put back; run toolvault audit verify");
        forget(saved);
    }
    Ok(())
}

fn count(page: &Page, saved: &mut HashMap<String, usize>) -> Result<(), Error> {
    let Ok(records) = page.read_records() else {
        tracing::error!(
            page = page.number,
            "a page of the audit trail cannot be read"
        );
        return Ok(());
    };
    for mut record in records {
        record.sequence = 0;
        if let Some(count) = saved.get_mut(&text(&record)?) {
            *count += 1;
        }
    }
    Ok(())
}

fn forget(saved: &mut HashMap<String, usize>) {
    for count in saved.values_mut() {
        *count = 0;
    }
}

fn text(record: &Record) -> Result<String, Error> {
    serde_json::to_string(record).map_err(Error::internal)
}

fn changed(shared: &Shared) -> Record {
    let mut record = Record::new(
        shared.clock.now(),
        &Actor::Anonymous,
        None,
        Action::TamperingDetected,
        Decision::Denied,
    );
    record.reason = Some("journal".to_owned());
    record
}
