//! How a person signs in at a server, and out. Nothing is kept meanwhile: whoever begins a sign-in holds it, sealed.

use std::sync::Arc;

use toolvault_core::confidential::Confidential;
use toolvault_core::digest::hexadecimal;
use toolvault_core::entropy::EntropyError;
use toolvault_core::scope::Scope;
use toolvault_core::sign_in::ConnectionRequest;
use toolvault_vault::{Caller, Client, Connection, Disconnected, Error};

use super::accounts::{CONFIGURED, new_tokens};
use super::server::{Found, Server};
use super::state::State;
use crate::http::{Url, is_on_this_machine};
use crate::oauth::authorization::{Request, with_offline_access};
use crate::oauth::issuer::Issuer;
use crate::oauth::registration::register;
use crate::oauth::revocation::revoke;
use crate::oauth::token::{Grant, TokenRequest};
use crate::oauth::{AuthorizationAnswer, OAuthError, Site, is_scope};

/// The most scopes that someone may choose.
const MOST_SCOPES: usize = 100;
/// Where our metadata as a client are, below the public URL.
const CLIENT_METADATA: &str = "/oauth/client.json";

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

/// Why a person cannot sign in at a server, or out.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The vault refuses it.
    #[error(transparent)]
    Vault(#[from] Error),
    /// There is no server of that name, or the caller does not reach it.
    #[error("There is no such server.")]
    NoSuchServer,
    /// The server takes no sign-in.
    #[error(
        "This server takes no sign-in: it is a program, has a header 'Authorization' or a reference in its URL, or uses the tokens of its own client."
    )]
    TakesNoSignIn,
    /// The redirect is neither https nor to this machine.
    #[error("The redirect must be an https URL, or an http URL of this machine.")]
    Redirect,
    /// A scope has a character that none can have, or there are too many.
    #[error(
        "A scope has printable ASCII characters without space, '\"' and '\\'; at most 100 scopes."
    )]
    Scopes,
    /// The client that the sign-in began with is no longer known.
    #[error("The client of this sign-in is no longer known: begin again.")]
    ClientChanged,
    /// The server, or its authorization server, does not do what is needed.
    #[error("The sign-in failed: {0}.")]
    OAuth(#[from] OAuthError),
}

impl ConnectError {
    /// A name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Vault(_) => "vault",
            Self::NoSuchServer => "no_such_server",
            Self::TakesNoSignIn => "no_sign_in",
            Self::Redirect => "invalid_redirect",
            Self::Scopes => "invalid_scopes",
            Self::OAuth(OAuthError::Denied) => "sign_in_denied",
            Self::OAuth(OAuthError::Mismatch) => "sign_in_mismatch",
            Self::ClientChanged | Self::OAuth(OAuthError::Grant) => "sign_in_over",
            Self::OAuth(OAuthError::NoClient | OAuthError::NotRegistered) => "client_needed",
            Self::OAuth(_) => "sign_in_failed",
        }
    }
}

impl From<EntropyError> for ConnectError {
    fn from(error: EntropyError) -> Self {
        Self::Vault(error.into())
    }
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
    let found = server.discover(&site).await?;
    let issuer = &found.issuer;
    issuer.sign_in()?;
    let scopes = match chosen {
        Some(chosen) => granted(state, caller, &server, &found, chosen).await?,
        None => found.scopes(),
    };
    let scopes = with_offline_access(scopes, issuer);
    let client_id = client_id(state, &server, &site, issuer, redirect_uri).await?;
    let random = || {
        let mut bytes = [0; 32];
        state.entropy.fill(&mut bytes).map(|()| hexadecimal(&bytes))
    };
    let request = ConnectionRequest {
        server: server.name.to_string(),
        issuer: issuer.identifier.clone(),
        requires_iss: issuer.names_itself,
        resource: found.resource,
        client_id,
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

/// The client to sign in with: the one in the settings, the document at our public URL, one that was registered before,
/// or one that is registered now.
async fn client_id(
    state: &State,
    server: &Server,
    site: &Site,
    issuer: &Issuer,
    redirect_uri: &str,
) -> Result<String, ConnectError> {
    if let Some(configured) = server.oauth().client_id {
        return Ok(configured);
    }
    if let Some(document) = client_document(state)
        && issuer.reads_client_metadata
    {
        return Ok(document);
    }
    let (vault, identifier) = (&state.vault, &issuer.identifier);
    let known = vault.client_registration(identifier, redirect_uri).await?;
    if let Some(client) = known {
        return Ok(client.id);
    }
    let registered = register(site, issuer, redirect_uri).await?;
    let client = Client {
        id: registered.id,
        secret: registered.secret.map(Confidential::from),
        auth_method: registered.auth_method,
    };
    vault
        .keep_client_registration(identifier, redirect_uri, &client)
        .await?;
    Ok(client.id)
}

/// The URL of our metadata as a client, if authorization servers may read it.
fn client_document(state: &State) -> Option<String> {
    let rules = state.rules();
    let base = rules.settings.public_url.as_deref()?;
    let is_encrypted = base.starts_with("https://");
    is_encrypted.then(|| format!("{}{CLIENT_METADATA}", base.trim_end_matches('/')))
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
    let issuer = Issuer::find(&site, &request.issuer).await?;
    let client = client(state, &server, request).await?;
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
    let is_registered = client.auth_method != CONFIGURED;
    let is_unknown = matches!(tokens, Err(OAuthError::Client));
    if is_registered && (is_unknown || is_for_once(&request.redirect_uri)) {
        let (issuer, redirect_uri) = (&request.issuer, &request.redirect_uri);
        let forgetting = state.vault.forget_client_registration(issuer, redirect_uri);
        forgetting.await?;
    }
    let tokens = new_tokens(tokens?);
    Ok(state.vault.connect(caller, &flow, client, tokens).await?)
}

/// Whether it is the redirect of a command line, whose port does not come again.
fn is_for_once(redirect_uri: &str) -> bool {
    Url::parse(redirect_uri)
        .is_ok_and(|url| is_on_this_machine(&url) && url.path() != "/oauth/callback")
}

/// The client that a sign-in began with.
async fn client(
    state: &State,
    server: &Server,
    request: &ConnectionRequest,
) -> Result<Client, ConnectError> {
    let public = |auth_method: &str| Client {
        id: request.client_id.clone(),
        secret: None,
        auth_method: auth_method.to_owned(),
    };
    if server.is_own_client(&request.client_id) {
        return Ok(public(CONFIGURED));
    }
    if client_document(state).as_ref() == Some(&request.client_id) {
        return Ok(public("none"));
    }
    let (issuer, redirect_uri) = (&request.issuer, &request.redirect_uri);
    let known = state
        .vault
        .client_registration(issuer, redirect_uri)
        .await?;
    let known = known.filter(|client| client.id == request.client_id);
    known.ok_or(ConnectError::ClientChanged)
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
    let issuer = Issuer::find(&site, &disconnected.connection.issuer).await?;
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
