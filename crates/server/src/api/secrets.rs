//! `/v1/secrets`: the operations of the original API.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::{self as vault, ListFilter, SecretAnswer};
use utoipa::ToSchema;

use super::Nothing;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::extract::input::{Input, require};
use crate::openapi::{errors, parameters, requests, successes};
use crate::wire::{ListQuery, Problem, ValidationErrors, new_secret, secret_change};

const WARNING: HeaderName = HeaderName::from_static("toolvault-warning");
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const LONGEST_IDEMPOTENCY_KEY: usize = 255;

#[derive(Serialize, ToSchema)]
pub(crate) struct SecretInfo {
    #[schema(value_type = Uuid)]
    secret_id: SecretId,
    #[schema(value_type = Uuid)]
    user_id: UserId,
    secret_name: String,
    /// The masked value; it does not reveal the length
    #[schema(required = true)]
    display: Option<String>,
    #[schema(required = true)]
    tool_name: Option<String>,
    #[schema(required = true)]
    tool_arg: Option<String>,
    is_default_for_tool: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<vault::SecretInfo> for SecretInfo {
    fn from(secret: vault::SecretInfo) -> Self {
        Self {
            secret_id: secret.secret_id,
            user_id: secret.user_id,
            secret_name: secret.secret_name,
            display: secret.display,
            tool_name: secret.tool_name,
            tool_arg: secret.tool_arg,
            is_default_for_tool: secret.is_default_for_tool,
            created_at: secret.created_at,
            updated_at: secret.updated_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SecretList {
    data: Vec<SecretInfo>,
    /// How many secrets match
    #[schema(minimum = 0, value_type = i64)]
    total: usize,
    #[schema(minimum = 1, maximum = 1000)]
    limit: i64,
    #[schema(minimum = 0)]
    offset: i64,
}

/// List Secrets
///
/// Lists the user's secrets, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/secrets/",
    tag = "agents",
    params(parameters::Credentials, parameters::SecretFilter),
    responses(
        (status = 200, description = "Successful Response", body = SecretList),
        errors::Refusals, errors::Reading, errors::Invalid
    )
)]
pub(crate) async fn list_secrets(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<SecretList>, ApiError> {
    let mut errors = ValidationErrors::default();
    let query = ListQuery::read(&input.query(), &mut errors);
    errors.into_result()?;
    let filter = ListFilter {
        name: query.secret_name,
        tool: query.tool_name,
        query: query.q,
        limit: usize::try_from(query.limit).unwrap_or_default(),
        offset: usize::try_from(query.offset).unwrap_or(usize::MAX),
    };
    let list = app.vault.list_secrets(&caller, &filter).await?;
    Ok(Json(SecretList {
        data: list.secrets.into_iter().map(SecretInfo::from).collect(),
        total: list.total,
        limit: query.limit,
        offset: query.offset,
    }))
}

/// Returns one secret, without its value.
#[utoipa::path(
    get,
    path = "/api/v1/secrets/{secret_id}",
    tag = "agents",
    operation_id = "get_secret_info_v1_secrets__secret_id__get",
    summary = "Get Secret Info",
    description = "Returns one secret, without its value.",
    params(parameters::SecretId, parameters::Credentials),
    responses(
        successes::OneSecret,
        errors::NotFound,
        errors::Refusals,
        errors::Reading,
        errors::Invalid
    )
)]
pub(crate) async fn get_secret(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    let mut errors = ValidationErrors::default();
    let id = input.secret_id(&mut errors);
    let id = require(id, errors)?;
    let info = app.vault.get_secret(&caller, id).await?;
    Ok(answer(info))
}

/// Stores a secret.
#[utoipa::path(
    post,
    path = "/api/v1/secrets/",
    tag = "agents",
    operation_id = "new_secret_v1_secrets__post",
    summary = "New Secret",
    description = "Stores a secret.",
    params(parameters::Credentials, parameters::IdempotencyKey),
    request_body = requests::CreateSecret,
    responses(
        successes::ChangedSecret, errors::NotFound,
        errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn create_secret(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let new = new_secret(body, &mut errors);
    let idempotency_key = idempotency_key(&input, &mut errors);
    let new = require(new, errors)?;
    let stored = app
        .vault
        .create_secret(&caller, new, idempotency_key.as_deref())
        .await?;
    Ok(changed(stored))
}

/// Changes the given fields of a secret.
#[utoipa::path(
    patch,
    path = "/api/v1/secrets/{secret_id}",
    tag = "agents",
    operation_id = "update_secret_v1_secrets__secret_id__patch",
    summary = "Update a Secret",
    description = "Changes the given fields of a secret and returns the secret, as `SecretInfo`.",
    params(parameters::SecretId, parameters::Credentials, parameters::IfMatch),
    request_body(content(
        (Option<requests::UpdateSecret> = "application/json"),
        (Option<requests::SecretMergePatch> = "application/merge-patch+json")
    )),
    responses(
        successes::PatchedSecret, errors::NotFound, errors::PreconditionFailed,
        errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn update_secret(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let id = input.secret_id(&mut errors);
    let change = secret_change(body, &mut errors);
    let id = require(id, errors)?;
    let stored = app
        .vault
        .update_secret(&caller, id, change, input.if_match())
        .await?;
    Ok(changed(stored))
}

/// Deletes a secret with all its versions.
#[utoipa::path(
    delete,
    path = "/api/v1/secrets/{secret_id}",
    tag = "agents",
    operation_id = "delete_secret_v1_secrets__secret_id__delete",
    summary = "Delete Secret",
    description = "Deletes a secret with all its versions and returns `{}`.",
    params(parameters::SecretId, parameters::Credentials, parameters::IfMatch),
    responses(
        successes::Deleted,
        errors::NotFound,
        errors::PreconditionFailed,
        errors::Refusals,
        errors::Reading,
        errors::Invalid
    )
)]
pub(crate) async fn delete_secret(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<Nothing>, ApiError> {
    let mut errors = ValidationErrors::default();
    let id = input.secret_id(&mut errors);
    let id = require(id, errors)?;
    app.vault
        .delete_secret(&caller, id, input.if_match())
        .await?;
    Ok(Json(Nothing {}))
}

/// The response with a changed secret and its warnings.
pub(crate) fn changed(stored: SecretAnswer) -> Response {
    let mut response = answer(stored.info);
    for warning in stored.warnings {
        if let Ok(value) = HeaderValue::from_str(&warning) {
            response.headers_mut().append(WARNING, value);
        }
    }
    response
}

/// The response with a secret and its entity tag.
pub(super) fn answer(secret: vault::SecretInfo) -> Response {
    let tag = secret.entity_tag();
    tagged(SecretInfo::from(secret), &tag)
}

/// The response with an entity tag.
pub(super) fn tagged(body: impl Serialize, tag: &str) -> Response {
    let mut response = Json(body).into_response();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn idempotency_key(input: &Input, errors: &mut ValidationErrors) -> Option<String> {
    let key = input.header(IDEMPOTENCY_KEY).and_then(|key| match key {
        Some(key) if !(1..=LONGEST_IDEMPOTENCY_KEY).contains(&key.len()) => Err(
            Problem::value_error("an idempotency key must have 1 to 255 characters"),
        ),
        key => Ok(key.map(str::to_owned)),
    });
    errors.keep(key, || vec!["header".into(), IDEMPOTENCY_KEY.into()])?
}
