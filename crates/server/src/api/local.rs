//! `/local`: requests that only local commands may send. These paths are not served over the network.

use std::io;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use toolvault_core::audit::checkpoint::Checkpoint;
use toolvault_core::confidential::Key;
use toolvault_core::identity::UserId;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::{
    Backup, Diagnosis, Evidence, Piece, Progress, Pruned, RotationBegun, RotationPortion,
    Verification,
};

use crate::app::App;
use crate::error::{ApiError, Cause, ERROR_CODE};
use crate::extract::caller::Local;
use crate::extract::input::{Input, read_body};
use crate::status::Status;

/// The cause of a failure. Only local commands receive it; others find it in the log.
const CAUSE: HeaderName = HeaderName::from_static("toolvault-cause");

/// What a backup contains, as JSON.
const CONTENTS: HeaderName = HeaderName::from_static("toolvault-backup");

/// The longest evidence, in bytes: the checkpoints of four years, one an hour.
const LONGEST_EVIDENCE: usize = 16 << 20;

/// Verifies the whole audit trail, and every row of the store against it.
pub(crate) async fn verify_audit(
    State(app): State<App>,
    Local(caller): Local,
    request: Request,
) -> Result<Json<Verification>, ApiError> {
    let (parts, body) = request.into_parts();
    let body = read_body(&app, &parts, body, LONGEST_EVIDENCE).await?;
    let evidence: Evidence =
        serde_json::from_slice(&body.bytes).map_err(|_| ApiError::Unreadable)?;
    Ok(Json(app.vault.prove_audit(&caller, evidence).await?))
}

/// A checkpoint of the audit trail.
pub(crate) async fn get_checkpoint(
    State(app): State<App>,
    Local(caller): Local,
) -> Result<Json<Checkpoint>, ApiError> {
    let checkpoint = app.vault.checkpoint(&caller, None).await?;
    Ok(Json(checkpoint.ok_or(ApiError::Internal)?))
}

#[derive(Deserialize)]
struct PruneRequest {
    before: Timestamp,
}

/// Deletes the oldest pages of the audit trail.
pub(crate) async fn prune_audit(
    State(app): State<App>,
    Local(caller): Local,
    input: Input,
) -> Result<Json<Pruned>, ApiError> {
    let request: PruneRequest =
        serde_json::from_slice(input.bytes()).map_err(|_| ApiError::Unreadable)?;
    Ok(Json(app.vault.prune_audit(&caller, request.before).await?))
}

/// How far the verification or the prune has come, for a command that waits for it.
pub(crate) async fn get_audit_progress(State(app): State<App>, Local(_): Local) -> Json<Progress> {
    Json(app.vault.audit_progress())
}

/// The diagnosis of the store, for `toolvault doctor`.
pub(crate) async fn get_diagnosis(
    State(app): State<App>,
    Local(caller): Local,
) -> Result<Json<Diagnosis>, ApiError> {
    Ok(Json(app.vault.diagnose(&caller).await?))
}

/// The server and its store at a glance, for `toolvault status` and `toolvault doctor`.
pub(crate) async fn get_status(
    State(app): State<App>,
    Local(caller): Local,
) -> Result<Json<Status>, ApiError> {
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: app.started_at,
        store: app.vault.status(&caller).await?,
        jobs: app.jobs.states(),
        gateway: app.gateway.servers(),
    }))
}

/// Makes a backup. The header `toolvault-backup` says what is in it, and the body is the file.
pub(crate) async fn back_up(
    State(app): State<App>,
    Local(caller): Local,
) -> Result<Response, ApiError> {
    let Backup { contents, pieces } = app.vault.back_up(&caller).await?;
    let contents = serde_json::to_string(&contents)
        .ok()
        .and_then(|text| HeaderValue::try_from(text).ok())
        .ok_or(ApiError::Internal)?;
    // A body that ends early must break the connection, not look complete.
    let body = futures_util::stream::unfold(Some(pieces), async |pieces| {
        let mut pieces = pieces?;
        match pieces.recv().await {
            Some(Ok(Piece::Bytes(bytes))) => Some((Ok(bytes), Some(pieces))),
            Some(Ok(Piece::End)) => None,
            Some(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a backup failed");
                Some((Err(io::Error::other(error)), None))
            }
            None => Some((Err(io::ErrorKind::UnexpectedEof.into()), None)),
        }
    });
    Ok(([(CONTENTS, contents)], Body::from_stream(body)).into_response())
}

