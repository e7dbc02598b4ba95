//! The relay: any agent in front, any tool server behind, no key in sight.
//!
//! JSON-RPC passes as it came ([`protocol`]), in either era of the protocol; only three things change on the
//! way: the list of tools loses the arguments that are keys ([`listing`], [`schema`]), a call gets their values
//! ([`call`]), and nothing that comes back holds one ([`downstream`]).
//!
//! # Layout
//!
//! - [`Gateway`]: start here. `legacy` and `modern` are the two eras, `together` all servers on one path.
//! - [`shared`], [`access`], [`session`], [`given`]: who has built what. Nothing is shared between two callers.
//! - [`server`], [`link`], [`context`], `upstream/`, [`program`]: the ways to a server.
//! - [`call`], [`listing`], [`catalogue`], [`schema`], [`pending`]: tools and the secrets that they want.
//! - [`downstream`], [`stream`], [`reply`], [`refusal`]: the way back.

mod access;
mod call;
mod catalogue;
mod context;
mod downstream;
mod figures;
mod gateway;
mod given;
mod janitor;
mod legacy;
mod link;
mod listing;
mod modern;
mod pending;
mod program;
pub mod protocol;
mod refusal;
mod reply;
mod request;
mod schema;
mod server;
mod session;
mod shared;
mod stream;
mod subscription;
mod tasks;
mod together;
mod upstream;

pub use self::figures::{Durations, Figures};
pub use self::gateway::Gateway;
pub use self::pending::{PendingSecret, SetError};
pub use self::reply::{McpBody, McpReply};
pub use self::request::McpRequest;
