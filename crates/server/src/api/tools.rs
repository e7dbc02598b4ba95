//! `/v1/tools/{tool_name}` and `/v1/resolve`: what a tool receives.

mod answers;
mod calls;

use axum::Json;
use axum::extract::State;
use toolvault_vault::{Call, Caller};

use self::answers::{Completed, CompletedOrResults, Explanation, ExplanationOrResults};
use self::calls::ResolveRequest;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::extract::input::Input;
use crate::openapi::{errors, parameters, requests};
use crate::wire::ValidationErrors;

/// Resolve Tool Call
///
/// Completes the arguments of a tool.
#[utoipa::path(
    post,
    path = "/api/v1/tools/{tool_name}/resolve",
    tag = "tools",
    params(parameters::ToolName, parameters::Credentials),
    request_body = Option<requests::Call>,
    responses(
        (
            status = 200,
            description = "The completed arguments",
            body = Completed,
            headers(("Cache-Control" = String, description = "`no-store`"))
        ),
        errors::NotCompleted, errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn resolve_tool(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Completed, ApiError> {
    let call = read_call(&input)?;
    let mut results = app.vault.resolve(&caller, vec![call]).await?;
    answers::one(&app, results.pop())
}

/// Resolve Tool Calls
///
/// Completes the arguments of one tool call or of several.
#[utoipa::path(
    post,
    path = "/api/v1/resolve",
    tag = "tools",
    params(parameters::Credentials),
    request_body = requests::Calls,
    responses(
        (
            status = 200,
            description = "The completed arguments of the call, or one result for each of several calls",
            body = CompletedOrResults,
            headers(("Cache-Control" = String, description = "`no-store`"))
        ),
        errors::NotCompleted, errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn resolve_calls(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<CompletedOrResults, ApiError> {
    match read_calls(&input)? {
        ResolveRequest::One(call) => {
            let mut results = app.vault.resolve(&caller, vec![*call]).await?;
            answers::one(&app, results.pop()).map(CompletedOrResults::One)
        }
        ResolveRequest::Several(calls) => {
            let results = app.vault.resolve(&caller, calls).await?;
            Ok(CompletedOrResults::Several(answers::several(&app, results)))
        }
    }
}

/// Explain Tool Call
///
/// Explains what resolving and the gateway would do, without any value.
#[utoipa::path(
    post,
    path = "/api/v1/tools/{tool_name}/explain",
    tag = "tools",
    params(parameters::ToolName, parameters::Credentials),
    request_body = Option<requests::Call>,
    responses(
        (status = 200, description = "What would happen", body = Explanation),
        errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn explain_tool(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<Explanation>, ApiError> {
    let both = (read_call(&input)?, read_call(&input)?);
    explained(&app, &caller, both).await.map(Json)
}

/// Explain Tool Calls
///
/// Explains what resolving and the gateway would do with one tool call or several, without any value.
#[utoipa::path(
    post,
    path = "/api/v1/explain",
    tag = "tools",
    params(parameters::Credentials),
    request_body = requests::Calls,
    responses(
        (
            status = 200,
            description = "What would happen with the call, or one result for each of several calls",
            body = ExplanationOrResults
        ),
        errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn explain_calls(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<ExplanationOrResults>, ApiError> {
    match (read_calls(&input)?, read_calls(&input)?) {
        (ResolveRequest::One(call), ResolveRequest::One(same)) => {
            let explanation = explained(&app, &caller, (*call, *same)).await?;
            Ok(Json(ExplanationOrResults::One(explanation)))
        }
        (ResolveRequest::Several(calls), ResolveRequest::Several(same)) => {
            let mut results = Vec::with_capacity(calls.len());
            for both in calls.into_iter().zip(same) {
                results.push(explained(&app, &caller, both).await);
            }
            Ok(Json(ExplanationOrResults::Several(results.into())))
        }
        _ => Err(ApiError::Internal),
    }
}

/// Explains one call, which is read twice: each of the two paths consumes its own.
async fn explained(
    app: &App,
    caller: &Caller,
    (direct, relayed): (Call, Call),
) -> Result<Explanation, ApiError> {
    let explanation = app.vault.explain(caller, direct).await?;
    let gateway = app.gateway.explain(caller, relayed).await?;
    Ok(Explanation::new(explanation, gateway))
}

fn read_calls(input: &Input) -> Result<ResolveRequest, ApiError> {
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let request = calls::read_several(body, &mut errors);
    errors.into_result()?;
    request.ok_or(ApiError::Internal)
}

fn read_call(input: &Input) -> Result<Call, ApiError> {
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let tool = input.tool_name(&mut errors);
    let call = calls::read_one(tool, body, &mut errors);
    errors.into_result()?;
    call.ok_or(ApiError::Internal)
}
