//! `/v1/tools/{tool_name}` and `/v1/resolve`: what a tool receives.

mod answers;
mod calls;

use axum::Json;
use axum::extract::State;
use toolvault_vault::{Call, Caller};

use self::answers::completed::{self, Completed, CompletedOrResults};
use self::answers::explained::{Explanation, ExplanationOrResults};
use self::calls::ResolveRequest;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::{Authenticated, AuthenticatedProgram};
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
    AuthenticatedProgram(caller): AuthenticatedProgram,
    input: Input,
) -> Result<Completed, ApiError> {
    let call = read_call(&input)?;
    let mut results = app.vault.resolve(&caller, vec![call]).await?;
    completed::one(&app, results.pop())
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
    AuthenticatedProgram(caller): AuthenticatedProgram,
    input: Input,
) -> Result<CompletedOrResults, ApiError> {
    match read_calls(&input)? {
        ResolveRequest::One(call) => {
            let mut results = app.vault.resolve(&caller, vec![*call]).await?;
            completed::one(&app, results.pop()).map(CompletedOrResults::One)
        }
        ResolveRequest::Several(calls) => {
            let results = app.vault.resolve(&caller, calls).await?;
            Ok(CompletedOrResults::Several(completed::several(
                &app, results,
            )))
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
    let mut results = explained(&app, &caller, vec![read_call(&input)?]).await?;
    results.pop().ok_or(ApiError::Internal)?.map(Json)
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
    match read_calls(&input)? {
        ResolveRequest::One(call) => {
            let mut results = explained(&app, &caller, vec![*call]).await?;
            let explanation = results.pop().ok_or(ApiError::Internal)??;
            Ok(Json(ExplanationOrResults::One(explanation)))
        }
        ResolveRequest::Several(calls) => {
            let results = explained(&app, &caller, calls).await?;
            Ok(Json(ExplanationOrResults::Several(results.into())))
        }
    }
}

/// Explains calls on both paths.
async fn explained(
    app: &App,
    caller: &Caller,
    calls: Vec<Call>,
) -> Result<Vec<Result<Explanation, ApiError>>, ApiError> {
    let explained = app.vault.explain(caller, calls.clone()).await?;
    let calls = calls.into_iter().zip(&explained);
    let allowed = calls.filter_map(|(call, explained)| explained.is_ok().then_some(call));
    let on_gateway = app.gateway.explain(caller, allowed.collect()).await;
    let mut on_gateway = on_gateway.into_iter();
    let both = explained.into_iter().map(|explanation| {
        let explanation = explanation?;
        let gateway = on_gateway.next().ok_or(ApiError::Internal)??;
        Ok(Explanation::new(explanation, gateway))
    });
    Ok(both.collect())
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
