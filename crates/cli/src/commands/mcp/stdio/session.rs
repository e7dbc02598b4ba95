//! What a client of the earlier era has opened with `initialize`.

use tokio_util::sync::CancellationToken;
use toolvault_core::json::Value;
use toolvault_gateway::http::{HeaderMap, HeaderValue};
use toolvault_gateway::mcp::protocol::Message;
use toolvault_gateway::mcp::protocol::headers::{PROTOCOL_VERSION, SESSION_ID};

/// A session, and the version that both sides agreed on. Both may be none.
#[derive(Default)]
pub(super) struct Session {
    id: Option<HeaderValue>,
    version: Option<HeaderValue>,
    /// Ends the stream of what the server sends by itself.
    pub(super) listening: CancellationToken,
}

impl Session {
    /// The session that this answer to `initialize` opens; none if it is a refusal.
    pub(super) fn of(head: &HeaderMap, answer: &Message<'_>) -> Option<Self> {
        let version = answer.result()?.get("protocolVersion")?;
        let version = Value::as_text(version)?.ok()?;
        Some(Self {
            id: head.get(SESSION_ID).cloned(),
            version: HeaderValue::from_str(&version).ok(),
            listening: CancellationToken::new(),
        })
    }

    /// Whether there is something to end.
    pub(super) fn has_id(&self) -> bool {
        self.id.is_some()
    }

    /// What each further message says about it.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        if let Some(id) = &self.id {
            map.insert(SESSION_ID, id.clone());
        }
        if let Some(version) = &self.version {
            map.insert(PROTOCOL_VERSION, version.clone());
        }
        map
    }
}
