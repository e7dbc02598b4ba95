//! Completed arguments. They are written as bytes, so that every received value keeps its spelling, into memory that is
//! overwritten after the response was sent.

use std::io;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use toolvault_core::arguments::Arguments;
use toolvault_core::confidential::{Buffer, Wiped};
use toolvault_core::identity::SecretId;
use toolvault_core::pattern::ToolName;
use toolvault_vault as vault;
use utoipa::ToSchema;

use super::parts;
use crate::app::App;
use crate::error::ApiError;

/// Completed arguments. They contain the values in plain text.
#[derive(Serialize, ToSchema)]
pub(crate) struct Completed {
    #[schema(value_type = String)]
    tool_name: ToolName,
    /// Received arguments keep their spelling
    #[serde(serialize_with = "as_spelled")]
    #[schema(value_type = BTreeMap<String, Value>)]
    args: Arguments,
    applied: Vec<Applied>,
}

/// A secret that was applied.
#[derive(Serialize, ToSchema)]
pub(crate) struct Applied {
    arg: String,
    #[schema(value_type = Uuid)]
    secret_id: SecretId,
    secret_name: String,
    #[schema(minimum = 1)]
    version: i64,
    source: AppliedSource,
    /// Whether the value is confidential; redact it in the tool's result
    redact: bool,
}

/// Why a secret was applied.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AppliedSource {
    Default,
    Binding,
}

/// The answer to one call, or to several.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum CompletedOrResults {
    One(Completed),
    Several(CallResults),
}

#[derive(Serialize, ToSchema)]
pub(crate) struct CallResults {
    /// In the order of the calls
    results: Vec<CallResult>,
}

/// The status and the content that the call would have got as a single request.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallResult {
    #[schema(minimum = 200, maximum = 599)]
    status: u16,
    /// With status 200
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Completed)]
    result: Option<Completed>,
    /// With every other status
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    detail: Option<Value>,
}

/// The answer to a single call.
pub(crate) fn one(
    app: &App,
    result: Option<Result<vault::Completed, vault::Error>>,
) -> Result<Completed, ApiError> {
    let result = result.ok_or(ApiError::Internal)?;
    app.metrics.resolved(result.is_ok());
    Ok(result?.into())
}

/// The answer to several calls. Each has the status and content that it would have got as a single request.
pub(crate) fn several(
    app: &App,
    results: Vec<Result<vault::Completed, vault::Error>>,
) -> CallResults {
    let results = results.into_iter().map(|result| {
        app.metrics.resolved(result.is_ok());
        let result = result.map(Completed::from).map_err(ApiError::from);
        let (status, result, detail) = parts(result);
        CallResult {
            status,
            result,
            detail,
        }
    });
    CallResults {
        results: results.collect(),
    }
}

impl From<vault::Completed> for Completed {
    fn from(completed: vault::Completed) -> Self {
        Self {
            tool_name: completed.tool,
            args: completed.args,
            applied: completed.applied.into_iter().map(Applied::from).collect(),
        }
    }
}

impl From<vault::Applied> for Applied {
    fn from(applied: vault::Applied) -> Self {
        Self {
            arg: applied.arg,
            secret_id: applied.secret_id,
            secret_name: applied.secret_name,
            version: applied.version,
            source: match applied.source {
                vault::Source::Default => AppliedSource::Default,
                vault::Source::Binding => AppliedSource::Binding,
            },
            redact: applied.redact,
        }
    }
}

fn as_spelled<S: Serializer>(args: &Arguments, serializer: S) -> Result<S::Ok, S::Error> {
    let mut written = Wiped::new(Vec::new());
    args.write_json(&mut written);
    serde_json::from_slice::<&RawValue>(&written)
        .map_err(serde::ser::Error::custom)?
        .serialize(serializer)
}

impl IntoResponse for Completed {
    fn into_response(self) -> Response {
        confidential(&self)
    }
}

impl IntoResponse for CompletedOrResults {
    fn into_response(self) -> Response {
        confidential(&self)
    }
}

/// A response in memory that is overwritten after it was sent.
fn confidential(answer: &impl Serialize) -> Response {
    let mut written = Written::default();
    if serde_json::to_writer(&mut written, answer).is_err() {
        return ApiError::Internal.into_response();
    }
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Body::from(Bytes::from_owner(written))).into_response()
}

#[derive(Default)]
struct Written(Buffer);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsRef<[u8]> for Written {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
