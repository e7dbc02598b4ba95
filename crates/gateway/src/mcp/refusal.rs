//! Errors for clients. Their texts say what to do, and never repeat the text of a server.

mod upstream;

use std::error::Error as _;

use ::http::StatusCode;
use toolvault_vault::{Error as VaultError, Problem, Waiting};

pub(crate) use self::upstream::{NeededSignIn, UpstreamError};
use super::protocol::headers::HeaderMismatch;
use super::protocol::{self, Era, Malformed};
use crate::http::root_cause;

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
    /// Of the result of a call that another gateway made.
    #[error(
        "Toolvault withholds this result, because it does not know the secrets that the call got: it was restarted, its \
         configuration changed, or another Toolvault server completed the call. The call may have been carried out: \
         check that before you repeat it."
    )]
    NotCompleted,
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
            | Self::NotCompleted
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
