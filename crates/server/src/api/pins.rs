//! `/v1/gateway/pins`: what the tools of the gateway's servers are pinned as, for administrators.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use toolvault_core::digest::{from_hexadecimal, hexadecimal};
use toolvault_core::timestamp::Timestamp;
use toolvault_gateway::mcp::ListedPin;
use toolvault_vault as vault;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::extract::input::{Input, require};
use crate::openapi::{errors, parameters, requests};
use crate::wire::{Fields, Problem, ValidationErrors, check};

/// What a tool is pinned as.
#[derive(Serialize, ToSchema)]
pub(crate) struct ToolPin {
    /// The name that its server has for it
    tool: String,
    /// SHA-256 of its canonical definition
    sha256: String,
    /// When that was first seen or accepted
    #[schema(value_type = String, format = DateTime)]
    pinned_at: Timestamp,
    /// What a person should know of its name and definition: that it looks like another tool, or holds hidden characters
    warnings: Vec<String>,
    /// The last other definition that was seen
    #[schema(required = true)]
    change: Option<ToolChange>,
}

/// A definition other than the pinned one.
#[derive(Serialize, ToSchema)]
pub(crate) struct ToolChange {
    /// SHA-256 of the canonical definition
    sha256: String,
    /// When it was seen
    #[schema(value_type = String, format = DateTime)]
    seen_at: Timestamp,
    /// What differs, in words; null if a definition was not kept
    #[schema(required = true)]
    differences: Option<Vec<String>>,
    /// Where it holds hidden characters
    warnings: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ToolPinList {
    data: Vec<ToolPin>,
}

impl From<ListedPin> for ToolPin {
    fn from(listed: ListedPin) -> Self {
        let ListedPin {
            pin,
            warnings,
            differences,
            change_warnings,
        } = listed;
        let change = |change: vault::ToolChange| ToolChange {
            sha256: hexadecimal(&change.hash),
            seen_at: change.seen_at,
            differences,
            warnings: change_warnings,
        };
        Self {
            tool: pin.tool,
            sha256: hexadecimal(&pin.hash),
            pinned_at: pin.pinned_at,
            warnings,
            change: pin.change.map(change),
        }
    }
}

/// List Pins
///
/// Lists what the tools of a gateway server are pinned as, by name. A server that never listed a tool has none.
#[utoipa::path(
    get,
    path = "/api/v1/gateway/pins/{server}",
    tag = "gateway",
    params(parameters::Server, parameters::Credentials),
    responses(
        (status = 200, description = "The pins", body = ToolPinList),
        errors::NotFound, errors::Refusals, errors::Reading
    )
)]
pub(crate) async fn list_pins(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<ToolPinList>, ApiError> {
    let server = input.text_segment("server").unwrap_or_default();
    let pins = app.gateway.pins(&caller, &server).await?;
    Ok(Json(ToolPinList {
        data: pins.into_iter().map(ToolPin::from).collect(),
    }))
}

/// Accept Tool
///
/// Makes the last change of a tool, which has this SHA-256, its pin.
#[utoipa::path(
    post,
    path = "/api/v1/gateway/pins/{server}",
    tag = "gateway",
    params(parameters::Server, parameters::Credentials),
    request_body = requests::AcceptTool,
    responses(
        (status = 200, description = "The tool's pin as it is now", body = ToolPin),
        errors::NotFound, errors::PreconditionFailed, errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn accept_tool(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<ToolPin>, ApiError> {
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let mut fields = Fields::of(body, &mut errors);
    let tool = fields.required("tool", |value| check::text(value, 1..=1024));
    let hash = fields.required("sha256", |value| {
        let text = check::text(value, 64..=64)?;
        let hash = from_hexadecimal(&text).and_then(|hash| <[u8; 32]>::try_from(hash).ok());
        hash.ok_or_else(|| Problem::value_error("expected 64 hexadecimal digits"))
    });
    let (tool, hash) = require(tool.zip(hash), errors)?;
    let server = input.text_segment("server").unwrap_or_default();
    let pin = app.gateway.accept_tool(&caller, &server, &tool, hash);
    Ok(Json(pin.await?.into()))
}
