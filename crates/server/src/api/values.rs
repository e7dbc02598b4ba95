//! `/v1/secrets/{secret_id}/value`: values too long for the original operations.

use axum::extract::State;
use axum::response::Response;
use toolvault_core::confidential::{Confidential, Wiped};
use toolvault_core::json::Value;
use toolvault_vault::SecretChange;

use super::secrets::changed;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::extract::input::{Input, require};
use crate::openapi::{errors, parameters, requests, successes};
use crate::wire::{Fields, Problem, ValidationErrors, check};

/// In bytes of UTF-8.
const SHORTEST: usize = 4;
const LONGEST: usize = 65_536;

/// Replace Secret Value
///
/// Replaces a secret's value with one of up to 65,536 bytes.
#[utoipa::path(
    put,
    path = "/api/v1/secrets/{secret_id}/value",
    tag = "agents",
    params(parameters::SecretId, parameters::Credentials, parameters::IfMatch),
    request_body(
        description = "The new value, 4 to 65,536 bytes of UTF-8",
        content(
            (requests::ReplaceValue = "application/json"),
            (String = "application/octet-stream")
        )
    ),
    responses(
        successes::ChangedSecret, errors::NotFound, errors::PreconditionFailed,
        errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn replace_value(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    let mut errors = ValidationErrors::default();
    let value = if is_octets(&input)? {
        let value = octets(&input);
        let id = input.secret_id(&mut errors);
        let value = errors.keep(value, || vec!["body".into()]);
        (id, value)
    } else {
        let body = input.json()?;
        let id = input.secret_id(&mut errors);
        (
            id,
            Fields::of(body, &mut errors).required("secret_value", text),
        )
    };
    let (id, value) = require(value.0.zip(value.1), errors)?;
    let change = SecretChange {
        value: Some(Confidential::from(value)),
        ..SecretChange::default()
    };
    let stored = app
        .vault
        .update_secret(&caller, id, change, input.if_match())
        .await?;
    Ok(changed(stored))
}

fn is_octets(input: &Input) -> Result<bool, ApiError> {
    let essence = input
        .content_type()?
        .and_then(|text| text.split(';').next())
        .map(str::trim);
    Ok(essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/octet-stream")))
}

fn octets(input: &Input) -> Result<Wiped<String>, Problem> {
    let text = std::str::from_utf8(input.bytes()).map_err(|_| {
        let message =
            "Input should be a valid string, unable to parse raw data as a unicode string";
        Problem::new("string_unicode", message)
    })?;
    measured(Wiped::new(text.to_owned()))
}

/// A value in a JSON body.
pub(super) fn text(value: Value<'_>) -> Result<Wiped<String>, Problem> {
    check::text(value, 0..=usize::MAX).and_then(measured)
}

fn measured(text: Wiped<String>) -> Result<Wiped<String>, Problem> {
    if text.len() < SHORTEST {
        let message = format!("Data should have at least {SHORTEST} bytes");
        Err(Problem::new("bytes_too_short", message).with("min_length", SHORTEST))
    } else if text.len() > LONGEST {
        let message = format!("Data should have at most {LONGEST} bytes");
        Err(Problem::new("bytes_too_long", message).with("max_length", LONGEST))
    } else if text.contains('\0') {
        Err(Problem::value_error("NUL is not allowed"))
    } else {
        Ok(text)
    }
}
