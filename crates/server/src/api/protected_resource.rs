//! `/.well-known/oauth-protected-resource`: the issuers of tokens for the gateway (RFC 9728), if any are configured.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use toolvault_core::scope::Scope;
use toolvault_gateway::ServerName;

use crate::app::App;
use crate::entrance::BaseUrl;
use crate::error::ApiError;
use crate::extract::reached::Reached;
use crate::jwt::IssuerConfig;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Describes the resource whose path follows [`WELL_KNOWN`]: the whole server, the gateway, or one tool server. The
/// answer is the same for unknown names, so it does not reveal which servers exist.
pub(crate) async fn metadata(
    State(app): State<App>,
    reached: Reached,
    uri: Uri,
) -> Result<Response, ApiError> {
    let path = uri.path().strip_prefix(WELL_KNOWN).unwrap_or_default();
    if !is_described(&app, path) {
        return Err(ApiError::NoSuchRoute);
    }
    let issuers = token_issuers(&app);
    Ok(Json(json!({
        "resource": format!("{}{path}", reached.base_url),
        "authorization_servers": issuers.map(|issuer| &issuer.issuer).collect::<Vec<_>>(),
        "scopes_supported": [Scope::Use],
        "bearer_methods_supported": ["header"],
    }))
    .into_response())
}

/// The URL of the metadata of the resource at `path`, or `None` if no issuer is configured.
pub(super) fn metadata_url(app: &App, base_url: &BaseUrl, path: &str) -> Option<String> {
    // The well-known path comes before the whole path of the resource (RFC 9728, section 3.1).
    let BaseUrl { origin, path: base } = base_url;
    is_described(app, path).then(|| format!("{origin}{WELL_KNOWN}{base}{path}"))
}

fn is_described(app: &App, path: &str) -> bool {
    let is_server = |name: &str| name.parse::<ServerName>().is_ok();
    token_issuers(app).next().is_some() && path.strip_prefix("/mcp/").is_none_or(is_server)
}

/// The issuers whose tokens programs may present. At the others only people sign in.
fn token_issuers(app: &App) -> impl Iterator<Item = &IssuerConfig> {
    let issuers = app.settings.issuers.iter();
    issuers.filter(|issuer| !issuer.audience.is_empty())
}
