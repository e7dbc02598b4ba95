//! The way of an answer from a server back to the client.
//!
//! [`Answering`] takes the [`Exchange`](super::links::Exchange), `downstream` checks each message and takes values out
//! of it, and `stream` passes events on as they come.

mod downstream;
mod reply;
mod stream;
mod subscription;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use toolvault_vault::Vault;

pub(crate) use self::downstream::{Downstream, Passed, untagged};
pub(crate) use self::reply::Answering;
pub use self::reply::{McpBody, McpReply};
pub(crate) use self::stream::Relay;
pub(crate) use self::subscription::{Announcement, subscription_member};
use super::metrics::Metrics;
use super::rules::Rules;

/// What it takes to relay an answer.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) vault: Vault,
    /// The rules by which the request was answered.
    pub(crate) rules: Arc<Rules>,
    pub(crate) metrics: Arc<Metrics>,
    /// Cancelled when the gateway closes.
    pub(crate) stop: CancellationToken,
}
