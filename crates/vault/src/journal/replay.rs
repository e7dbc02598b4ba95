//! Puts the records that an earlier process left in the journal into the trail.

use std::collections::HashMap;

use toolvault_core::audit::journal::{Contents, End};
use toolvault_core::audit::record::{Action, Actor, Decision, Record};

use crate::error::Error;
use crate::journal::Journal;
use crate::shared::Shared;
use crate::store::audit;
use crate::store::transaction::Tx;
use crate::writer::page;

/// Pages read per query.
const PORTION: i64 = 64;

/// Saves every record of `left` that no page has, and empties the journal. A journal that was changed gets a record.
pub(crate) async fn replay(
    shared: &Shared,
    journal: &Journal,
    left: Contents,
) -> Result<(), Error> {
    let mut tx = shared.database.write().await?;
    let mut records = missing(&mut tx, left.page, left.records).await?;
    let count = records.len();
    match left.end {
        End::Whole => {}
        End::Torn => {
            tracing::warn!("the journal ends with a part of a record; its use was not answered");
        }
        End::Changed => {
            tracing::error!("the journal of uses was changed; a copy is in uses.journal.changed");
            records.push(changed(shared));
        }
    }
    let newest = if records.is_empty() {
        audit::find_head(&mut tx)
            .await?
            .ok_or(Error::Integrity)?
            .page
    } else {
        page::append(shared, &mut tx, &mut records).await?
    };
    tx.commit().await?;
    if count > 0 {
        tracing::info!(count, "uses from the journal were added to the audit trail");
    }
    journal.begin(newest).map_err(Error::internal)
}

/// The records that no page after `page` has. Records may be equal, so they are counted.
async fn missing(tx: &mut Tx, page: i64, records: Vec<Record>) -> Result<Vec<Record>, Error> {
    if records.is_empty() {
        return Ok(records);
    }
    let mut saved: HashMap<String, usize> = HashMap::new();
    let mut after = page;
    loop {
        let pages = audit::pages_after(tx, after, PORTION).await?;
        let Some((last, _)) = pages.last() else { break };
        after = last.number;
        for (page, _) in pages {
            for mut record in page.read_records().map_err(|_| Error::Integrity)? {
                record.sequence = 0;
                *saved.entry(text(&record)?).or_default() += 1;
            }
        }
    }
    let mut missing = Vec::new();
    for record in records {
        match saved.get_mut(&text(&record)?) {
            Some(count) if *count > 0 => *count -= 1,
            _ => missing.push(record),
        }
    }
    Ok(missing)
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
