//! Completed arguments, and explanations.
#![expect(dead_code, reason = "the fields describe JSON; nobody reads them")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// Completed arguments. Whoever has them can read the values.
#[derive(ToSchema)]
pub(crate) struct Completed {
    tool_name: String,
    /// Received arguments keep their spelling
    args: BTreeMap<String, Value>,
    applied: Vec<Applied>,
}

/// A secret that was applied.
#[derive(ToSchema)]
pub(crate) struct Applied {
    arg: String,
    secret_id: Uuid,
    secret_name: String,
    #[schema(minimum = 1)]
    version: i64,
    source: AppliedSource,
}

/// Why a secret was applied.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum AppliedSource {
    Default,
    Binding,
}

/// The answer to one call, or to several.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum CompletedOrResults {
    One(Completed),
    Several(CallResults),
}

#[derive(ToSchema)]
pub(crate) struct CallResults {
    /// In the order of the calls
    results: Vec<CallResult>,
}

/// The status and the content that the call would have had alone.
#[derive(ToSchema)]
pub(crate) struct CallResult {
    #[schema(minimum = 200, maximum = 599)]
    status: u16,
    /// With status 200
    #[schema(required = false)]
    result: Completed,
    /// With every other status
    #[schema(required = false)]
    detail: Value,
}

/// What resolving would do.
#[derive(ToSchema)]
pub(crate) struct Explanation {
    tool_name: String,
    would_succeed: bool,
    arguments: Vec<ExplainedArgument>,
}

#[derive(ToSchema)]
pub(crate) struct ExplainedArgument {
    arg: String,
    outcome: Outcome,
    /// The secret that would be applied
    #[schema(required = true)]
    winner: Option<Uuid>,
    /// Best first
    candidates: Vec<Candidate>,
    /// Whether only the moment of change, or the id, decided between the best two
    tied: bool,
}

/// What an argument would get, or the type of its error.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Received,
    Default,
    Binding,
    None,
    SecretNotAvailable,
    SecretExpired,
    SecretMissing,
    SecretAmbiguous,
}

/// A secret that was looked at.
#[derive(ToSchema)]
pub(crate) struct Candidate {
    secret_id: Uuid,
    secret_name: String,
    #[schema(required = true)]
    pattern: Option<String>,
    wins: bool,
    why: String,
}
