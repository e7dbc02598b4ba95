//! `/v1/keys`: API keys.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use toolvault_core::api_key::KeyId;
use toolvault_core::identity::UserId;
use toolvault_core::pattern::ToolPattern;
use toolvault_core::scope::{Scope, ScopeSet};
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::{Error, IssuedKey, KeyChange, NewKey};

use super::secrets::require;
use super::{moment, nothing, seconds};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::{Authenticated, AuthenticatedForSomebody};
use crate::extract::input::{Input, name_problem};
use crate::openapi::{answers, errors, parameters, requests};
use crate::wire::{Body, Fields, Problem, ValidationErrors, check};

const NAME_LENGTHS: std::ops::RangeInclusive<usize> = 1..=1024;
/// Ten years.
const LONGEST_LIFE_SECONDS: i64 = 10 * 366 * 24 * 3_600;
/// Seven days.
const LONGEST_OVERLAP_SECONDS: i64 = 7 * 24 * 3_600;
const MOST_PATTERNS: usize = 100;

/// Lists keys, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/keys",
    tag = "keys",
    params(parameters::Credentials, parameters::KeyFilter),
    responses(
        (status = 200, description = "The keys", body = answers::KeyList),
        errors::Refusals, errors::Reading, errors::Invalid
    ),
    security(("sec0" = []), ("bearer" = []), ("api_key" = []), ("token" = []))
)]
pub(crate) async fn list_keys(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    let mut errors = ValidationErrors::default();
    let user = input.query().get("user_id").and_then(|text| {
        errors.keep(check::uuid_text(text), || {
            vec!["query".into(), "user_id".into()]
        })
    });
    errors.into_result()?;
    let keys = app.vault.list_keys(&caller, user.map(UserId)).await?;
    Ok(Json(json!({ "data": keys })).into_response())
}

/// Makes a key; the answer is the only place where it is shown in full.
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
            body = answers::IssuedKey,
            headers(("Cache-Control" = String, description = "`no-store`"))
        ),
        errors::Refusals, errors::ReadingJson
    ),
    security(("sec0" = []), ("bearer" = []), ("api_key" = []), ("token" = []))
)]
pub(crate) async fn create_key(
    State(app): State<App>,
    AuthenticatedForSomebody(caller): AuthenticatedForSomebody,
    input: Input,
) -> Result<Response, ApiError> {
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let new = read_new(body, app.clock.now(), &mut errors);
    let new = require(new, errors)?;
    let caller = caller.acting_for(new.user)?;
    let issued = app.vault.create_key(&caller, new).await?;
    Ok(issued_key(&issued))
}

/// Renames a key, takes scopes from it, or ends it earlier.
#[utoipa::path(
    patch,
    path = "/api/v1/keys/{key_id}",
    tag = "keys",
    params(parameters::KeyId, parameters::Credentials),
    request_body = Option<requests::UpdateKey>,
    responses(
        (status = 200, description = "The key as it is now", body = answers::Key),
        errors::NotFound, errors::Refusals, errors::ReadingJson
    ),
    security(("sec0" = []), ("bearer" = []), ("api_key" = []), ("token" = []))
)]
pub(crate) async fn update_key(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
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
    Ok(Json(info).into_response())
}

/// Replaces a key by one with the same rights.
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
            body = answers::IssuedKey,
            headers(("Cache-Control" = String, description = "`no-store`"))
        ),
        errors::NotFound, errors::Refusals, errors::ReadingJson
    ),
    security(("sec0" = []), ("bearer" = []), ("api_key" = []), ("token" = []))
)]
pub(crate) async fn rotate_key(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let overlap = Fields::of(body, &mut errors)
        .nullable("overlap_seconds", |value| {
            check::integer(value, 0..=LONGEST_OVERLAP_SECONDS)
        })
        .given();
    errors.into_result()?;
    let key = key_id(&input)?;
    let overlap = seconds(overlap.unwrap_or(0));
    let issued = app.vault.rotate_key(&caller, key, overlap).await?;
    Ok(issued_key(&issued))
}

