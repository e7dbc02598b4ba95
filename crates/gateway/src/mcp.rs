//! The relay between agents and tool servers. The README in this folder shows the way of a call.
//!
//! JSON-RPC messages pass as they came. Three things change on the way: hidden arguments are taken out of lists of tools
//! ([`tools`], [`schema`]), secrets are put into calls ([`call`]), and their values are taken out of everything that
//! comes back ([`answer`]).
//!
//! # Layout
//!
//! A module uses only those below it.
//!
//! - [`Gateway`]: start here.
//! - [`multiplex`]: requests to all servers at once; [`one`]: requests to one server.
//! - [`connect`]: how people sign in at servers.
//! - [`eras`], [`conversation`]: what the two eras of the protocol do differently.
//! - [`external`]: messages that another gateway relays.
//! - [`explain`]: what would become of a call; [`overview`]: what is known of the servers.
//! - [`call`]: one `tools/call`.
//! - [`state`], [`janitor`]: what is kept between requests, and when it ends.
//! - [`answer`]: the way of an answer back to the client.
//! - [`session`], [`links`]: connections of clients and to servers.
//! - [`access`]: what one caller may reach at one server. Two callers share nothing.
//! - [`accounts`]: tokens for servers.
//! - [`tools`], [`schema`]: what servers list.
//! - [`pins`], [`visible`]: which of them are as they were, and what a caller sees of them.
//! - [`rules`], [`server`], [`pending`], [`record`], [`last_call`], [`repeats`], [`metrics`], [`refusal`].
//! - [`protocol`]: the Model Context Protocol itself.

mod access;
mod accounts;
mod answer;
mod call;
mod connect;
mod conversation;
mod eras;
mod explain;
mod external;
mod gateway;
mod janitor;
mod last_call;
mod links;
mod metrics;
mod multiplex;
mod one;
mod overview;
mod pending;
mod pins;
pub mod protocol;
mod record;
mod refusal;
mod repeats;
mod rules;
mod schema;
mod secure;
mod server;
mod session;
mod state;
mod tools;
mod used;
mod visible;

pub use self::answer::{McpBody, McpReply};
pub use self::connect::{BegunConnection, ConnectError};
pub use self::explain::GatewayExplanation;
pub use self::external::{Checked, ExternalMessage, ExternalRefusal};
pub use self::gateway::Gateway;
pub use self::last_call::{LastCall, ServerState};
pub use self::overview::{Listing, ServerOverview, ToolOverview};
pub use self::pending::{PendingSecret, SetError};
pub use self::pins::ListedPin;
pub use self::refusal::RefusalKind;
pub use self::state::{GatewayError, McpRequest};
pub use crate::oauth::AuthorizationAnswer;
