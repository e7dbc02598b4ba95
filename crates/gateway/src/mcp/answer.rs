//! How the answer of a server goes back to the client.
//!
//! [`Answering`] takes the [`Exchange`](super::links::Exchange), `downstream` checks each message and takes values out
//! of it, and `stream` passes events on as they come.

mod downstream;
mod reply;
mod stream;
mod subscription;

pub(crate) use self::downstream::{Downstream, Passed, Services, untagged};
pub(crate) use self::reply::Answering;
pub use self::reply::{McpBody, McpReply};
pub(crate) use self::stream::Relay;
pub(crate) use self::subscription::{Announcement, subscription_member};
