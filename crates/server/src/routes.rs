//! The whole URL table.
//!
//! Every path of the API is served under `/v1` and `/api/v1`, and like the paths of the gateway with and without a
//! trailing slash. [`canonical`] maps all of these to the form in this table.

use axum::Router;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use axum::middleware::{from_fn, map_response};
use axum::routing::{get, post};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::{
    approvals, audit, connections, dashboard, documents, gateway, health, keys, local, mcp,
    mcp_secrets, me, pending_secrets, pins, policy, protected_resource, secrets, session, tools,
    users, uses, values, versions,
};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::session::renew;
use crate::forward;

/// The API's routes, each with its description.
pub(crate) fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        // Secrets.
        .routes(routes!(secrets::list_secrets, secrets::create_secret))
        .routes(routes!(
            secrets::get_secret,
            secrets::update_secret,
            secrets::delete_secret
        ))
        .routes(routes!(values::replace_value))
        .routes(routes!(versions::list_versions))
        .routes(routes!(versions::delete_version))
        .routes(routes!(versions::restore_version))
        .routes(routes!(policy::list_policies))
        .routes(routes!(uses::list_uses))
        .routes(routes!(policy::get_policy, policy::set_policy))
        .routes(routes!(
            pending_secrets::get_pending_secret,
            pending_secrets::set_pending_secret
        ))
        // Tools, for trusted runtimes.
        .routes(routes!(tools::resolve_tool))
        .routes(routes!(tools::resolve_calls))
        .routes(routes!(tools::explain_tool))
        .routes(routes!(tools::explain_calls))
        // Sessions of people, and the servers of the gateway.
        .routes(routes!(
            session::get_session,
            session::start_session,
            session::end_session
        ))
        .routes(routes!(
            session::issuers::list_issuers,
            session::issuers::begin_sign_in
        ))
        .routes(routes!(session::approvals::approve_key))
        .routes(routes!(session::approvals::get_approved_key))
        .routes(routes!(gateway::get_gateway))
        .routes(routes!(pins::list_pins, pins::accept_tool))
        .routes(routes!(connections::list_connections))
        .routes(routes!(connections::begin_connection))
        .routes(routes!(connections::complete_connection))
        .routes(routes!(connections::delete_connection))
        .routes(routes!(approvals::list_approvals))
        .routes(routes!(
            approvals::get_approval,
            approvals::decide_approval,
            approvals::delete_approval
        ))
        // The caller's own keys, rights and usage.
        .routes(routes!(keys::list_keys, keys::create_key))
        .routes(routes!(keys::update_key, keys::delete_key))
        .routes(routes!(keys::rotate_key))
        .routes(routes!(me::get_me))
        .routes(routes!(me::get_usage))
        // The audit trail.
        .routes(routes!(audit::list_audit))
        // Administration.
        .routes(routes!(users::list_users, users::create_user))
        .routes(routes!(users::update_user, users::delete_user))
        .routes(routes!(users::end_user_sessions))
        // Health and metrics.
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
}

/// All routes for the network.
pub(crate) fn router(app: App) -> Router {
    let direct = complete(for_everyone(), app.clone()).layer(from_fn(renew));
    if app.forwarding.is_none() {
        return direct;
    }
    let received = post(forward::receive::receive).with_state((app, direct.clone()));
    direct.route(forward::PATH, received)
}

/// All routes for local commands: those for the network, and `/local`.
pub(crate) fn local_router(app: App) -> Router {
    let router = for_everyone()
        .route("/local/audit/verify", post(local::verify_audit))
        .route("/local/audit/checkpoint", get(local::get_checkpoint))
        .route("/local/audit/progress", get(local::get_audit_progress))
        .route("/local/audit/prune", post(local::prune_audit))
        .route("/local/backup", post(local::back_up))
        .route("/local/diagnosis", get(local::get_diagnosis))
        .route("/local/status", get(local::get_status))
        .route("/local/reload", post(local::reload))
        .route("/local/sign-in-link", post(local::create_sign_in_link))
        .route("/local/root-key", post(local::rotate_root_key))
        .route("/local/root-key/check", post(local::check_root_key))
        .route("/local/user-keys", post(local::begin_user_keys))
        .route("/local/user-keys/portion", post(local::continue_user_keys));
    complete(router, app).layer(map_response(local::tell_cause))
}

