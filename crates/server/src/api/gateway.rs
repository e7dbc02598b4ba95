//! `/v1/gateway`: the servers of the MCP gateway, as one caller reaches them.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use toolvault_core::policy::Approval;
use toolvault_core::timestamp::Timestamp;
use toolvault_gateway::mcp::{Listing, ServerOverview, ToolOverview};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::openapi::words::{GatewayState, PolicyApproval, Transport};
use crate::openapi::{errors, parameters};

/// A server behind the gateway.
#[derive(Serialize, ToSchema)]
pub(crate) struct GatewayServer {
    name: String,
    #[schema(value_type = Transport)]
    transport: &'static str,
    #[schema(value_type = GatewayState)]
    state: &'static str,
    /// Why it is failing
    #[schema(required = true)]
    error: Option<String>,
    /// When it listed these tools
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    as_of: Option<Timestamp>,
    /// Credentials of the server itself that no secret serves: `headers.<Name>`, `env.<NAME>` or `url`
    missing: Vec<String>,
    tools: Vec<GatewayTool>,
}

/// A tool of such a server.
#[derive(Serialize, ToSchema)]
pub(crate) struct GatewayTool {
    /// The name with which secrets are matched
    name: String,
    /// The name that its server has for it
    tool_name: String,
    #[schema(required = true)]
    title: Option<String>,
    arguments: Vec<String>,
    /// The arguments that no model is shown
    hidden: Vec<String>,
    /// Those of the hidden arguments that no secret serves
    missing: Vec<String>,
    /// Which calls a person must allow, as the configuration says; policies of secrets may ask for more
    #[schema(required = true, value_type = Option<PolicyApproval>)]
    approval: Option<Approval>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Gateway {
    servers: Vec<GatewayServer>,
}

impl From<ServerOverview> for GatewayServer {
    fn from(server: ServerOverview) -> Self {
        let (state, error, as_of) = match server.listing {
            Listing::Listed(at) => ("ok", None, Some(at)),
            Listing::NeedsSignIn => ("needs_sign_in", None, None),
            Listing::Failing(why) => ("failing", Some(why), None),
            Listing::Unknown => ("unknown", None, None),
        };
        Self {
            name: server.name.as_str().to_owned(),
            transport: if server.is_program { "stdio" } else { "http" },
            state,
            error,
            as_of,
            missing: server.missing,
            tools: server.tools.into_iter().map(GatewayTool::from).collect(),
        }
    }
}

impl From<ToolOverview> for GatewayTool {
    fn from(tool: ToolOverview) -> Self {
        Self {
            name: tool.full_name,
            tool_name: tool.name,
            title: tool.title,
            arguments: tool.arguments,
            hidden: tool.hidden,
            missing: tool.missing,
            approval: tool.approval,
        }
    }
}

/// Get Gateway
///
/// Returns the servers of the gateway that the caller reaches, with their tools. With the scope `use`, each server is
/// asked, for at most 10 seconds, unless it answered in the last 15.
#[utoipa::path(
    get,
    path = "/api/v1/gateway",
    tag = "gateway",
    params(parameters::Credentials),
    responses((status = 200, description = "The servers", body = Gateway), errors::Refusals)
)]
pub(crate) async fn get_gateway(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Gateway>, ApiError> {
    let servers = app.gateway.overview(&caller).await?;
    Ok(Json(Gateway {
        servers: servers.into_iter().map(GatewayServer::from).collect(),
    }))
}
