//! Errors for clients. Their texts say what to do, and never repeat the text of a server.

use std::error::Error as _;

use ::http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use toolvault_vault::{Error as VaultError, Problem, Waiting};

use super::protocol::headers::HeaderMismatch;
use super::protocol::{self, Defect, Era, Malformed};
use crate::http::{HttpError, root_cause};
use crate::oauth::OAuthError;
use crate::oauth::challenge::Challenge;
use crate::settings::ServerName;
use crate::stdio::LaunchError;

/// Codes of our own lie outside the range that JSON-RPC and MCP reserve.
const NOT_ALLOWED: i64 = 1_000;
const SECRET_MISSING: i64 = 1_001;
const SERVER_FAILED: i64 = 1_002;
const UNAVAILABLE: i64 = 1_003;
const NO_SUCH_SERVER: i64 = 1_004;
const NO_SUCH_SESSION: i64 = 1_005;
const SIGN_IN_NEEDED: i64 = 1_006;
/// MCP 2026-07-28, basic, "Error Codes".
const HEADER_MISMATCH: i64 = -32020;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
const INVALID_REQUEST: i64 = -32600;

/// What kind of refusal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The caller may not do this, or lacks a secret for it.
    Denied,
    /// The message cannot be used.
    Invalid,
    /// The caller did this too often.
    Exhausted,
    /// Something failed that is not the caller's fault.
    Failed,
}

