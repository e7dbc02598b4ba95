//! `mcp`: the servers behind the gateway, and clients of it.

mod file;
mod import;
mod script;
#[cfg(target_os = "linux")]
mod shut_in;
mod stdio;
mod test;
