//! Why a sign-in at a server fails, for the API.

use toolvault_core::entropy::EntropyError;
use toolvault_vault::Error;

use crate::oauth::OAuthError;

/// Why a person cannot sign in at a server, or out.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The vault refuses it.
    #[error(transparent)]
    Vault(#[from] Error),
    /// There is no server of that name, or the caller does not reach it.
    #[error("There is no such server.")]
    NoSuchServer,
    /// The server takes no sign-in.
    #[error(
        "This server takes no sign-in: it is a program, has a header 'Authorization' or a reference in its URL, or uses the tokens of its own client."
    )]
    TakesNoSignIn,
    /// The redirect is neither https nor to this machine.
    #[error("The redirect must be an https URL, or an http URL of this machine.")]
    Redirect,
    /// A scope has a character that none can have, or there are too many.
    #[error(
        "A scope has printable ASCII characters without space, '\"' and '\\'; at most 100 scopes."
    )]
    Scopes,
    /// The client that the sign-in began with is no longer known.
    #[error("The client of this sign-in is no longer known: begin again.")]
    ClientChanged,
    /// The server, or its authorization server, does not do what is needed.
    #[error("The sign-in failed: {0}.")]
    OAuth(#[from] OAuthError),
}

impl ConnectError {
    /// A name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Vault(_) => "vault",
            Self::NoSuchServer => "no_such_server",
            Self::TakesNoSignIn => "no_sign_in",
            Self::Redirect => "invalid_redirect",
            Self::Scopes => "invalid_scopes",
            Self::OAuth(OAuthError::Denied) => "sign_in_denied",
            Self::OAuth(OAuthError::Mismatch) => "sign_in_mismatch",
            Self::ClientChanged | Self::OAuth(OAuthError::Grant) => "sign_in_over",
            Self::OAuth(OAuthError::NoClient | OAuthError::NotRegistered) => "client_needed",
            Self::OAuth(_) => "sign_in_failed",
        }
    }
}

impl From<EntropyError> for ConnectError {
    fn from(error: EntropyError) -> Self {
        Self::Vault(error.into())
    }
}
