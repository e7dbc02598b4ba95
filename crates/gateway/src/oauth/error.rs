//! Why a sign-in at a tool server fails. No variant holds anything that a server or a browser sent.

use crate::http::{HttpError, StatusCode};

/// Why a person cannot be signed in, or a token cannot be got.
#[derive(Debug, thiserror::Error)]
pub enum OAuthError {
    /// A server cannot be reached, or must not be.
    #[error("{what} cannot be read: {source}")]
    Http {
        /// What was asked for.
        what: &'static str,
        /// Why there is no answer.
        source: HttpError,
    },
    /// A server answers with this status.
    #[error("{what} cannot be read: the answer has status {status}")]
    Status {
        /// What was asked for.
        what: &'static str,
        /// The status.
        status: StatusCode,
    },
    /// A server's answer is not what the standard demands.
    #[error("{0}")]
    Malformed(&'static str),
    /// The tool server names no authorization server, and nothing is configured.
    #[error(
        "the server names no authorization server: if it wants a sign-in, set 'issuer' in its 'oauth' table"
    )]
    NoIssuer,
    /// There is no way to become a client of the authorization server.
    #[error(
        "the authorization server registers no clients by itself: register one there, and set 'client_id' (and 'client_secret_file' if it has a secret) in the server's 'oauth' table"
    )]
    NoClient,
    /// It refuses to register a client.
    #[error(
        "the authorization server refused to register a client: register one there, and set 'client_id' in the server's 'oauth' table"
    )]
    NotRegistered,
    /// It refuses the client.
    #[error(
        "the authorization server refuses the client: check 'client_id', 'client_secret_file' and 'private_key_file', or connect again"
    )]
    Client,
    /// The client's secret would go to an authorization server that the operator did not name.
    #[error(
        "the client's secret is sent only to the authorization server that the operator names: set 'issuer' in the server's 'oauth' table"
    )]
    NotNamed,
    /// It accepts neither the code nor the refresh token.
    #[error("the authorization server does not accept the sign-in: connect again")]
    Grant,
    /// It refuses the scopes.
    #[error(
        "the authorization server refuses the scopes: set 'scopes' in the server's 'oauth' table"
    )]
    Scope,
    /// It refuses the request.
    #[error("the authorization server refused the request ({0})")]
    Refused(&'static str),
    /// The person, or the authorization server for them, said no.
    #[error("the sign-in was refused at the authorization server")]
    Denied,
    /// The answer in the browser is not the one to this sign-in.
    #[error("the answer belongs to another sign-in or comes from another server: connect again")]
    Mismatch,
    /// A file of the configuration cannot be used.
    #[error("'{key}' cannot be used")]
    File {
        /// The key in the server's `oauth` table.
        key: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl OAuthError {
    pub(super) fn http(what: &'static str) -> impl FnOnce(HttpError) -> Self {
        move |source| Self::Http { what, source }
    }
}