fn complete(router: Router<App>, app: App) -> Router {
    router
        .fallback(|| async { ApiError::NoSuchRoute })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .with_state(app)
}

fn for_everyone() -> Router<App> {
    let (router, _) = api().split_for_parts();
    let gateway = || get(mcp::relay).post(mcp::relay).delete(mcp::relay);
    router
        // The gateway, for agents.
        .route("/mcp", gateway())
        .route("/mcp/{server}", gateway())
        .route(
            "/.well-known/oauth-protected-resource",
            get(protected_resource::metadata),
        )
        .route(
            "/.well-known/oauth-protected-resource/mcp",
            get(protected_resource::metadata),
        )
        .route(
            "/.well-known/oauth-protected-resource/mcp/{server}",
            get(protected_resource::metadata),
        )
        // The dashboard.
        .route("/", get(dashboard::page))
        .route("/dashboard/{*name}", get(dashboard::part))
        .route("/sign-in/{issuer}", get(session::issuers::come_back))
        .route("/oauth/callback", get(connections::come_back))
        .route("/oauth/client.json", get(connections::client_metadata))
        // The page on which a user stores a secret that a call needs.
        .route("/mcp-secrets/{pending_id}", get(mcp_secrets::page))
        .route("/mcp-secrets/page.js", get(mcp_secrets::script))
        .route("/mcp-secrets/page.css", get(mcp_secrets::style))
        // The description of the API.
        .route("/openapi.json", get(documents::openapi))
        .route("/docs", get(documents::page))
        .route("/docs/page.js", get(documents::script))
        .route("/docs/swagger-ui-bundle.js", get(documents::viewer))
        .route("/docs/swagger-ui.css", get(documents::viewer_style))
}

/// The form of `uri` in the table, or `None` if its path is in that form already.
pub(crate) fn canonical(uri: &Uri) -> Option<Uri> {
    let path = canonical_path(uri.path())?;
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("{path}{query}")).ok()?);
    Uri::from_parts(parts).ok()
}

fn canonical_path(path: &str) -> Option<String> {
    let without_slash = |path: &str| path.strip_suffix('/').unwrap_or(path).to_owned();
    if path == "/mcp" || path.starts_with("/mcp/") {
        return Some(without_slash(path));
    }
    let rest = path
        .strip_prefix("/api/v1/")
        .or_else(|| path.strip_prefix("/v1/"))?;
    let rest = without_slash(rest);
    // The only path that is documented with a slash. One with two is no path of the API.
    let slash = if rest == "secrets" || rest.ends_with('/') {
        "/"
    } else {
        ""
    };
    Some(format!("/api/v1/{rest}{slash}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_path_is_one_path() {
        for (asked, known) in [
            ("/v1/secrets", "/api/v1/secrets/"),
            ("/api/v1/secrets/?limit=1", "/api/v1/secrets/?limit=1"),
            ("/v1/secrets/7/", "/api/v1/secrets/7"),
            ("/v1/tools/a%2Fb/resolve", "/api/v1/tools/a%2Fb/resolve"),
            ("/v1/secrets//", "/api/v1/secrets//"),
            ("/mcp", "/mcp"),
            ("/mcp/", "/mcp"),
            ("/mcp/linear/?a=b", "/mcp/linear?a=b"),
            ("/mcp//", "/mcp/"),
        ] {
            let uri = canonical(&asked.parse().unwrap()).unwrap();
            assert_eq!(uri.to_string(), known);
        }
        for other in [
            "/",
            "/healthz",
            "/v2/secrets",
            "/api/v1",
            "/V1/secrets",
            "//v1/secrets",
            "//mcp",
            "/MCP",
            "/mcp-secrets/x",
        ] {
            assert_eq!(canonical(&other.parse().unwrap()), None, "{other}");
        }
    }
}
