//! Secrets that were not used for a time, as the audit trail says.

use std::collections::HashSet;

use toolvault_core::audit::record::{Action, Decision};
use toolvault_core::identity::SecretId;
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_vault::SecretInfo;

use crate::api::Api;
use crate::api::local::PORTION;
use crate::failure::Failure;

/// Leaves the secrets that were not used from `since` on.
pub(super) async fn retain(
    api: &Api<'_>,
    secrets: &mut Vec<SecretInfo>,
    since: Timestamp,
) -> Result<(), Failure> {
    let mut unused: HashSet<SecretId> = secrets.iter().map(|secret| secret.secret_id).collect();
    let filter = [
        ("since", since.to_string()),
        ("action", Action::SecretUsed.name().to_owned()),
    ];
    let mut cursor = None;
    while !unused.is_empty() {
        let page = api.records(&filter, PORTION, cursor).await?;
        let uses = page.data.iter();
        let uses = uses.filter(|record| record.decision == Decision::Allowed);
        for id in uses.filter_map(|record| record.secret_id) {
            unused.remove(&id);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    secrets.retain(|secret| unused.contains(&secret.secret_id));
    let created = secrets.iter().map(|secret| secret.created_at);
    let Some(from) = needed_from(created, since) else {
        return Ok(());
    };
    // Pruning deletes records from the oldest on: if an earlier one is there, so are all of these.
    let earlier = [("until", from.plus(MARGIN).to_string())];
    if api.records(&earlier, 1, None).await?.data.is_empty() {
        let why = format!(
            "the audit trail has no records from before {from}, so it does not show what was unused since then"
        );
        return Err(Failure::refused(why)
            .hint("older records were pruned; name a shorter time for --unused"));
    }
    Ok(())
}

/// The record of a secret's creation is written with it, or right after it; in microseconds.
const MARGIN: i64 = 60 * SECOND;

/// From when on the trail must have records to show that secrets, which were created then, are unused since `since`.
fn needed_from(created: impl Iterator<Item = Timestamp>, since: Timestamp) -> Option<Timestamp> {
    created.map(|created| created.max(since)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_needed_from_the_creation_of_the_oldest_secret_but_not_from_before_the_span() {
        let at = Timestamp::from_microseconds;
        let needed = |created: &[i64]| needed_from(created.iter().copied().map(at), at(10));
        assert_eq!(needed(&[]), None);
        assert_eq!(needed(&[30, 20]), Some(at(20)));
        assert_eq!(needed(&[30, 5]), Some(at(10)));
    }
}
