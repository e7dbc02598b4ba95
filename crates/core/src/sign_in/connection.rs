//! What a browser or a command holds while a person signs in at a tool server.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

use crate::identity::{SignInId, UserId};
use crate::timestamp::Timestamp;

/// A sign-in at a tool server's authorization server, while the person is there.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    missing_debug_implementations,
    reason = "its verifier is confidential until the sign-in ends"
)]
pub struct ConnectionFlow {
    /// Identifies it.
    pub id: SignInId,
    /// Who began it, and alone can complete it.
    pub user: UserId,
    /// When it expires.
    pub until: Timestamp,
    /// What it asks for.
    pub request: ConnectionRequest,
}

/// What a sign-in at a tool server's authorization server asks for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    missing_debug_implementations,
    reason = "its verifier and the secret are confidential"
)]
pub struct ConnectionRequest {
    /// The name of the tool server in the configuration.
    pub server: String,
    /// The issuer of the authorization server, which its answer must name (RFC 9207).
    pub issuer: String,
    /// Whether the authorization server said that its answers name it.
    pub requires_iss: bool,
    /// The resource that the tokens are for (RFC 8707).
    pub resource: String,
    /// The client that asks.
    pub client_id: String,
    /// Its secret, if its registration gave one.
    pub client_secret: Option<String>,
    /// How it authenticates.
    pub auth_method: String,
    /// What proves that the code is exchanged by whoever asked for it (RFC 7636).
    pub verifier: String,
    /// What the answer must repeat (RFC 6749, section 10.12).
    pub state: String,
    /// Where the authorization server sends the browser.
    pub redirect_uri: String,
    /// The scopes that were asked for.
    pub scopes: Vec<String>,
}

impl Drop for ConnectionRequest {
    fn drop(&mut self) {
        self.client_secret.zeroize();
        self.verifier.zeroize();
    }
}
