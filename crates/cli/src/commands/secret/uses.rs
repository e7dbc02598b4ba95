//! The versions of secrets, and who used them last.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use toolvault_core::identity::SecretId;
use toolvault_core::timestamp::Timestamp;
use toolvault_gateway::http::Method;

use crate::api::{Api, Body, List};
use crate::failure::Failure;

/// What is known of one secret; its last use only if it was in the last 30 days.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Use {
    pub(super) version: Option<i64>,
    pub(super) last_used_at: Option<Timestamp>,
    pub(super) last_tool: Option<String>,
    pub(super) last_actor: Option<String>,
}

impl Use {
    pub(super) fn version(&self) -> String {
        self.version
            .map(|number| number.to_string())
            .unwrap_or_default()
    }

    pub(super) fn last_used(&self) -> String {
        self.last_used_at
            .map(|at| at.whole_second().to_string())
            .unwrap_or_default()
    }
}

/// The versions and uses of all secrets.
pub(super) async fn all(api: &Api<'_>) -> Result<HashMap<SecretId, Use>, Failure> {
    #[derive(Deserialize)]
    struct Listed {
        secret_id: SecretId,
        #[serde(flatten)]
        used: Use,
    }
    let url = api.url(&["uses"]);
    let list: List<Listed> = api.fetch(Method::GET, &url, Body::Nothing).await?;
    Ok(list
        .data
        .into_iter()
        .map(|one| (one.secret_id, one.used))
        .collect())
}
