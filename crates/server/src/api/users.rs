//! `/v1/users`: users, for administrators.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use toolvault_core::identity::UserId;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::{self as vault, Field, UserChange};
use utoipa::ToSchema;

use super::Nothing;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::extract::input::{Input, require};
use crate::openapi::{errors, parameters, requests};
use crate::wire::{Fields, ValidationErrors, check};

#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserInfo {
    #[schema(value_type = Uuid)]
    user_id: UserId,
    /// Unique among local users
    name: String,
    /// `local`, or `issuer:` and the issuer
    origin: String,
    disabled: bool,
    /// The user's own limit, if it is set
    #[schema(required = true, minimum = 0)]
    secrets_limit: Option<i64>,
    /// The user's own limit, if it is set
    #[schema(required = true, minimum = 0)]
    bytes_limit: Option<i64>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<vault::UserInfo> for UserInfo {
    fn from(user: vault::UserInfo) -> Self {
        Self {
            user_id: user.user_id,
            name: user.name,
            origin: user.origin,
            disabled: user.disabled,
            secrets_limit: user.secrets_limit,
            bytes_limit: user.bytes_limit,
            created_at: user.created_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct UserList {
    data: Vec<UserInfo>,
}

/// List Users
///
/// Lists users, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/users",
    tag = "users",
    params(parameters::Credentials, parameters::UserFilter),
    responses(
        (status = 200, description = "The users", body = UserList),
        errors::Refusals, errors::Reading, errors::Invalid
    )
)]
pub(crate) async fn list_users(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<UserList>, ApiError> {
    let mut errors = ValidationErrors::default();
    let name = input.query().text("name", &mut errors);
    errors.into_result()?;
    let users = app.vault.list_users(&caller, name.as_deref()).await?;
    let data = users.into_iter().map(UserInfo::from).collect();
    Ok(Json(UserList { data }))
}

/// Create User
///
/// Creates a local user.
#[utoipa::path(
    post,
    path = "/api/v1/users",
    tag = "users",
    params(parameters::Credentials),
    request_body = requests::CreateUser,
    responses(
        (status = 200, description = "The new user", body = UserInfo),
        errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn create_user(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<UserInfo>, ApiError> {
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let name = Fields::of(body, &mut errors).required("name", |value| check::text(value, 1..=1024));
    let name = require(name, errors)?;
    let user = app.vault.create_user(&caller, &name).await?;
    Ok(Json(user.into()))
}

/// Update User
///
/// Disables or enables a user, or changes their limits.
#[utoipa::path(
    patch,
    path = "/api/v1/users/{user_id}",
    tag = "users",
    params(parameters::UserId, parameters::Credentials),
    request_body = Option<requests::UpdateUser>,
    responses(
        (status = 200, description = "The user as they are now", body = UserInfo),
        errors::NotFound, errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn update_user(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<UserInfo>, ApiError> {
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let id = input.identifier("user_id", &mut errors).map(UserId);
    let mut fields = Fields::of(body, &mut errors);
    let mut limit = |name| match fields.nullable(name, |value| check::integer(value, 0..=i64::MAX))
    {
        Field::Keep => None,
        Field::Clear => Some(None),
        Field::Set(limit) => Some(Some(limit)),
    };
    let change = UserChange {
        secrets_limit: limit("secrets_limit"),
        bytes_limit: limit("bytes_limit"),
        disabled: fields.nullable("disabled", check::boolean).given(),
    };
    let id = require(id, errors)?;
    let user = app.vault.update_user(&caller, id, change).await?;
    Ok(Json(user.into()))
}

/// Delete User
///
/// Deletes a user with all their secrets and keys.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{user_id}",
    tag = "users",
    params(parameters::UserId, parameters::Credentials),
    responses(
        (status = 200, description = "The user is deleted", body = Nothing),
        errors::NotFound, errors::Refusals, errors::Reading, errors::Invalid
    )
)]
pub(crate) async fn delete_user(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<Nothing>, ApiError> {
    app.vault
        .delete_user(&caller, user_in_path(&input)?)
        .await?;
    Ok(Json(Nothing {}))
}

/// End Sessions of a User
///
/// Signs a user out of the dashboard in every browser, also with links that were made before. Keys and tokens stay valid.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{user_id}/sessions",
    tag = "users",
    params(parameters::UserId, parameters::Credentials),
    responses(
        (status = 200, description = "The sessions are ended", body = Nothing),
        errors::NotFound, errors::Refusals, errors::Reading, errors::Invalid
    )
)]
pub(crate) async fn end_user_sessions(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<Nothing>, ApiError> {
    app.vault
        .end_sessions(&caller, user_in_path(&input)?)
        .await?;
    Ok(Json(Nothing {}))
}

fn user_in_path(input: &Input) -> Result<UserId, ApiError> {
    let mut errors = ValidationErrors::default();
    let id = input.identifier("user_id", &mut errors).map(UserId);
    require(id, errors)
}
