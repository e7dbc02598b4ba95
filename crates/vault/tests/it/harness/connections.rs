//! Connections of actors to tool servers.

use toolvault_core::confidential::Confidential;
use toolvault_core::sign_in::ConnectionRequest;
use toolvault_vault::{
    Client, Connection, ConnectionStamp, Error, NewTokens, OpenConnection, RefreshLease,
};

use super::Actor;

pub(crate) fn request(server: &str) -> ConnectionRequest {
    ConnectionRequest {
        server: server.to_owned(),
        issuer: format!("https://auth.{server}.example"),
        requires_iss: true,
        resource: format!("https://{server}.example/mcp"),
        client_id: "client-1".to_owned(),
        client_secret: None,
        auth_method: "none".to_owned(),
        verifier: "verifier".to_owned(),
        state: "state".to_owned(),
        redirect_uri: "http://127.0.0.1:1/callback".to_owned(),
        scopes: vec!["read".to_owned(), "write".to_owned()],
    }
}

pub(crate) fn client() -> Client {
    Client {
        id: "client-1".to_owned(),
        secret: Some(Confidential::from("client-secret")),
        auth_method: "client_secret_basic".to_owned(),
    }
}

/// The tokens `<name>-access` and `<name>-refresh`.
pub(crate) fn tokens(name: &str) -> NewTokens {
    NewTokens {
        access_token: Confidential::from(format!("{name}-access").as_str()),
        refresh_token: Some(Confidential::from(format!("{name}-refresh").as_str())),
        expires_at: None,
        scopes: vec!["read".to_owned(), "write".to_owned()],
    }
}

impl Actor {
    /// Begins a sign-in at a server and completes it.
    pub(crate) async fn try_connect(
        &self,
        server: &str,
        tokens: NewTokens,
    ) -> Result<Connection, Error> {
        let (vault, caller) = (&self.vault, &self.caller);
        let flow = vault.seal_connection_flow(caller, request(server)).await?;
        let flow = vault.open_connection_flow(caller, server, &flow).await?;
        vault.connect(caller, &flow, client(), tokens).await
    }

    /// Connects with the tokens of this name.
    pub(crate) async fn connect(&self, server: &str, name: &str) -> Connection {
        self.try_connect(server, tokens(name)).await.unwrap()
    }

    pub(crate) async fn connections(&self) -> Vec<Connection> {
        self.vault.connections(&self.caller).await.unwrap()
    }

    pub(crate) async fn opened(&self, server: &str) -> Result<Option<OpenConnection>, Error> {
        self.vault.connection_tokens(&self.caller, server).await
    }

    /// The access token for a server.
    pub(crate) async fn access(&self, server: &str) -> Option<String> {
        let opened = self.opened(server).await.unwrap()?;
        Some(opened.access_token.expose_text().unwrap().to_owned())
    }

    /// The stamp of the connection to a server.
    pub(crate) async fn connected(&self, server: &str) -> ConnectionStamp {
        let stamp = self.vault.connection_stamp(&self.caller, server).await;
        stamp.unwrap().unwrap()
    }

    pub(crate) async fn lease(&self, server: &str, stamp: ConnectionStamp) -> RefreshLease {
        let leased = self.vault.lease_refresh(&self.caller, server, stamp);
        leased.await.unwrap()
    }
}
