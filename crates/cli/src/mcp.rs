//! MCP over Streamable HTTP, as a client of the gateway: [`Endpoint`] sends requests, [`Messages`] reads what comes
//! back. The protocol itself is in `toolvault_gateway::mcp::protocol`.

mod endpoint;
mod messages;

pub(crate) use self::endpoint::Endpoint;
pub(crate) use self::messages::{Broken, Incoming, Messages};

/// The largest message, in bytes: the gateway's own limit unless it is configured.
pub(crate) const LARGEST_MESSAGE: usize = 16 << 20;
