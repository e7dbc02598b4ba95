//! `/v1/users`: users, for administrators.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use toolvault_core::identity::UserId;
use toolvault_vault::UserChange;

use super::nothing;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::extract::input::{Input, require};
use crate::openapi::{answers, errors, parameters, requests};
use crate::wire::{Field, Fields, ValidationErrors, check};

/// Lists users, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/users",
    tag = "users",
    params(parameters::Credentials, parameters::UserFilter),
    responses(
        (status = 200, description = "The users", body = answers::UserList),
        errors::Refusals, errors::Reading, errors::Invalid
    )
)]
pub(crate) async fn list_users(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    let mut errors = ValidationErrors::default();
    let name = input.query().text("name", &mut errors);
    errors.into_result()?;
    let users = app.vault.list_users(&caller, name.as_deref()).await?;
    Ok(Json(json!({ "data": users })).into_response())
}

/// Makes a local user.
#[utoipa::path(
    post,
    path = "/api/v1/users",
    tag = "users",
    params(parameters::Credentials),
    request_body = requests::CreateUser,
    responses(
        (status = 200, description = "The new user", body = answers::UserInfo),
        errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn create_user(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let name = Fields::of(body, &mut errors).required("name", |value| check::text(value, 1..=1024));
    let name = require(name, errors)?;
    let user = app.vault.create_user(&caller, &name).await?;
    Ok(Json(user).into_response())
}

/// Disables or enables a user, or changes their quota.
#[utoipa::path(
    patch,
    path = "/api/v1/users/{user_id}",
    tag = "users",
    params(parameters::UserId, parameters::Credentials),
    request_body = Option<requests::UpdateUser>,
    responses(
        (status = 200, description = "The user as they are now", body = answers::UserInfo),
        errors::NotFound, errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn update_user(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let id = input.identifier("user_id", &mut errors);
    let mut fields = Fields::of(body, &mut errors);
    let mut limit = |name| match fields.nullable(name, |value| check::integer(value, 0..=i64::MAX))
    {
        Field::Absent => None,
        Field::Null => Some(None),
        Field::Given(limit) => Some(Some(limit)),
    };
    let change = UserChange {
        secrets_limit: limit("secrets_limit"),
        bytes_limit: limit("bytes_limit"),
        disabled: fields.nullable("disabled", check::boolean).given(),
    };
    let id = require(id, errors)?;
    let user = app.vault.update_user(&caller, UserId(id), change).await?;
    Ok(Json(user).into_response())
}

/// Erases a user with all their secrets and keys.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{user_id}",
    tag = "users",
    params(parameters::UserId, parameters::Credentials),
    responses(
        (status = 200, description = "The user is erased", body = answers::Nothing),
        errors::NotFound, errors::Refusals, errors::Reading, errors::Invalid
    )
)]
pub(crate) async fn delete_user(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    let mut errors = ValidationErrors::default();
    let id = input.identifier("user_id", &mut errors);
    let id = require(id, errors)?;
    app.vault.delete_user(&caller, UserId(id)).await?;
    Ok(nothing())
}
