//! How tokens for a server are got.

use std::path::PathBuf;

/// How tokens for a server are got. Without any of it, everything is discovered when a person signs in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OAuthSettings {
    /// The authorization server, exactly as it writes its `issuer`; `None` for the one that the server names.
    pub issuer: Option<String>,
    /// The client that was registered there; `None` to become one when it is needed.
    pub client_id: Option<String>,
    /// A file with the client's secret, which goes only to `issuer`.
    pub client_secret_file: Option<PathBuf>,
    /// A file with the client's private key (PKCS #8 in PEM), which signs assertions instead of a secret.
    pub private_key_file: Option<PathBuf>,
    /// The scopes to ask for; empty for those that the server wants.
    pub scopes: Vec<String>,
    /// Whose tokens they are.
    pub grant: Grant,
}

/// Whose tokens are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grant {
    /// Those of the person who calls, who must sign in.
    #[default]
    AuthorizationCode,
    /// The client's own (RFC 6749, section 4.4), for all callers.
    ClientCredentials,
    /// The client's own, for a signed assertion (RFC 7523, section 2.1), for all callers.
    JwtBearer,
}
