//! How a person signs in at a server, and out. Nothing is kept meanwhile: whoever begins a sign-in holds it, sealed.

mod client;
mod error;

use std::sync::Arc;

use toolvault_core::confidential::Confidential;
use toolvault_core::digest::hexadecimal;
use toolvault_core::scope::Scope;
use toolvault_core::sign_in::ConnectionRequest;
use toolvault_vault::{Caller, Connection, Disconnected, Error};

pub use self::error::ConnectError;
use super::accounts::new_tokens;
use super::server::{Found, Server};
use super::state::State;
use crate::http::{Url, is_on_this_machine};
use crate::oauth::authorization::{Request, with_offline_access};
use crate::oauth::revocation::revoke;
use crate::oauth::token::{Grant, TokenRequest};
use crate::oauth::{AuthorizationAnswer, OAuthError, is_scope};

/// The most scopes that someone may choose.
const MOST_SCOPES: usize = 100;

/// A sign-in that has begun.
#[expect(missing_debug_implementations, reason = "it holds a state")]
pub struct BegunConnection {
    /// Where the person signs in.
    pub authorization_url: String,
    /// The sign-in, sealed, for its end.
    pub flow: String,
    /// The host of the authorization server.
    pub issuer_host: String,
    /// What is asked for.
    pub scopes: Vec<String>,
}

/// The server of that name, if people sign in there.
fn server(state: &State, caller: &Caller, name: &str) -> Result<Arc<Server>, ConnectError> {
    let rules = state.rules();
    let server = rules.server(caller, name);
    let server = server.map_err(|_| ConnectError::NoSuchServer)?;
    if server.takes_sign_ins() {
        Ok(Arc::clone(server))
    } else {
        Err(ConnectError::TakesNoSignIn)
    }
}

/// Begins a sign-in that ends at `redirect_uri`, with the scopes that someone chose, or with those that the server wants.
pub(super) async fn begin(
    state: &State,
    caller: &Caller,
    name: &str,
    redirect_uri: &str,
    chosen: Option<Vec<String>>,
) -> Result<BegunConnection, ConnectError> {
    caller.require(Scope::Manage)?;
    let server = server(state, caller, name)?;
    require_redirect(redirect_uri)?;
    let chosen = chosen.filter(|chosen| !chosen.is_empty());
    if let Some(chosen) = &chosen
        && (chosen.len() > MOST_SCOPES || !chosen.iter().all(|scope| is_scope(scope)))
    {
        return Err(ConnectError::Scopes);
    }
    let site = server.site()?;
    let found = server.discover(&site, state.clock.now()).await?;
    let issuer = &found.issuer;
    issuer.sign_in()?;
    let scopes = match chosen {
        Some(chosen) => granted(state, caller, &server, &found, chosen).await?,
        None => found.scopes(),
    };
    let scopes = with_offline_access(scopes, issuer);
    let client = client::choose(state, &server, &site, issuer, redirect_uri).await?;
    let secret = client.secret.as_ref().and_then(Confidential::expose_text);
    let random = || {
        let mut bytes = [0; 32];
        state.entropy.fill(&mut bytes).map(|()| hexadecimal(&bytes))
    };
    let request = ConnectionRequest {
        server: server.name.to_string(),
        issuer: issuer.identifier.clone(),
        requires_iss: issuer.names_itself,
        resource: found.resource,
        client_secret: secret.map(str::to_owned),
        client_id: client.id,
        auth_method: client.auth_method,
        verifier: random()?,
        state: random()?,
        redirect_uri: redirect_uri.to_owned(),
        scopes,
    };
    let authorization_url = Request {
        client_id: &request.client_id,
        redirect_uri,
        resource: &request.resource,
        scopes: &request.scopes,
        state: &request.state,
        verifier: &request.verifier,
    };
    Ok(BegunConnection {
        authorization_url: authorization_url.url(issuer)?,
        issuer_host: issuer.host(),
        scopes: request.scopes.clone(),
        flow: state.vault.seal_connection_flow(caller, request).await?,
    })
}

