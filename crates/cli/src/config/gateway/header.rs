//! The headers for a server: which names may be set, and their values.

use std::collections::BTreeSet;

use toolvault_gateway::http::{HeaderName, HeaderValue};
use toolvault_gateway::settings::{Header, Part};

use crate::config::layers::Layers;

/// Headers of the protocols: framing, the connection, and MCP.
const RESERVED: [&str; 18] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "last-event-id",
    "origin",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];
const RESERVED_PREFIX: &str = "mcp-";

/// The headers in `table`.
pub(super) fn all(layers: &mut Layers, table: &str) -> Vec<Header> {
    let mut seen = BTreeSet::new();
    let mut headers = Vec::new();
    for (spelled, text) in layers.texts_below(table) {
        let key = format!("{table}{spelled}");
        let Some(name) = checked_name(&spelled) else {
            layers.problem_at(&key, "expected the name of a header");
            continue;
        };
        if is_reserved(&name) {
            layers.problem_at(
                &key,
                "this header belongs to the protocol and cannot be set",
            );
        } else if !seen.insert(name.as_str().to_owned()) {
            layers.problem_at(&key, "the same header is set twice, in two spellings");
        } else if let Some(value) = layers.template(&key, &text) {
            let is_plain = |part: &Part| match part {
                Part::Text(text) => HeaderValue::from_str(text).is_ok(),
                Part::Reference(_) => true,
            };
            if !value.parts().iter().all(is_plain) {
                layers.problem_at(&key, "a control character in a header is refused");
                continue;
            }
            headers.push(Header {
                name,
                spelling: spelled,
                value,
            });
        }
    }
    headers
}

/// Whether an operator may not set this header.
pub(crate) fn is_reserved(name: &HeaderName) -> bool {
    let name = name.as_str();
    RESERVED.contains(&name) || name.starts_with(RESERVED_PREFIX)
}

fn checked_name(text: &str) -> Option<HeaderName> {
    HeaderName::from_bytes(text.as_bytes()).ok()
}
