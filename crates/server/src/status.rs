//! The server at a glance, for local commands.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toolvault_core::timestamp::Timestamp;
use toolvault_gateway::mcp::ServerState;
use toolvault_vault::StoreStatus;

use crate::jobs::{Job, JobState};

/// What `toolvault status` shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The version of the process that answers.
    pub version: String,
    /// When it started.
    pub started_at: Timestamp,
    /// Its store.
    pub store: StoreStatus,
    /// How its own jobs went.
    pub jobs: BTreeMap<Job, JobState>,
    /// The servers of the gateway.
    pub gateway: Vec<ServerState>,
}
