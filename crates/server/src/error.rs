//! The error type of the API, and its conversion to responses.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use toolvault_gateway::mcp::ConnectError;
use toolvault_vault::{Error as VaultError, Problem};
use utoipa::ToSchema;

use crate::openapi::words::UnresolvedType;
use crate::wire::{BodyError, ValidationErrors};

/// The header with the machine-readable code of an error.
pub(crate) const ERROR_CODE: HeaderName = HeaderName::from_static("toolvault-error");

/// Why a request was refused.
#[derive(Serialize, ToSchema)]
pub(crate) struct Error {
    detail: String,
}

/// Why a tool's arguments cannot be completed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Unresolved {
    detail: Vec<UnresolvedArgument>,
}

/// What is wrong with one argument.
#[derive(Serialize, ToSchema)]
pub(crate) struct UnresolvedArgument {
    /// `bindings`, `args` or `require`, and the argument
    loc: Vec<String>,
    msg: String,
    #[serde(rename = "type")]
    #[schema(value_type = UnresolvedType)]
    kind: &'static str,
}

/// The body of an error response.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum ErrorBody<'a> {
    Text(Error),
    Validation(&'a ValidationErrors),
    Unresolved(Unresolved),
}

impl ErrorBody<'_> {
    /// Its text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(error) => Some(&error.detail),
            Self::Validation(_) | Self::Unresolved(_) => None,
        }
    }

    /// Its member `detail`.
    pub(crate) fn detail(&self) -> Value {
        let mut body = serde_json::to_value(self).unwrap_or_default();
        body.get_mut("detail").map(Value::take).unwrap_or_default()
    }
}

/// Why a request failed.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// An operation refused.
    Vault(VaultError),
    /// Fields are missing or invalid.
    Validation(ValidationErrors),
    /// The body cannot be read as JSON at all.
    Unreadable,
    /// The operation does not accept the type of the body.
    UnsupportedMediaType,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The connection broke while the body arrived.
    BodyIncomplete,
    /// The request asked for a host that is not this server's.
    ForeignHost,
    /// A web page of an origin that is not allowed sent the request.
    ForeignOrigin,
    /// Another page than the server's own sent a request of a person who signs in or is signed in.
    NotOwnPage,
    /// A browser would send what signs it in over a network without TLS.
    SignInNeedsHttps,
    /// Too many requests; seconds to wait.
    TooManyRequests(u64),
    /// The URL does not exist.
    NoSuchRoute,
    /// The URL does not take this method.
    MethodNotAllowed,
    /// The bodies of the caller's other requests take too much memory.
    TooManyBytes,
    /// The bodies of all requests take too much memory.
    Busy,
    /// The issuer at which a person signs in does not answer as it should.
    IssuerUnavailable,
    /// A person cannot sign in at a tool server, or out.
    Connection(ConnectError),
    /// Not ready to serve.
    NotReady,
    /// A defect of Toolvault.
    Internal,
}

impl From<VaultError> for ApiError {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

impl From<ConnectError> for ApiError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Vault(error) => Self::Vault(error),
            error => Self::Connection(error),
        }
    }
}

impl From<ValidationErrors> for ApiError {
    fn from(errors: ValidationErrors) -> Self {
        Self::Validation(errors)
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::UnsupportedMediaType => Self::UnsupportedMediaType,
            BodyError::Unreadable => Self::Unreadable,
            BodyError::Invalid(errors) => Self::Validation(errors),
        }
    }
}

impl ApiError {
    /// The status, the machine-readable code and the body.
    pub(crate) fn parts(&self) -> (StatusCode, &'static str, ErrorBody<'_>) {
        let (status, code) = match self {
            Self::Vault(error) => return vault_parts(error),
            Self::Validation(errors) => {
                let body = ErrorBody::Validation(errors);
                return (StatusCode::UNPROCESSABLE_ENTITY, "invalid", body);
            }
            Self::Connection(error) => {
                let code = error.code();
                return (connection_status(code), code, detail(error.to_string()));
            }
            Self::Unreadable => (StatusCode::BAD_REQUEST, "unreadable"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
            }
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, "timeout"),
            Self::BodyIncomplete => (StatusCode::BAD_REQUEST, "incomplete"),
            Self::ForeignHost => (StatusCode::FORBIDDEN, "host_not_allowed"),
            Self::ForeignOrigin | Self::NotOwnPage => (StatusCode::FORBIDDEN, "origin_not_allowed"),
            Self::SignInNeedsHttps => (StatusCode::FORBIDDEN, "sign_in_needs_https"),
            Self::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"),
            Self::NoSuchRoute => (StatusCode::NOT_FOUND, "no_such_route"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::TooManyBytes => (StatusCode::TOO_MANY_REQUESTS, "too_many_bytes"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::IssuerUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "issuer_not_available"),
            Self::NotReady => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        (status, code, detail(self.text()))
    }

    fn text(&self) -> &'static str {
        match self {
            Self::Unreadable => "There was an error parsing the body",
            Self::UnsupportedMediaType => "The body must be application/json.",
            Self::BodyTooLarge => "The body is too large.",
            Self::BodyTimeout => "The body did not arrive in time.",
            Self::BodyIncomplete => "The body did not arrive whole.",
            Self::ForeignHost => {
                "This host is not one of the server's; add it to gateway.allowed_hosts."
            }
            Self::ForeignOrigin => {
                "Pages of this origin are not allowed; add its host to gateway.allowed_hosts."
            }
            Self::NotOwnPage => {
                "This page is not the server's own. Open the dashboard at the server's URL; behind a proxy, set \
                 gateway.public_url and pass Host unchanged."
            }
            Self::SignInNeedsHttps => {
                "Signing in needs HTTPS, except on this machine: set tls.certificate and tls.key, or gateway.public_url."
            }
            Self::TooManyRequests(_) => "Too many requests.",
            Self::NoSuchRoute => "Not Found",
            Self::MethodNotAllowed => "Method Not Allowed",
            Self::TooManyBytes => {
                "Your other requests in progress have too many bytes. Wait for their answers."
            }
            Self::Busy => "Too many large requests are in progress. Try again.",
            Self::IssuerUnavailable => {
                "The identity provider does not answer as it should. Try again; the log of the server says what is wrong."
            }
            Self::NotReady => "Not ready.",
            Self::Vault(_) | Self::Connection(_) | Self::Validation(_) | Self::Internal => {
                "Internal Server Error"
            }
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyRequests(seconds) => Some(*seconds),
            Self::TooManyBytes
            | Self::Busy
            | Self::IssuerUnavailable
            | Self::NotReady
            | Self::Vault(VaultError::Unavailable(_)) => Some(1),
            _ => None,
        }
    }

