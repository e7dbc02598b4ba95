//! Why a tool server did not answer, and the sign-in that it may want.

use ::http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::http::HttpError;
use crate::mcp::protocol::Defect;
use crate::oauth::OAuthError;
use crate::oauth::challenge::Challenge;
use crate::settings::ServerName;
use crate::stdio::LaunchError;

/// Why a server did not answer. It holds nothing that the server said.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    #[error("the server cannot be reached: {0}")]
    Unreachable(#[source] HttpError),
    #[error("the server was silent for too long")]
    Silent,
    #[error("the server's answer has more than {0} bytes (message_bytes in [gateway.limits])")]
    TooLarge(usize),
    #[error("the server lists more than a client could read")]
    ListTooLong,
    #[error("the server answered with the status {0}")]
    Status(StatusCode),
    #[error("the server is busy ({status}): retry {}", wait(*.seconds))]
    Busy {
        status: StatusCode,
        /// The value of `Retry-After`.
        seconds: Option<u64>,
    },
    #[error("the server refused its credential")]
    CredentialRefused,
    /// What the server says with a 401 or 403. [`Link`](crate::mcp::links::Link) makes one of its neighbours of it.
    #[error("the server refused its credential")]
    Challenged(StatusCode, Option<Box<Challenge>>),
    #[error("{0}")]
    SignIn(Box<NeededSignIn>),
    #[error("there is no token for the server: {0}")]
    NoToken(#[source] OAuthError),
    #[error("the server answered with a redirect, which is not followed")]
    Redirect,
    #[error("the server's answer is not MCP")]
    NotMcp,
    #[error("the server's answer cannot be used: {0}")]
    Unusable(#[from] Defect),
    #[error("the server has forgotten its session")]
    SessionEnded,
    #[error("the server ended")]
    Ended,
    #[error("the server cannot be started")]
    NotStarted(#[source] LaunchError),
    #[error("the server keeps exiting; backing off")]
    Pausing,
    #[error("too many programs are running")]
    TooManyPrograms,
    #[error("the server is reached only through another gateway")]
    Elsewhere,
    #[error("the server speaks only earlier versions of the protocol: initialize first")]
    OtherEra,
}

impl UpstreamError {
    /// Whether a request that was answered like this has surely not been carried out.
    pub(super) fn is_undone(&self) -> bool {
        match self {
            Self::Unreachable(error) => !matches!(error, HttpError::Broken(_)),
            // A proxy answers 408 to a request that it has passed on, too.
            Self::Status(status) => {
                !status.is_server_error() && *status != StatusCode::REQUEST_TIMEOUT
            }
            Self::Busy { .. }
            | Self::CredentialRefused
            | Self::Challenged(..)
            | Self::SignIn(_)
            | Self::NoToken(_)
            | Self::SessionEnded
            | Self::NotStarted(_)
            | Self::Pausing
            | Self::TooManyPrograms
            | Self::Elsewhere
            | Self::OtherEra => true,
            // 303, or 201 with a location, is how servers answer a POST that was carried out.
            Self::Redirect
            | Self::Silent
            | Self::TooLarge(_)
            | Self::ListTooLong
            | Self::NotMcp
            | Self::Unusable(_)
            | Self::Ended => false,
        }
    }
}

/// A sign-in that a server wants.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server '{server}' needs a sign-in: run toolvault mcp connect {server}")]
pub(crate) struct NeededSignIn {
    pub(crate) server: ServerName,
    /// What the person did not grant yet; empty for what the server wants first.
    pub(crate) scopes: Vec<String>,
}

impl NeededSignIn {
    /// Our page on which the person signs in, at the address `base`.
    pub(crate) fn page(&self, base: &str) -> String {
        let page = format!("{}/#/connect/{}", base.trim_end_matches('/'), self.server);
        if self.scopes.is_empty() {
            return page;
        }
        let scopes = self.scopes.join(" ");
        let scopes = utf8_percent_encode(&scopes, NON_ALPHANUMERIC);
        format!("{page}?scopes={scopes}")
    }

    /// What a person is told.
    pub(crate) fn text(&self, page: &str) -> String {
        let server = &self.server;
        let command = format!("run toolvault mcp connect {server}");
        if self.scopes.is_empty() {
            format!("The server '{server}' needs a sign-in. Open {page} to sign in, or {command}.")
        } else {
            format!("The server '{server}' needs more rights. Open {page} to grant them.")
        }
    }
}

impl From<HttpError> for UpstreamError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Timeout => Self::Silent,
            HttpError::TooLarge { limit } => Self::TooLarge(limit),
            error => Self::Unreachable(error),
        }
    }
}

fn wait(seconds: Option<u64>) -> String {
    match seconds {
        Some(seconds) => format!("in {seconds} s"),
        None => "later".to_owned(),
    }
}
