//! How tools are reached: every connection that Toolvault opens to somebody else starts here.
//!
//! # Layout
//!
//! - [`http`]: the one guarded HTTP client and the rules about where it may connect.
//! - `mcp`: tools of MCP servers, passed on without the arguments that are keys.
//! - [`settings`]: the servers that are reached, and the rules for all of them.

pub mod http;
mod mcp;
pub mod settings;

pub use http::{GuardedClient, HttpError, HttpPolicy, Response};
pub use settings::{GatewayLimits, GatewaySettings, ServerName, ServerSettings, Template};
