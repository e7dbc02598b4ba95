//! The client against real sockets on this machine, and the address rules against the registries.

mod address;
mod exchange;
mod opening;
mod refusal;
mod resolution;
mod server;

use std::time::Duration;

use super::{GuardedClient, HttpPolicy};

/// A policy that reaches this machine, with a cap of 1 KiB.
fn local_policy() -> HttpPolicy {
    HttpPolicy {
        total_timeout: Duration::from_secs(20),
        max_body_bytes: 1024,
        allow_private_network: true,
        ..HttpPolicy::default()
    }
}

fn local_client() -> GuardedClient {
    GuardedClient::new(local_policy()).unwrap()
}
