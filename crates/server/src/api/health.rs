//! `/healthz`, `/readyz` and `/metrics`: for operators and monitoring.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use toolvault_core::scope::Scope;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::openapi::{errors, parameters};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Serialize, ToSchema)]
pub(crate) struct Status {
    #[schema(value_type = String)]
    status: &'static str,
}

/// Get Liveness
///
/// Answers as long as the process runs.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "server",
    responses((status = 200, description = "It runs", body = Status)),
    security(())
)]
pub(crate) async fn healthz() -> Json<Status> {
    Json(Status { status: "ok" })
}

/// Get Readiness
///
/// Answers 200 as long as the database can be read and written.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "server",
    responses((status = 200, description = "It is ready", body = Status), errors::NotReady),
    security(())
)]
pub(crate) async fn readyz(State(app): State<App>) -> Result<Json<Status>, ApiError> {
    if app.vault.is_ready().await {
        Ok(Json(Status { status: "ready" }))
    } else {
        Err(ApiError::NotReady)
    }
}

/// Get Metrics
///
/// Returns metrics for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "server",
    params(parameters::Credentials),
    responses(
        (
            status = 200,
            description = "The metrics",
            body = String,
            content_type = "application/openmetrics-text"
        ),
        errors::Refusals
    )
)]
pub(crate) async fn metrics(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Result<Response, ApiError> {
    caller.require(Scope::Admin)?;
    encoded(&app).await
}

/// The metrics as text; the metrics listener answers with them too.
pub(crate) async fn encoded(app: &App) -> Result<Response, ApiError> {
    let now = app.clock.now();
    app.metrics.rotation_due.refresh(&app.vault, now).await;
    app.metrics.pending_approvals.refresh(&app.vault).await;
    let text = app.metrics.encode().map_err(|_| ApiError::Internal)?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}
