//! Why a message did not reach the gateway, in terms of JSON-RPC and OAuth.

use std::fmt::Write as _;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::ApiError;

/// A refusal without a request ID, because the message was not parsed. Its code is the HTTP status, outside the ranges
/// that JSON-RPC and MCP reserve.
pub(crate) struct Refusal {
    error: ApiError,
    metadata_url: Option<String>,
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self {
            error,
            metadata_url: None,
        }
    }
}

impl Refusal {
    /// Adds the URL of the metadata that names the issuers of tokens (RFC 9728, section 5.1).
    pub(super) fn with_metadata_url(self, metadata_url: Option<String>) -> Self {
        Self {
            metadata_url,
            ..self
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, _, body) = self.error.parts();
        let message = body.text().unwrap_or("Invalid input.").to_owned();
        let (head, _) = self.error.into_response().into_parts();
        let body = Json(json!({
            "jsonrpc": "2.0",
            "id": null,
            "error": { "code": status.as_u16(), "message": message },
        }));
        let mut response = (head, body).into_response();
        *response.status_mut() = status;
        if status == StatusCode::UNAUTHORIZED {
            Challenge::Credential.set(&mut response, self.metadata_url.as_deref());
        }
        response
    }
}

/// What a refused request lacks (RFC 6750, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A valid credential.
    Credential,
    /// A credential with the scope `use`.
    Scope,
}

impl Challenge {
    /// The challenge for an answer of the gateway with this status.
    pub(super) fn for_answer(status: StatusCode, may_use: bool) -> Option<Self> {
        match status {
            StatusCode::UNAUTHORIZED => Some(Self::Credential),
            StatusCode::FORBIDDEN if !may_use => Some(Self::Scope),
            _ => None,
        }
    }

    /// Adds the challenge to the response. `metadata_url` points to the metadata that names the issuers of tokens.
    pub(super) fn set(self, response: &mut Response, metadata_url: Option<&str>) {
        let mut challenge = "Bearer realm=\"toolvault\"".to_owned();
        if self == Self::Scope {
            challenge.push_str(", error=\"insufficient_scope\"");
        }
        if self == Self::Scope || metadata_url.is_some() {
            challenge.push_str(", scope=\"use\"");
        }
        if let Some(url) = metadata_url {
            // Writing to a string cannot fail. The URL has no quote, because host and path were checked.
            let _ = write!(challenge, ", resource_metadata=\"{url}\"");
        }
        if let Ok(value) = HeaderValue::from_str(&challenge) {
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, value);
        }
    }
}