    /// Logs failures of the server, once, here. Mistakes of the caller are not logged.
    fn log(&self) {
        match self {
            Self::Vault(error @ (VaultError::Unavailable(_) | VaultError::Internal(_))) => {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    "an operation failed"
                );
            }
            Self::Vault(VaultError::Integrity) => {
                tracing::error!("stored data failed verification; run: toolvault audit verify");
            }
            _ => {}
        }
    }
}

/// The cause of an internal error. The response omits it, except for local commands.
#[derive(Clone, Debug)]
pub(crate) struct Cause(pub(crate) String);

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}

fn connection_status(code: &str) -> StatusCode {
    match code {
        "no_such_server" => StatusCode::NOT_FOUND,
        "invalid_redirect" | "invalid_scopes" => StatusCode::UNPROCESSABLE_ENTITY,
        "sign_in_failed" => StatusCode::BAD_GATEWAY,
        _ => StatusCode::CONFLICT,
    }
}

fn vault_parts(error: &VaultError) -> (StatusCode, &'static str, ErrorBody<'static>) {
    let (status, code, text) = match error {
        VaultError::Unauthenticated => (
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Missing or invalid credentials.",
        ),
        VaultError::Denied(denial) => {
            return (
                StatusCode::FORBIDDEN,
                denial.code(),
                detail(denial.to_string()),
            );
        }
        VaultError::NotFound => (StatusCode::NOT_FOUND, "not_found", "Not found"),
        VaultError::Invalid(problems) => {
            return (StatusCode::UNPROCESSABLE_ENTITY, "invalid", list(problems));
        }
        VaultError::Unresolved(problems) => {
            let code = problems
                .first()
                .map_or("secret_not_available", |problem| problem.kind);
            return (StatusCode::CONFLICT, code, list(problems));
        }
        VaultError::ApprovalNeeded(_) => (
            StatusCode::CONFLICT,
            "approval_needed",
            "A person must allow this call first.",
        ),
        VaultError::ApprovalEnded => (
            StatusCode::CONFLICT,
            "approval_ended",
            "It was decided already, or its time is over.",
        ),
        VaultError::PreconditionFailed => (
            StatusCode::PRECONDITION_FAILED,
            "precondition_failed",
            "It was changed in the meantime.",
        ),
        VaultError::QuotaExceeded(text) => (StatusCode::PAYLOAD_TOO_LARGE, "quota_exceeded", *text),
        VaultError::Unavailable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Temporarily unavailable.",
        ),
        VaultError::Integrity => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "integrity",
            "Stored data failed verification.",
        ),
        VaultError::Internal(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Internal Server Error",
        ),
    };
    (status, code, detail(text))
}

fn detail<'a>(text: impl Into<String>) -> ErrorBody<'a> {
    ErrorBody::Text(Error {
        detail: text.into(),
    })
}

fn list<'a>(problems: &[Problem]) -> ErrorBody<'a> {
    let problems = problems.iter().map(|problem| UnresolvedArgument {
        loc: problem.location.clone(),
        msg: problem.message.clone(),
        kind: problem.kind,
    });
    ErrorBody::Unresolved(Unresolved {
        detail: problems.collect(),
    })
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let (status, code, body) = self.parts();
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(ERROR_CODE, HeaderValue::from_static(code));
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"toolvault\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Self::Vault(error) = &self
            && let Some(source) = std::error::Error::source(error)
        {
            response.extensions_mut().insert(Cause(with_causes(source)));
        }
        response
    }
}
