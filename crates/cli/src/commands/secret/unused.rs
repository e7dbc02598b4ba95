//! Secrets that were not used for a time, as the audit trail says.

use std::collections::HashSet;

use toolvault_core::audit::record::{Action, Decision};
use toolvault_core::identity::SecretId;
use toolvault_core::timestamp::Timestamp;
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
    Ok(())
}
