//! How tools are reached: every connection that Toolvault opens to somebody else starts here.
//!
//! # Layout
//!
//! - [`http`]: the one guarded HTTP client and the rules about where it may connect.

pub mod http;

pub use http::{GuardedClient, HttpError, HttpPolicy, Response};
