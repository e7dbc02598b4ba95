//! What a client sent.

use ::http::{HeaderMap, Method};
use toolvault_vault::Caller;
use zeroize::Zeroizing;

use super::protocol::headers::{METHOD, NAME, PARAMETER, PROTOCOL_VERSION};

/// What a client sent.
#[expect(missing_debug_implementations, reason = "a message may hold anything")]
pub struct McpRequest {
    /// Who sent it.
    pub caller: Caller,
    /// The server of `/mcp/<server>`; `None` for `/mcp`.
    pub server: Option<String>,
    /// GET, POST or DELETE.
    pub method: Method,
    /// The headers. Only the protocol's own are looked at, and none of the caller's credentials goes on.
    pub headers: HeaderMap,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
    /// Scheme and authority under which the client reached us.
    pub base_url: String,
}

impl McpRequest {
    /// The headers that go on to a server: the protocol's own, and nothing else that a client sends.
    pub(crate) fn protocol_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let is_own = matches!(name.as_str(), PROTOCOL_VERSION | METHOD | NAME)
                || name.as_str().starts_with(PARAMETER);
            if is_own {
                headers.append(name.clone(), value.clone());
            }
        }
        headers
    }

    pub(crate) fn without_body(&self) -> Self {
        Self {
            caller: self.caller.clone(),
            server: self.server.clone(),
            method: self.method.clone(),
            headers: self.headers.clone(),
            body: Zeroizing::default(),
            base_url: self.base_url.clone(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
