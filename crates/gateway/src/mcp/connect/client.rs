//! As which client people sign in: the one in the settings, the document at our public URL, or one that registers itself.

use toolvault_core::confidential::{Confidential, Wiped};
use toolvault_core::sign_in::ConnectionRequest;
use toolvault_vault::Client;

use super::ConnectError;
use crate::http::{Url, is_on_this_machine};
use crate::mcp::accounts::CONFIGURED;
use crate::mcp::server::Server;
use crate::mcp::state::State;
use crate::oauth::Site;
use crate::oauth::issuer::Issuer;
use crate::oauth::registration::register;

/// Where our metadata as a client are, below the public URL.
const CLIENT_METADATA: &str = "/oauth/client.json";

/// The client for a sign-in that begins. One that registers itself for the server's own page is kept for the next
/// sign-in; one for a command line is not, because its port does not come again: the sign-in itself has it.
pub(super) async fn choose(
    state: &State,
    server: &Server,
    site: &Site,
    issuer: &Issuer,
    redirect_uri: &str,
) -> Result<Client, ConnectError> {
    if let Some(configured) = server.oauth().client_id {
        return Ok(without_secret(configured, CONFIGURED));
    }
    if let Some(document) = document(state)
        && issuer.reads_client_metadata
    {
        return Ok(without_secret(document, "none"));
    }
    let (vault, identifier) = (&state.vault, &issuer.identifier);
    let is_for_once = is_for_once(redirect_uri);
    if !is_for_once && let Some(known) = vault.client_registration(identifier, redirect_uri).await?
    {
        return Ok(known);
    }
    let registered = register(site, issuer, redirect_uri).await?;
    let client = Client {
        id: registered.id,
        secret: registered.secret.map(Confidential::from),
        auth_method: registered.auth_method,
    };
    if !is_for_once {
        vault
            .keep_client_registration(identifier, redirect_uri, &client)
            .await?;
    }
    Ok(client)
}

/// The client that a sign-in began with.
pub(super) async fn chosen(
    state: &State,
    server: &Server,
    request: &ConnectionRequest,
) -> Result<Client, ConnectError> {
    let id = &request.client_id;
    if server.is_own_client(id) {
        return Ok(without_secret(id.clone(), CONFIGURED));
    }
    if document(state).as_ref() == Some(id) {
        return Ok(without_secret(id.clone(), "none"));
    }
    if is_for_once(&request.redirect_uri) {
        let secret = request.client_secret.clone().map(Wiped::new);
        return Ok(Client {
            id: id.clone(),
            secret: secret.map(Confidential::from),
            auth_method: request.auth_method.clone(),
        });
    }
    let (issuer, redirect_uri) = (&request.issuer, &request.redirect_uri);
    let known = state.vault.client_registration(issuer, redirect_uri);
    let known = known.await?.filter(|client| client.id == *id);
    known.ok_or(ConnectError::ClientChanged)
}

/// Its authorization server no longer knows the client that a sign-in began with: the next one registers another.
pub(super) async fn forget(
    state: &State,
    client: &Client,
    request: &ConnectionRequest,
) -> Result<(), ConnectError> {
    let (issuer, redirect_uri) = (&request.issuer, &request.redirect_uri);
    if client.auth_method == CONFIGURED || is_for_once(redirect_uri) {
        return Ok(());
    }
    let vault = &state.vault;
    Ok(vault
        .forget_client_registration(issuer, redirect_uri)
        .await?)
}

fn without_secret(id: String, auth_method: &str) -> Client {
    Client {
        id,
        secret: None,
        auth_method: auth_method.to_owned(),
    }
}

/// The URL of our metadata as a client, if authorization servers may read it.
fn document(state: &State) -> Option<String> {
    let rules = state.rules();
    let base = rules.settings.public_url.as_deref()?;
    let is_encrypted = base.starts_with("https://");
    is_encrypted.then(|| format!("{}{CLIENT_METADATA}", base.trim_end_matches('/')))
}

/// Whether it is the redirect of a command line.
fn is_for_once(redirect_uri: &str) -> bool {
    Url::parse(redirect_uri)
        .is_ok_and(|url| is_on_this_machine(&url) && url.path() != "/oauth/callback")
}
