//! How tools are reached: every connection that Toolvault opens starts here.
//!
//! # Layout
//!
//! - [`alarms`]: what people have to know at once, on its way to them.
//! - [`bucket`]: objects on their way to an S3-compatible store.
//! - [`http`]: the one guarded HTTP client and the rules about where it may connect.
//! - [`mcp`]: the relay between agents and tool servers.
//! - [`oauth`]: signing in at tool servers.
//! - [`shipping`]: audit records on their way to a receiver elsewhere.
//! - [`settings`]: the servers that are reached, and the rules for all of them.
//! - [`otlp`]: what all OTLP has in common.
//! - [`traces`]: spans on their way to a collector.
//! - [`stdio`]: programs on this machine, and what they must not read.

pub mod alarms;
pub mod bucket;
pub mod http;
pub mod mcp;
pub mod oauth;
mod otlp;
pub mod settings;
pub mod shipping;
pub mod stdio;
pub mod traces;

pub use http::{GuardedClient, HttpError, HttpPolicy, Response};
pub use settings::{GatewayLimits, GatewaySettings, ServerName, ServerSettings, Template};
