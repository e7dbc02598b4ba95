//! Explanations, which hold no values.

use serde::Serialize;
use serde_json::Value;
use toolvault_core::identity::SecretId;
use toolvault_core::pattern::ToolName;
use toolvault_gateway::mcp::GatewayExplanation as GatewayAnswer;
use toolvault_vault as vault;
use utoipa::ToSchema;

use super::parts;
use crate::error::ApiError;
use crate::openapi::words::Outcome;

/// What resolving would do.
#[derive(Serialize, ToSchema)]
pub(crate) struct Explanation {
    #[schema(value_type = String)]
    tool_name: ToolName,
    would_succeed: bool,
    arguments: Vec<ExplainedArgument>,
    /// The outcome of a call through the gateway; null if the tool does not belong to a server that the key reaches
    #[schema(required = true)]
    gateway: Option<GatewayExplanation>,
}

/// The explanation of one call, or of several.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ExplanationOrResults {
    One(Explanation),
    Several(ExplainResults),
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ExplainResults {
    /// In the order of the calls
    results: Vec<ExplainResult>,
}

/// The status and the content that the call would have got as a single request.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExplainResult {
    #[schema(minimum = 200, maximum = 599)]
    status: u16,
    /// With status 200
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Explanation)]
    result: Option<Explanation>,
    /// With every other status
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    detail: Option<Value>,
}

/// The outcome of a call through the gateway.
#[derive(Serialize, ToSchema)]
pub(crate) struct GatewayExplanation {
    server: String,
    would_succeed: bool,
    /// Whether the user must sign in at the server first
    needs_sign_in: bool,
    /// Whether the server's own schema decided; if not, every argument counts as declared
    schema_known: bool,
    /// Hidden arguments, those to which secrets almost apply, and credentials of the server that would fail
    arguments: Vec<ExplainedArgument>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ExplainedArgument {
    arg: String,
    #[schema(value_type = Outcome)]
    outcome: &'static str,
    /// The secret that would be applied
    #[schema(required = true, value_type = Option<Uuid>)]
    winner: Option<SecretId>,
    /// Best first
    candidates: Vec<Candidate>,
    /// Secrets that almost apply
    near: Vec<NearSecret>,
    /// Whether only the time of the last change, or the ID, decided between the best two
    tied: bool,
}

/// A secret that was considered.
#[derive(Serialize, ToSchema)]
pub(crate) struct Candidate {
    #[schema(value_type = Uuid)]
    secret_id: SecretId,
    secret_name: String,
    #[schema(required = true)]
    pattern: Option<String>,
    wins: bool,
    why: String,
}

/// A secret that almost applies.
#[derive(Serialize, ToSchema)]
pub(crate) struct NearSecret {
    #[schema(value_type = Uuid)]
    secret_id: SecretId,
    secret_name: String,
    why: String,
}

impl From<Vec<Result<Explanation, ApiError>>> for ExplainResults {
    fn from(results: Vec<Result<Explanation, ApiError>>) -> Self {
        let results = results.into_iter().map(|result| {
            let (status, result, detail) = parts(result);
            ExplainResult {
                status,
                result,
                detail,
            }
        });
        Self {
            results: results.collect(),
        }
    }
}

impl Explanation {
    pub(crate) fn new(resolve: vault::Explanation, gateway: Option<GatewayAnswer>) -> Self {
        Self {
            tool_name: resolve.tool,
            would_succeed: resolve.would_succeed,
            arguments: arguments(resolve.arguments),
            gateway: gateway.map(|gateway| GatewayExplanation {
                server: gateway.server.to_string(),
                would_succeed: gateway.would_succeed,
                needs_sign_in: gateway.needs_sign_in,
                schema_known: gateway.schema_known,
                arguments: arguments(gateway.arguments),
            }),
        }
    }
}

fn arguments(explained: Vec<vault::Explained>) -> Vec<ExplainedArgument> {
    let arguments = explained.into_iter();
    arguments.map(ExplainedArgument::from).collect()
}

impl From<vault::Explained> for ExplainedArgument {
    fn from(argument: vault::Explained) -> Self {
        Self {
            arg: argument.arg,
            outcome: argument.outcome,
            winner: argument.winner,
            candidates: argument
                .candidates
                .into_iter()
                .map(Candidate::from)
                .collect(),
            near: argument.near.into_iter().map(NearSecret::from).collect(),
            tied: argument.tied,
        }
    }
}

impl From<vault::Candidate> for Candidate {
    fn from(candidate: vault::Candidate) -> Self {
        Self {
            secret_id: candidate.secret_id,
            secret_name: candidate.secret_name,
            pattern: candidate.pattern,
            wins: candidate.wins,
            why: candidate.why,
        }
    }
}

impl From<vault::Near> for NearSecret {
    fn from(near: vault::Near) -> Self {
        Self {
            secret_id: near.secret_id,
            secret_name: near.secret_name,
            why: near.why,
        }
    }
}
