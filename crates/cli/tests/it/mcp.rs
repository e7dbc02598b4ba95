//! `mcp`: the servers behind the gateway, and clients of it.

mod file;
mod script;
#[cfg(target_os = "linux")]
mod shut_in;
mod stdio;