/// Chosen scopes, with those that were granted before: a server may ask only for what it lacks.
async fn granted(
    state: &State,
    caller: &Caller,
    server: &Server,
    found: &Found,
    mut chosen: Vec<String>,
) -> Result<Vec<String>, Error> {
    let connections = state.vault.connections(caller).await?;
    let before = connections.into_iter().find(|connection| {
        connection.server == server.name.as_str() && connection.issuer == found.issuer.identifier
    });
    for scope in before.into_iter().flat_map(|before| before.scopes) {
        if !chosen.contains(&scope) {
            chosen.push(scope);
        }
    }
    Ok(chosen)
}

fn require_redirect(redirect_uri: &str) -> Result<(), ConnectError> {
    let is_good = Url::parse(redirect_uri).is_ok_and(|url| {
        let is_safe = url.scheme() == "https" || url.scheme() == "http" && is_on_this_machine(&url);
        is_safe && url.fragment().is_none() && url.username().is_empty() && url.password().is_none()
    });
    if is_good {
        Ok(())
    } else {
        Err(ConnectError::Redirect)
    }
}

/// Completes a sign-in with what the browser brought back.
pub(super) async fn complete(
    state: &State,
    caller: &Caller,
    name: &str,
    flow: &str,
    answer: AuthorizationAnswer,
) -> Result<Connection, ConnectError> {
    caller.require(Scope::Manage)?;
    let server = server(state, caller, name)?;
    let flow = state.vault.open_connection_flow(caller, name, flow).await?;
    let request = &flow.request;
    if !server.takes_tokens_of(&request.issuer, &request.resource) {
        return Err(OAuthError::Mismatch.into());
    }
    // Before the code goes anywhere.
    let code = answer.code(&request.state, &request.issuer, request.requires_iss)?;
    let site = server.site()?;
    let now = state.clock.now();
    let issuer = server.issuer(&site, &request.issuer, now).await?;
    let client = client::chosen(state, &server, request).await?;
    let credentials = state.accounts.credentials(&server, &issuer, &client)?;
    let exchange = TokenRequest {
        grant: Grant::Code {
            code: &code,
            verifier: &request.verifier,
            redirect_uri: &request.redirect_uri,
        },
        client: credentials.identity(),
        resource: &request.resource,
        scopes: &request.scopes,
    };
    let tokens = exchange.send(&site, &issuer, state.clock.now()).await;
    if tokens.is_err() {
        server.forget_issuer();
    }
    if matches!(tokens, Err(OAuthError::Client)) {
        client::forget(state, &client, request).await?;
    }
    let tokens = new_tokens(tokens?);
    Ok(state.vault.connect(caller, &flow, client, tokens).await?)
}

/// Deletes the caller's connection to a server, then gives its tokens back, if the authorization server takes them.
/// `None` if they are unknown.
pub(super) async fn disconnect(
    state: &State,
    caller: &Caller,
    name: &str,
) -> Result<Option<bool>, ConnectError> {
    let Some(disconnected) = state.vault.disconnect(caller, name).await? else {
        return Ok(None);
    };
    let rules = state.rules();
    let server = name.parse().ok().and_then(|name| rules.servers.get(&name));
    let Some(server) = server else {
        return Ok(Some(false));
    };
    let given_back = give_back(state, server, &disconnected).await;
    let is_given_back = given_back.unwrap_or_else(|error| {
        tracing::warn!(
            mcp.server = server.name.as_str(),
            error = %error,
            "an authorization server did not take the tokens of a sign-in back"
        );
        false
    });
    Ok(Some(is_given_back))
}

async fn give_back(
    state: &State,
    server: &Server,
    disconnected: &Disconnected,
) -> Result<bool, OAuthError> {
    let site = server.site()?;
    let identifier = &disconnected.connection.issuer;
    let issuer = server.issuer(&site, identifier, state.clock.now()).await?;
    let tokens = [
        ("refresh_token", disconnected.refresh_token.as_ref()),
        ("access_token", Some(&disconnected.access_token)),
    ];
    let mut is_given_back = true;
    for (hint, token) in tokens {
        if let Some(token) = token.and_then(Confidential::expose_text) {
            let client = state
                .accounts
                .credentials(server, &issuer, &disconnected.client)?;
            is_given_back &= revoke(&site, &issuer, &client.identity(), token, hint).await?;
        }
    }
    Ok(is_given_back)
}