/// Ends a key.
#[utoipa::path(
    delete,
    path = "/api/v1/keys/{key_id}",
    tag = "keys",
    params(parameters::KeyId, parameters::Credentials),
    responses(
        (status = 200, description = "The key has ended", body = answers::Nothing),
        errors::NotFound, errors::Refusals, errors::Reading
    ),
    security(("sec0" = []), ("bearer" = []), ("api_key" = []), ("token" = []))
)]
pub(crate) async fn delete_key(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    app.vault.revoke_key(&caller, key_id(&input)?).await?;
    Ok(nothing())
}

/// The key in the path. What cannot be an id is the id of no key.
fn key_id(input: &Input) -> Result<KeyId, ApiError> {
    input
        .text_segment()
        .and_then(|text| text.parse().ok())
        .ok_or(ApiError::Vault(Error::NotFound))
}

fn read_new(body: Body<'_>, now: Timestamp, errors: &mut ValidationErrors) -> Option<NewKey> {
    let mut fields = Fields::of(body, errors);
    let name = fields.nullable("name", name).given();
    let scopes = read_scopes(&mut fields, true);
    let tools = read_tools(&mut fields);
    let expires_at = read_expiry(&mut fields, now);
    let any_user = fields.nullable("any_user", check::boolean).given();
    let user = fields.nullable("user_id", check::uuid).given();
    Some(NewKey {
        name: name.unwrap_or_default(),
        scopes: scopes?,
        tools,
        expires_at,
        any_user: any_user.unwrap_or(false),
        user: user.map(UserId),
    })
}

fn read_scopes(fields: &mut Fields<'_, '_>, is_required: bool) -> Option<ScopeSet> {
    let list = if is_required {
        fields.required("scopes", check::list)
    } else {
        fields.nullable("scopes", check::list).given()
    }?;
    if list.elements().next().is_none() {
        let message = "List should have at least 1 item after validation, not 0";
        fields.refuse(
            ["scopes".into()],
            Problem::new("too_short", message).with("min_length", 1),
        );
    }
    Some(fields.each("scopes", list, scope).into_iter().collect())
}

fn scope(value: toolvault_core::json::Value<'_>) -> Result<Scope, Problem> {
    let text = check::text(value, 0..=usize::MAX)?;
    text.parse().map_err(|_| {
        let message = "Input should be 'manage', 'use', 'resolve', 'audit' or 'admin'";
        Problem::new("enum", message)
    })
}

fn read_tools(fields: &mut Fields<'_, '_>) -> Vec<ToolPattern> {
    let Some(list) = fields.nullable("tools", check::list).given() else {
        return Vec::new();
    };
    let tools = fields.each("tools", list, |value| {
        let text = check::text(value, NAME_LENGTHS)?;
        ToolPattern::parse(&text).map_err(name_problem)
    });
    if list.elements().count() > MOST_PATTERNS {
        let message = format!("List should have at most {MOST_PATTERNS} items after validation");
        fields.refuse(["tools".into()], Problem::new("too_long", message));
    }
    tools
}

/// `expires_in` in seconds from now, or `expires_at`; not both.
fn read_expiry(fields: &mut Fields<'_, '_>, now: Timestamp) -> Option<Timestamp> {
    let seconds_from_now = fields
        .nullable("expires_in", |value| {
            check::integer(value, 1..=LONGEST_LIFE_SECONDS)
        })
        .given();
    let at = fields
        .nullable("expires_at", |value| {
            let end = moment(&check::text(value, 0..=usize::MAX)?)?;
            if end > now {
                Ok(end)
            } else {
                Err(Problem::value_error("the end must lie in the future"))
            }
        })
        .given();
    if seconds_from_now.is_some() && at.is_some() {
        let problem = Problem::value_error("give 'expires_in' or 'expires_at', not both");
        fields.refuse(["expires_at".into()], problem);
    }
    at.or(seconds_from_now.map(|after| now.plus(seconds(after))))
}

fn name(value: toolvault_core::json::Value<'_>) -> Result<String, Problem> {
    let mut text = check::text(value, NAME_LENGTHS)?;
    Ok(std::mem::take(&mut *text))
}

fn issued_key(issued: &IssuedKey) -> Response {
    let mut body = json!(issued.info);
    if let Value::Object(members) = &mut body {
        members.insert("key".to_owned(), json!(issued.key.expose()));
    }
    let mut response = Json(body).into_response();
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}
