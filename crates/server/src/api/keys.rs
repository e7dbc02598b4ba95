//! `/v1/keys`: API keys.

pub(super) mod answers;
pub(super) mod rights;

use axum::Json;
use axum::extract::State;
use toolvault_core::api_key::KeyId;
use toolvault_core::identity::UserId;
use toolvault_core::timestamp::SECOND;
use toolvault_vault::{Error, KeyChange, LONGEST_OVERLAP};

use self::answers::{IssuedKey, KeyInfo, KeyList};
use self::rights::{name, read_expiry, read_new, read_scopes};
use super::{Nothing, seconds};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::{Authenticated, AuthenticatedForAnyUser};
use crate::extract::input::{Input, require};
use crate::openapi::{errors, parameters, requests};
use crate::wire::{Fields, ValidationErrors, check};

/// List Keys
///
/// Lists API keys, oldest first, never with the secret part.
#[utoipa::path(
    get,
    path = "/api/v1/keys",
    tag = "keys",
    params(parameters::Credentials, parameters::KeyFilter),
    responses(
        (status = 200, description = "The keys", body = KeyList),
        errors::Refusals, errors::Reading, errors::Invalid
    )
)]
pub(crate) async fn list_keys(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<KeyList>, ApiError> {
    let mut errors = ValidationErrors::default();
    let user = input.query().get("user_id").and_then(|text| {
        errors.keep(check::uuid_text(text), || {
            vec!["query".into(), "user_id".into()]
        })
    });
    errors.into_result()?;
    let keys = app.vault.list_keys(&caller, user.map(UserId)).await?;
    Ok(Json(KeyList::from(keys)))
}

/// Create Key
///
/// Creates an API key. Only this answer shows it in full.
#[utoipa::path(
    post,
    path = "/api/v1/keys",
    tag = "keys",
    params(parameters::Credentials),
    request_body = requests::CreateKey,
    responses(
        (
            status = 200,
            description = "The new key",
            body = IssuedKey,
            headers(("Cache-Control" = String, description = "`no-store`"))
        ),
        errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn create_key(
    State(app): State<App>,
    AuthenticatedForAnyUser(caller): AuthenticatedForAnyUser,
    input: Input,
) -> Result<IssuedKey, ApiError> {
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let new = read_new(body, app.clock.now(), &mut errors);
    let new = require(new, errors)?;
    let caller = caller.acting_for(new.user)?;
    let issued = app.vault.create_key(&caller, new).await?;
    Ok(issued.into())
}

/// Update Key
///
/// Renames a key, removes scopes from it, or lets it expire earlier.
#[utoipa::path(
    patch,
    path = "/api/v1/keys/{key_id}",
    tag = "keys",
    params(parameters::KeyId, parameters::Credentials),
    request_body = Option<requests::UpdateKey>,
    responses(
        (status = 200, description = "The key as it is now", body = KeyInfo),
        errors::NotFound, errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn update_key(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<KeyInfo>, ApiError> {
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let mut fields = Fields::of(body, &mut errors);
    let name = fields.nullable("name", name).given();
    let scopes = read_scopes(&mut fields, false);
    let expires_at = read_expiry(&mut fields, app.clock.now());
    errors.into_result()?;
    let key = key_id(&input)?;
    let info = app
        .vault
        .update_key(
            &caller,
            key,
            KeyChange {
                name,
                scopes,
                expires_at,
            },
        )
        .await?;
    Ok(Json(info.into()))
}

/// Rotate Key
///
/// Replaces a key with a new one that has the same rights.
#[utoipa::path(
    post,
    path = "/api/v1/keys/{key_id}/rotate",
    tag = "keys",
    params(parameters::KeyId, parameters::Credentials),
    request_body = Option<requests::RotateKey>,
    responses(
        (
            status = 200,
            description = "The new key",
            body = IssuedKey,
            headers(("Cache-Control" = String, description = "`no-store`"))
        ),
        errors::NotFound, errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn rotate_key(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<IssuedKey, ApiError> {
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let overlap = Fields::of(body, &mut errors)
        .nullable("overlap_seconds", |value| {
            check::integer(value, 0..=LONGEST_OVERLAP / SECOND)
        })
        .given();
    errors.into_result()?;
    let key = key_id(&input)?;
    let overlap = seconds(overlap.unwrap_or(0));
    let issued = app.vault.rotate_key(&caller, key, overlap).await?;
    Ok(issued.into())
}

/// Revoke Key
///
/// Revokes a key and every key that was created with it.
#[utoipa::path(
    delete,
    path = "/api/v1/keys/{key_id}",
    tag = "keys",
    params(parameters::KeyId, parameters::Credentials),
    responses(
        (status = 200, description = "The key is revoked", body = Nothing),
        errors::NotFound, errors::Refusals, errors::Reading
    )
)]
pub(crate) async fn delete_key(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<Nothing>, ApiError> {
    app.vault.revoke_key(&caller, key_id(&input)?).await?;
    Ok(Json(Nothing {}))
}

/// The key in the path. A text that cannot be an ID gets the same answer as an unknown ID.
fn key_id(input: &Input) -> Result<KeyId, ApiError> {
    input
        .text_segment("key_id")
        .and_then(|text| text.parse().ok())
        .ok_or(ApiError::Vault(Error::NotFound))
}
