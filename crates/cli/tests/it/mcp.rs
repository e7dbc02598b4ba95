//! `mcp`: the servers behind the gateway, and clients of it.

mod file;
mod import;
pub(crate) mod listed;
mod pins;
mod sandbox;
pub(crate) mod script;
#[cfg(target_os = "linux")]
mod stdio;
mod test;
