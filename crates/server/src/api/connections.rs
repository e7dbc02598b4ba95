//! `/v1/connections`: where the caller's user is signed in at tool servers. A sign-in begins with `begin`, the person
//! leaves for the authorization server and comes back, and whoever began it sends the answer to `complete`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use toolvault_core::confidential::Wiped;
use toolvault_core::timestamp::Timestamp;
use toolvault_gateway::mcp::{AuthorizationAnswer, BegunConnection};
use toolvault_vault as vault;
use utoipa::ToSchema;

use super::session::issuers::into_fragment;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::extract::input::{Input, require};
use crate::extract::reached::Reached;
use crate::extract::session::OwnPage;
use crate::oidc::answer::parameters;
use crate::openapi::words::ConnectionState;
use crate::openapi::{errors, parameters as describe, requests};
use crate::wire::{Fields, Problem, ValidationErrors, check};

/// The most scopes that a request may name.
const MOST_SCOPES: usize = 100;
/// How this server registers itself at authorization servers, below its public URL.
const CLIENT_METADATA: &str = "/oauth/client.json";
/// Where they send the browser.
const CALLBACK: &str = "/oauth/callback";

/// Where a person is signed in, or can be. No answer holds a token.
#[derive(Serialize, ToSchema)]
pub(crate) struct Connection {
    /// The server's name in the configuration
    server: String,
    #[schema(value_type = ConnectionState)]
    state: &'static str,
    /// The issuer of the tokens
    #[schema(required = true)]
    issuer: Option<String>,
    /// What the tokens permit
    scopes: Vec<String>,
    /// When the user signed in
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    connected_at: Option<Timestamp>,
    /// When the tokens were issued
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    renewed_at: Option<Timestamp>,
    /// When the access token expires, if its issuer said so
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// When it was last used, to the minute
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
    /// Whether it is renewed without the user
    can_refresh: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectionList {
    data: Vec<Connection>,
}

/// A sign-in that has begun.
#[derive(Serialize, ToSchema)]
pub(crate) struct BegunSignInAtServer {
    /// Where the person signs in
    url: String,
    /// The host of the authorization server
    issuer_host: String,
    /// What is asked for
    scopes: Vec<String>,
    /// What `complete` needs, within ten minutes
    flow: String,
}

/// A connection that was deleted.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeletedConnection {
    /// Whether the authorization server took the tokens back. If not, they end there when they expire
    revoked: bool,
}

impl From<vault::Connection> for Connection {
    fn from(connection: vault::Connection) -> Self {
        Self {
            server: connection.server,
            state: if connection.needs_sign_in {
                "needs_sign_in"
            } else {
                "connected"
            },
            issuer: Some(connection.issuer),
            scopes: connection.scopes,
            connected_at: Some(connection.connected_at),
            renewed_at: Some(connection.renewed_at),
            expires_at: connection.expires_at,
            last_used_at: connection.last_used_at,
            can_refresh: connection.can_refresh,
        }
    }
}

impl Connection {
    /// A server at which the user is not signed in.
    fn none(server: String) -> Self {
        Self {
            server,
            state: "not_connected",
            issuer: None,
            scopes: Vec::new(),
            connected_at: None,
            renewed_at: None,
            expires_at: None,
            last_used_at: None,
            can_refresh: false,
        }
    }
}

impl From<BegunConnection> for BegunSignInAtServer {
    fn from(begun: BegunConnection) -> Self {
        Self {
            url: begun.authorization_url,
            issuer_host: begun.issuer_host,
            scopes: begun.scopes,
            flow: begun.flow,
        }
    }
}

