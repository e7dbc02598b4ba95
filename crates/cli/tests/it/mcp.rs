//! `mcp`: the servers behind the gateway, and clients of it.

mod file;
mod import;
mod script;
mod stdio;
mod test;
