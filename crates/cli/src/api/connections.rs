//! Connections of the user to tool servers: list, begin, complete and delete.

use serde::{Deserialize, Serialize};
use serde_json::json;
use toolvault_core::confidential::Wiped;
use toolvault_core::timestamp::Timestamp;
use toolvault_gateway::ServerName;
use toolvault_gateway::http::Method;

use super::{Api, Body, List};
use crate::failure::Failure;

/// Where the user is signed in, or can be.
#[derive(Serialize, Deserialize)]
pub(crate) struct Connection {
    pub(crate) server: String,
    pub(crate) state: String,
    pub(crate) issuer: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) connected_at: Option<Timestamp>,
    pub(crate) renewed_at: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) can_refresh: bool,
}

/// A sign-in that has begun.
#[derive(Deserialize)]
pub(crate) struct Begun {
    pub(crate) url: String,
    pub(crate) issuer_host: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) flow: String,
}

impl Api<'_> {
    /// The servers at which the user is signed in, or can be, by name.
    pub(crate) async fn list_connections(&self) -> Result<Vec<Connection>, Failure> {
        let url = self.url(&["connections"]);
        let list: List<Connection> = self.fetch(Method::GET, &url, Body::Nothing).await?;
        Ok(list.data)
    }

    /// Begins a sign-in whose answer comes to this port of this machine.
    pub(crate) async fn begin_connection(
        &self,
        server: &ServerName,
        port: u16,
        scopes: &[String],
    ) -> Result<Begun, Failure> {
        let url = self.url(&["connections", server.as_str(), "begin"]);
        let scopes = (!scopes.is_empty()).then_some(scopes);
        let body = Body::json(&json!({ "redirect_port": port, "scopes": scopes }));
        self.fetch(Method::POST, &url, body).await
    }

    /// Ends a sign-in with the query that the browser brought.
    pub(crate) async fn complete_connection(
        &self,
        server: &ServerName,
        flow: &str,
        answer: &Wiped<String>,
    ) -> Result<Connection, Failure> {
        let url = self.url(&["connections", server.as_str(), "complete"]);
        let body = Body::json(&json!({ "flow": flow, "answer": answer.as_str() }));
        self.fetch(Method::POST, &url, body).await
    }

    /// Deletes a connection. Returns whether the authorization server took the tokens back.
    pub(crate) async fn delete_connection(&self, server: &ServerName) -> Result<bool, Failure> {
        #[derive(Deserialize)]
        struct Deleted {
            revoked: bool,
        }
        let url = self.url(&["connections", server.as_str()]);
        let deleted: Deleted = self.fetch(Method::DELETE, &url, Body::Nothing).await?;
        Ok(deleted.revoked)
    }
}