/// List Connections
///
/// Lists the servers of the gateway at which the user is signed in, and those that are known to want it.
#[utoipa::path(
    get,
    path = "/api/v1/connections",
    tag = "gateway",
    params(describe::Credentials),
    responses(
        (status = 200, description = "The connections, by server", body = ConnectionList),
        errors::Refusals
    )
)]
pub(crate) async fn list_connections(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Result<Json<ConnectionList>, ApiError> {
    let connections = app.vault.connections(&caller).await?;
    let mut data: Vec<_> = connections.into_iter().map(Connection::from).collect();
    for server in app.gateway.oauth_servers(&caller) {
        if !data.iter().any(|known| known.server == server.as_str()) {
            data.push(Connection::none(server.to_string()));
        }
    }
    data.sort_by(|one, other| one.server.cmp(&other.server));
    Ok(Json(ConnectionList { data }))
}

/// Begin Connection
///
/// Begins a sign-in at a server: finds its authorization server, and returns the URL at which the person signs in.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{server}/begin",
    tag = "gateway",
    params(describe::Server, describe::Credentials),
    request_body = requests::BeginConnection,
    responses(
        (status = 200, description = "The sign-in", body = BegunSignInAtServer),
        errors::NotFound, errors::NotConnected, errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn begin_connection(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    page: Result<OwnPage, ApiError>,
    input: Input,
) -> Result<Json<BegunSignInAtServer>, ApiError> {
    let mut errors = ValidationErrors::default();
    let mut fields = Fields::of(input.json()?, &mut errors);
    let port = fields.nullable("redirect_port", |value| check::integer(value, 1..=65_535));
    let scopes = fields.nullable("scopes", check::list).given();
    let scopes = scopes.map(|list| {
        fields.each("scopes", list, |value| {
            check::text(value, 1..=1024).map(|scope| scope.to_string())
        })
    });
    if scopes
        .as_ref()
        .is_some_and(|scopes| scopes.len() > MOST_SCOPES)
    {
        let problem = Problem::value_error("at most 100 scopes");
        fields.refuse(["scopes".into()], problem);
    }
    errors.into_result()?;
    let redirect_uri = match port.given() {
        Some(port) => format!("http://127.0.0.1:{port}/callback"),
        None => format!("{}{CALLBACK}", page?.base_url),
    };
    let server = input.text_segment("server").unwrap_or_default();
    let begun = app
        .gateway
        .begin_connection(&caller, &server, &redirect_uri, scopes)
        .await?;
    Ok(Json(begun.into()))
}

/// Complete Connection
///
/// Ends a sign-in that the same user began: exchanges the code, and keeps the tokens.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{server}/complete",
    tag = "gateway",
    params(describe::Server, describe::Credentials),
    request_body = requests::CompleteConnection,
    responses(
        (status = 200, description = "The connection", body = Connection),
        errors::NotFound, errors::NotConnected, errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn complete_connection(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<Connection>, ApiError> {
    let mut errors = ValidationErrors::default();
    let mut fields = Fields::of(input.json()?, &mut errors);
    let flow = fields.required("flow", |value| check::text(value, 1..=65_536));
    let answer = fields.required("answer", |value| {
        let query = check::text(value, 1..=8192)?;
        let problem = || Problem::value_error("it is not the answer of an authorization server");
        read_answer(&query).ok_or_else(problem)
    });
    let (flow, answer) = require(flow.zip(answer), errors)?;
    let server = input.text_segment("server").unwrap_or_default();
    let connection = app
        .gateway
        .complete_connection(&caller, &server, &flow, answer)
        .await?;
    Ok(Json(connection.into()))
}

/// Delete Connection
///
/// Deletes a connection, then gives its tokens back to the authorization server, if that takes them.
#[utoipa::path(
    delete,
    path = "/api/v1/connections/{server}",
    tag = "gateway",
    params(describe::Server, describe::Credentials),
    responses(
        (status = 200, description = "It is deleted", body = DeletedConnection),
        errors::NotFound, errors::Refusals, errors::Reading
    )
)]
pub(crate) async fn delete_connection(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<DeletedConnection>, ApiError> {
    let server = input.text_segment("server").unwrap_or_default();
    let revoked = app.gateway.disconnect(&caller, &server).await?;
    Ok(Json(DeletedConnection {
        revoked: revoked.unwrap_or(false),
    }))
}

/// What an authorization server puts into the URL to which the person comes back.
fn read_answer(query: &str) -> Option<AuthorizationAnswer> {
    let [code, error, state, iss] = parameters(query, ["code", "error", "state", "iss"])?;
    Some(AuthorizationAnswer {
        code: code.map(Wiped::new),
        error,
        state: state?,
        iss,
    })
}

/// Where an authorization server sends the browser. The answer goes into the fragment, which no browser sends anywhere.
pub(crate) async fn come_back(
    State(app): State<App>,
    _reached: Reached,
    uri: Uri,
) -> Result<Response, ApiError> {
    if app.settings.dashboard.enabled {
        into_fragment("connected", &uri)
    } else {
        Err(ApiError::NoSuchRoute)
    }
}

/// How this server describes itself to authorization servers as a client (OAuth client ID metadata document). They read
/// it over HTTPS, so it is there only if the public URL has that.
pub(crate) async fn client_metadata(
    State(app): State<App>,
    _reached: Reached,
) -> Result<Response, ApiError> {
    let entrance = app.entrance();
    let public_url = entrance.public_url();
    let public_url = public_url.filter(|url| url.origin.starts_with("https://"));
    let url = public_url.ok_or(ApiError::NoSuchRoute)?;
    let metadata = json!({
        "client_id": format!("{url}{CLIENT_METADATA}"),
        "client_name": "Toolvault",
        "client_uri": url.to_string(),
        "redirect_uris": [
            format!("{url}{CALLBACK}"),
            // For command lines: any port (RFC 8252, section 7.3).
            "http://127.0.0.1/callback",
        ],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "web",
    });
    Ok((StatusCode::OK, Json(metadata)).into_response())
}
