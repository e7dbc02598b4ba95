//! `/v1/session/approvals`: a person in a session approves a key for a command line, which then gets it.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::Value;
use toolvault_vault::Error;
use utoipa::ToSchema;

use super::read_anonymous;
use crate::api::keys::answers::IssuedKey;
use crate::api::keys::rights::{name, read_scopes};
use crate::api::seconds;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::{identify, refuse};
use crate::extract::input::{Input, require};
use crate::extract::reached::Reached;
use crate::extract::session::InSession;
use crate::openapi::{errors, requests};
use crate::wire::{Fields, Problem, ValidationErrors, check};

/// The longest life of a key for a command line, in seconds: 90 days.
const LONGEST_LIFE_SECONDS: i64 = 90 * 24 * 3_600;
/// SHA-256 in hexadecimal.
const CHALLENGE_LENGTH: usize = 64;

/// An approval, for the command line that asked for it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Approved {
    /// The command line gets the key for it, within two minutes
    code: String,
}

/// Approve Key
///
/// Approves a key for the command line that has the verifier to `challenge`. For pages in which a person is signed in.
#[utoipa::path(
    post,
    path = "/api/v1/session/approvals",
    tag = "session",
    security(("session" = [])),
    request_body = requests::ApproveKey,
    responses(
        (status = 200, description = "The approval", body = Approved),
        errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn approve_key(
    State(app): State<App>,
    session: InSession,
    input: Input,
) -> Result<Json<Approved>, ApiError> {
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let mut fields = Fields::of(body, &mut errors);
    let challenge = fields.required("challenge", challenge);
    let name = fields.required("name", name);
    let scopes = read_scopes(&mut fields, true);
    let lasts = fields.required("expires_in", |value| {
        check::integer(value, 1..=LONGEST_LIFE_SECONDS)
    });
    let read = challenge.zip(name).zip(scopes.zip(lasts));
    let ((challenge, name), (scopes, lasts)) = require(read, errors)?;
    let expires_at = app.clock.now().plus(seconds(lasts));
    let signed_in = &session.signed_in;
    let approving = app
        .vault
        .approve_key(signed_in, challenge, name, scopes, expires_at);
    Ok(Json(Approved {
        code: URL_SAFE_NO_PAD.encode(approving.await?),
    }))
}

/// Get Approved Key
///
/// Creates the key that a person approved, once. Only this answer shows it in full.
#[utoipa::path(
    post,
    path = "/api/v1/session/approvals/key",
    tag = "session",
    security(()),
    request_body = requests::GetApprovedKey,
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
pub(crate) async fn get_approved_key(
    State(app): State<App>,
    _reached: Reached,
    request: Request,
) -> Result<Response, ApiError> {
    if !app.settings.dashboard.enabled {
        return Err(ApiError::NoSuchRoute);
    }
    let mut anonymous = read_anonymous(&app, request).await?;
    let mut errors = ValidationErrors::default();
    let mut fields = Fields::of(anonymous.body()?, &mut errors);
    let code = fields.required("code", |value| check::text(value, 1..=8192));
    let verifier = fields.required("verifier", |value| check::text(value, 1..=128));
    let (code, verifier): (Wiped<String>, Wiped<String>) = require(code.zip(verifier), errors)?;
    let sealed = URL_SAFE_NO_PAD.decode(code.as_bytes()).unwrap_or_default();
    let redeeming = app.vault.redeem_approval(
        &sealed,
        &verifier,
        app.settings.dashboard.session_limits(),
        |issuer: &str| app.tokens.scopes_of_people(issuer),
        |caller| identify(&mut anonymous.parts, caller),
    );
    let issued = redeeming.await.map_err(|error| match error {
        Error::Unauthenticated => None,
        error => Some(error),
    });
    match issued {
        Ok(issued) => Ok(IssuedKey::from(issued).into_response()),
        Err(None) => Err(refuse(&anonymous.parts, &app, "approval_not_accepted")),
        Err(Some(error)) => Err(error.into()),
    }
}

fn challenge(value: Value<'_>) -> Result<String, Problem> {
    let text = check::text(value, CHALLENGE_LENGTH..=CHALLENGE_LENGTH)?;
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.bytes().all(is_digit) {
        Ok(text.as_str().to_owned())
    } else {
        Err(Problem::value_error(
            "use SHA-256 in lower-case hexadecimal",
        ))
    }
}
