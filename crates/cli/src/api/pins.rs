//! Pins of tools: list and accept.

use serde::{Deserialize, Serialize};
use serde_json::json;
use toolvault_core::timestamp::Timestamp;
use toolvault_gateway::ServerName;
use toolvault_gateway::http::{Method, Url};

use super::{Api, Body, List};
use crate::failure::Failure;

/// What a tool is pinned as.
#[derive(Serialize, Deserialize)]
pub(crate) struct ToolPin {
    pub(crate) tool: String,
    pub(crate) sha256: String,
    pub(crate) pinned_at: Timestamp,
    pub(crate) warnings: Vec<String>,
    pub(crate) change: Option<ToolChange>,
}

/// A definition other than the pinned one.
#[derive(Serialize, Deserialize)]
pub(crate) struct ToolChange {
    pub(crate) sha256: String,
    pub(crate) seen_at: Timestamp,
    /// `None` if a definition was not kept.
    pub(crate) differences: Option<Vec<String>>,
    pub(crate) warnings: Vec<String>,
}

impl Api<'_> {
    fn pins_url(&self, server: &ServerName) -> Url {
        self.url(&["gateway", "pins", server.as_str()])
    }

    /// What the tools of a server are pinned as, by name.
    pub(crate) async fn list_pins(&self, server: &ServerName) -> Result<Vec<ToolPin>, Failure> {
        let url = self.pins_url(server);
        let list: List<ToolPin> = self.fetch(Method::GET, &url, Body::Nothing).await?;
        Ok(list.data)
    }

    /// Makes this change of a tool its pin.
    pub(crate) async fn accept_tool(
        &self,
        server: &ServerName,
        tool: &str,
        change: &ToolChange,
    ) -> Result<ToolPin, Failure> {
        let body = Body::json(&json!({ "tool": tool, "sha256": change.sha256 }));
        self.fetch(Method::POST, &self.pins_url(server), body).await
    }
}
