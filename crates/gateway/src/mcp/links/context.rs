//! The metadata of the gateway's own requests to a server: version, client and capabilities.

use ::http::{HeaderMap, HeaderValue};
use toolvault_core::json::write_string;

use crate::mcp::protocol::headers::PROTOCOL_VERSION;
use crate::mcp::protocol::{Era, METADATA, Message};

/// The version in which the gateway asks for itself.
const VERSION: &str = "2026-07-28";

/// The metadata of the gateway's own requests. In the later era, where each request stands alone, it is the client's.
#[derive(Clone, Default)]
pub(crate) struct Context {
    /// `_meta` as JSON.
    metadata: Option<String>,
    headers: HeaderMap,
}

impl Context {
    pub(crate) fn of(message: &Message<'_>, headers: &HeaderMap, era: Era) -> Self {
        if era == Era::Legacy {
            return Self::default();
        }
        let names = ["protocolVersion", "clientInfo", "clientCapabilities"];
        let members: Vec<String> = names
            .into_iter()
            .filter_map(|name| {
                let value = message.metadata(name)?;
                Some(format!("\"{}{name}\":{}", METADATA, value.raw()))
            })
            .collect();
        let mut own = HeaderMap::new();
        if let Some(version) = headers.get(PROTOCOL_VERSION) {
            own.insert(PROTOCOL_VERSION, version.clone());
        }
        Self {
            metadata: Some(format!("{{{}}}", members.join(","))),
            headers: own,
        }
    }

    /// What a request says that no client has asked for.
    pub(crate) fn own() -> Self {
        let client = format!(
            r#"{{"name":"toolvault","version":"{}"}}"#,
            env!("CARGO_PKG_VERSION")
        );
        let members = [
            ("protocolVersion", format!("\"{VERSION}\"")),
            ("clientInfo", client),
            ("clientCapabilities", "{}".to_owned()),
        ];
        let members = members.map(|(name, value)| format!("\"{METADATA}{name}\":{value}"));
        let mut headers = HeaderMap::new();
        headers.insert(PROTOCOL_VERSION, HeaderValue::from_static(VERSION));
        Self {
            metadata: Some(format!("{{{}}}", members.join(","))),
            headers,
        }
    }

    /// The parameters of one of our requests.
    pub(crate) fn params(&self, cursor: Option<&str>) -> String {
        match cursor {
            Some(cursor) => self.params_with("cursor", cursor),
            None => self.params_of(None),
        }
    }

    /// The parameters of one of our requests, with one text member.
    pub(crate) fn params_with(&self, name: &str, value: &str) -> String {
        let mut text = format!("\"{name}\":").into_bytes();
        write_string(value, &mut text);
        self.params_of(String::from_utf8(text).ok())
    }

    fn params_of(&self, member: Option<String>) -> String {
        let metadata = self
            .metadata
            .as_ref()
            .map(|metadata| format!("\"_meta\":{metadata}"));
        let members: Vec<String> = member.into_iter().chain(metadata).collect();
        format!("{{{}}}", members.join(","))
    }

    /// The headers of one of our requests.
    pub(crate) fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }
}
