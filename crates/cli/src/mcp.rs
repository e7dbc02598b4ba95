//! MCP as a client of the gateway speaks it: Streamable HTTP, in both eras of the protocol.
//!
//! [`Endpoint`] asks, [`Messages`] are what comes back, [`Message`] reads one of them, [`headers`] says in headers
//! what a message says about itself. Start with [`Endpoint::post`].

mod endpoint;
mod events;
pub(crate) mod headers;
mod message;
mod messages;
mod mirror;

pub(crate) use self::endpoint::Endpoint;
pub(crate) use self::message::{Message, error};
pub(crate) use self::messages::{Incoming, Messages};
pub(crate) use self::mirror::Mirror;

/// The largest message, in bytes: what the gateway takes by default.
pub(crate) const LARGEST_MESSAGE: usize = 16 << 20;