/// Why a client is not answered as it asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("{0}")]
    Lacking(String),
    /// Where the person signs in.
    #[error("{0}")]
    SignIn(String),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error(transparent)]
    DoesNotFit(#[from] DoesNotFit),
    #[error("There is no such server.")]
    NoSuchServer,
    #[error("There is no such session: initialize again.")]
    NoSuchSession,
    #[error("A session is needed: initialize first.")]
    NoSession,
    // Without the name, which may be anything.
    #[error("Unknown tool. List the tools again.")]
    UnknownTool,
    #[error("This key reaches only some tools of the server, and this method is about all of it.")]
    WholeServerOnly,
    #[error(transparent)]
    HeaderMismatch(#[from] HeaderMismatch),
    #[error("Invalid params: {0}")]
    InvalidParams(&'static str),
    #[error("Invalid params: _meta lacks io.modelcontextprotocol/{0}")]
    InvalidMetadata(&'static str),
    #[error("Method not found")]
    MethodNotFound(Era),
    #[error("Unsupported protocol version")]
    UnsupportedVersion {
        supported: Vec<String>,
        requested: String,
    },
    #[error(
        "Too many sessions are open and in use: end one, or raise sessions_per_caller or sessions in [gateway.limits]."
    )]
    TooManySessions,
    /// A person must decide first.
    #[error("A person must allow this call.")]
    AwaitsApproval(Box<Waiting>),
    /// The reason in the audit trail, and why the call is not made.
    #[error("{1}")]
    NotApproved(&'static str, String),
    /// What was changed, and how an operator accepts it.
    #[error("{0}")]
    ToolChanged(String),
    #[error(
        "This key sent values of secrets to the tool too often, so the tool is refused for up to an hour. The audit trail names the secrets (value.repeated): replace them, or mark what is not confidential with toolvault secret policy NAME --no-redact."
    )]
    ValuesRepeated,
    #[error(
        "The server's credentials or configuration, or the rights of the key, changed during the request."
    )]
    Over,
}

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
    /// What the server says with a 401 or 403. [`Link`](super::links::Link) makes one of its neighbours of it.
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
    fn is_undone(&self) -> bool {
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

/// A value does not fit where its template puts it. The value is not told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret for '{0}' holds a character that cannot stand there")]
pub(crate) struct DoesNotFit(pub(crate) String);

impl Refusal {
    /// The status of the HTTP answer.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_)
            | Self::NoSession
            | Self::HeaderMismatch(_)
            | Self::InvalidMetadata(_)
            | Self::UnsupportedVersion { .. }
            | Self::Upstream(UpstreamError::OtherEra) => StatusCode::BAD_REQUEST,
            Self::NoSuchServer
            | Self::NoSuchSession
            | Self::MethodNotFound(Era::Modern)
            | Self::Upstream(UpstreamError::SessionEnded) => StatusCode::NOT_FOUND,
            Self::Vault(VaultError::Denied(_)) => StatusCode::FORBIDDEN,
            Self::Vault(VaultError::Unauthenticated) => StatusCode::UNAUTHORIZED,
            Self::Vault(VaultError::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Vault(VaultError::Integrity | VaultError::Internal(_)) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::TooManySessions => StatusCode::TOO_MANY_REQUESTS,
            // The HTTP exchange itself succeeded: the error is in the JSON-RPC answer.
            _ => StatusCode::OK,
        }
    }

    fn code(&self) -> i64 {
        match self {
            Self::Malformed(malformed) => malformed.code(),
            Self::Vault(VaultError::Unresolved(_)) | Self::Lacking(_) => SECRET_MISSING,
            Self::SignIn(_) | Self::Upstream(UpstreamError::SignIn(_)) => SIGN_IN_NEEDED,
            Self::Vault(VaultError::Denied(_) | VaultError::Unauthenticated)
            | Self::WholeServerOnly
            | Self::AwaitsApproval(_)
            | Self::NotApproved(..)
            | Self::ToolChanged(_)
            | Self::ValuesRepeated => NOT_ALLOWED,
            Self::Vault(_)
            | Self::TooManySessions
            | Self::Over
            | Self::Upstream(UpstreamError::Busy { .. }) => UNAVAILABLE,
            Self::Upstream(UpstreamError::OtherEra) | Self::NoSession => INVALID_REQUEST,
            Self::Upstream(UpstreamError::SessionEnded) | Self::NoSuchSession => NO_SUCH_SESSION,
            Self::Upstream(_) | Self::DoesNotFit(_) => SERVER_FAILED,
            Self::NoSuchServer => NO_SUCH_SERVER,
            Self::UnknownTool | Self::InvalidParams(_) | Self::InvalidMetadata(_) => INVALID_PARAMS,
            Self::HeaderMismatch(_) => HEADER_MISMATCH,
            Self::MethodNotFound(_) => METHOD_NOT_FOUND,
            Self::UnsupportedVersion { .. } => -32022,
        }
    }

    pub(crate) fn kind(&self) -> RefusalKind {
        match self.code() {
            _ if matches!(self, Self::ValuesRepeated) => RefusalKind::Exhausted,
            NOT_ALLOWED | SECRET_MISSING | NO_SUCH_SERVER => RefusalKind::Denied,
            INVALID_PARAMS | INVALID_REQUEST => RefusalKind::Invalid,
            _ => RefusalKind::Failed,
        }
    }

    /// What is wrong, and what to do about it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Vault(VaultError::Unresolved(problems)) => of_problems(problems),
            Self::Upstream(error) => capitalised(&error.to_string()),
            Self::Vault(error) => capitalised(&error.to_string()),
            Self::DoesNotFit(error) => capitalised(&error.to_string()),
            other => other.to_string(),
        }
    }

    /// What is wrong with a call that was sent. A client that only repeats it could have it carried out twice.
    fn text_of_call(&self) -> String {
        let mut text = self.text();
        if !matches!(self, Self::Upstream(error) if error.is_undone()) {
            text.push_str(
                " Whether the call was carried out is unknown. Check that before you repeat it.",
            );
        }
        text
    }

    /// The answer to the request with this id; `is_call` if that is a tool's call which was sent.
    pub(crate) fn to_message(&self, id: Option<&str>, is_call: bool) -> Vec<u8> {
        let data = match self {
            Self::UnsupportedVersion {
                supported,
                requested,
            } => serde_json::to_string(
                &serde_json::json!({ "supported": supported, "requested": requested }),
            )
            .ok(),
            Self::Upstream(UpstreamError::Busy {
                seconds: Some(seconds),
                ..
            }) => Some(format!("{{\"retryAfter\":{seconds}}}")),
            _ => None,
        };
        let text = if is_call {
            self.text_of_call()
        } else {
            self.text()
        };
        protocol::error(id, self.code(), &text, data.as_deref())
    }

    /// Logs errors that the operator can do something about; others only for debugging.
    pub(crate) fn log(&self, server: Option<&str>) {
        let server = server.unwrap_or("all");
        match self {
            // The person is told, not the operator.
            Self::Upstream(UpstreamError::SignIn(_)) => {
                tracing::debug!(mcp.server = server, "a server needs a sign-in");
            }
            // Clients that speak both eras ask in the later one first.
            Self::Upstream(UpstreamError::OtherEra) => {
                tracing::debug!(mcp.server = server, "a server speaks the earlier era");
            }
            Self::Upstream(error) => tracing::warn!(
                mcp.server = server,
                error = %error,
                cause = error.source().map(|source| tracing::field::display(root_cause(source))),
                "a tool server did not answer as it should"
            ),
            Self::Vault(error @ (VaultError::Integrity | VaultError::Internal(_))) => {
                tracing::error!(error = error as &dyn std::error::Error, "a call failed");
            }
            // Without the text: it may hold a name that the client chose, and such a name may hold a value.
            other => tracing::debug!(
                mcp.server = server,
                code = other.code(),
                reason = other.reason(),
                "a request was refused"
            ),
        }
    }

    /// The reason in the audit trail.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Vault(VaultError::Unresolved(problems)) => problems
                .first()
                .map_or("secret_not_available", |problem| problem.kind),
            Self::Vault(VaultError::Denied(denial)) => denial.code(),
            Self::Vault(_) => "unavailable",
            Self::Lacking(_) => "secret_not_available",
            Self::SignIn(_) | Self::Upstream(UpstreamError::SignIn(_)) => "sign_in_needed",
            Self::Upstream(UpstreamError::Busy { .. }) => "server_busy",
            Self::Upstream(_) => "server_failed",
            Self::DoesNotFit(_) => "value_does_not_fit",
            Self::UnknownTool => "unknown_tool",
            Self::ValuesRepeated => "values_repeated",
            Self::ToolChanged(_) => "tool_changed",
            Self::AwaitsApproval(_) => "approval_pending",
            Self::NotApproved(reason, _) => reason,
            _ => "refused",
        }
    }
}

fn wait(seconds: Option<u64>) -> String {
    match seconds {
        Some(seconds) => format!("in {seconds} s"),
        None => "later".to_owned(),
    }
}

/// What is wrong with the secrets of a call, and how to set each.
pub(crate) fn of_problems(problems: &[Problem]) -> String {
    let texts: Vec<&str> = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    texts.join("\n")
}

fn capitalised(text: &str) -> String {
    let mut characters = text.strip_suffix('.').unwrap_or(text).chars();
    match characters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), characters.as_str()),
        None => String::new(),
    }
}