#[derive(Serialize)]
pub(crate) struct RootKeyRotation {
    /// Whether the key is another one than before.
    rotated: bool,
}

/// Wraps the keyring with the root key in the body: its 32 bytes.
pub(crate) async fn rotate_root_key(
    State(app): State<App>,
    Local(caller): Local,
    input: Input,
) -> Result<Json<RootKeyRotation>, ApiError> {
    let root = Key::from_slice(input.bytes()).ok_or(ApiError::Unreadable)?;
    let rotated = app.vault.rotate_root_key(&caller, root).await?;
    Ok(Json(RootKeyRotation { rotated }))
}

#[derive(Serialize)]
pub(crate) struct RootKeyCheck {
    /// Whether the key opens the store.
    opens: bool,
}

/// Says whether the root key in the body, its 32 bytes, opens the store.
pub(crate) async fn check_root_key(
    State(app): State<App>,
    Local(caller): Local,
    input: Input,
) -> Result<Json<RootKeyCheck>, ApiError> {
    let root = Key::from_slice(input.bytes()).ok_or(ApiError::Unreadable)?;
    let opens = app.vault.opens_with(&caller, &root).await?;
    Ok(Json(RootKeyCheck { opens }))
}

/// Begins to give each user a new key, or goes on with a rotation that was stopped.
pub(crate) async fn begin_user_keys(
    State(app): State<App>,
    Local(caller): Local,
) -> Result<Json<RotationBegun>, ApiError> {
    Ok(Json(app.vault.begin_user_key_rotation(&caller).await?))
}

/// Does a portion of that rotation.
pub(crate) async fn continue_user_keys(
    State(app): State<App>,
    Local(caller): Local,
    input: Input,
) -> Result<Json<RotationPortion>, ApiError> {
    let position = serde_json::from_slice(input.bytes()).map_err(|_| ApiError::Unreadable)?;
    let portion = app
        .vault
        .continue_user_key_rotation(&caller, position)
        .await?;
    Ok(Json(portion))
}

/// A link that signs a person in.
#[derive(Serialize)]
pub(crate) struct SignInLink {
    token: String,
    expires_at: Timestamp,
    /// Where the dashboard is; `None` if no server answered.
    base_url: Option<String>,
}

/// Whom a link signs in.
#[derive(Deserialize)]
struct SignInAs {
    user_id: UserId,
}

/// Makes a link that signs a person in.
pub(crate) async fn create_sign_in_link(
    State(app): State<App>,
    Local(caller): Local,
    input: Input,
) -> Result<Response, ApiError> {
    if !app.settings.dashboard.enabled {
        let reason = "the server has no dashboard: dashboard.enabled is false";
        return Ok(conflict("dashboard_off", reason));
    }
    let SignInAs { user_id: user } =
        serde_json::from_slice(input.bytes()).map_err(|_| ApiError::Unreadable)?;
    let (sealed, expires_at) = app.vault.create_sign_in_link(&caller, user).await?;
    Ok(Json(SignInLink {
        token: URL_SAFE_NO_PAD.encode(sealed),
        expires_at,
        base_url: app.settings.base_url(),
    })
    .into_response())
}

/// Makes the program that runs the server reload its configuration.
pub(crate) async fn reload(State(app): State<App>, Local(_): Local) -> Result<Response, ApiError> {
    match app.reloads.ask().await {
        Some(Ok(report)) => Ok(Json(report).into_response()),
        Some(Err(reason)) => Ok(conflict("not_reloaded", &reason)),
        None => Err(ApiError::NoSuchRoute),
    }
}

fn conflict(code: &'static str, reason: &str) -> Response {
    let body = Json(json!({ "detail": reason }));
    (StatusCode::CONFLICT, [(ERROR_CODE, code)], body).into_response()
}

/// Adds the cause of a failure to its response.
pub(crate) async fn tell_cause(mut response: Response) -> Response {
    if let Some(Cause(text)) = response.extensions_mut().remove() {
        let text = text.replace(char::is_control, " ");
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(CAUSE, value);
        }
    }
    response
}
