//! How tokens for a server are got.

use toolvault_gateway::HttpPolicy;
use toolvault_gateway::http::header::AUTHORIZATION;
use toolvault_gateway::oauth::is_scope;
use toolvault_gateway::settings::{Grant, HttpServer, OAuthSettings};

use crate::config::layers::Layers;

/// The settings in `table`.
pub(super) fn settings(
    layers: &mut Layers,
    table: &str,
    allow_private_network: bool,
) -> OAuthSettings {
    let key = |name: &str| format!("{table}{name}");
    let text = |layers: &Layers, name: &str| {
        let (text, _) = layers.text(&key(name))?;
        Some(text.to_owned())
    };
    let settings = OAuthSettings {
        issuer: text(layers, "issuer"),
        client_id: text(layers, "client_id"),
        client_secret_file: layers.path(&key("client_secret_file")),
        private_key_file: layers.path(&key("private_key_file")),
        scopes: layers.texts(&key("scopes")),
        grant: layers.choice(
            &key("grant"),
            &[
                ("authorization_code", Grant::AuthorizationCode),
                ("client_credentials", Grant::ClientCredentials),
                ("jwt_bearer", Grant::JwtBearer),
            ],
        ),
    };
    let policy = HttpPolicy {
        allow_private_network,
        ..HttpPolicy::default()
    };
    if let Some(issuer) = &settings.issuer {
        match policy.check(issuer) {
            Err(error) => layers.problem_at(&key("issuer"), &error.to_string()),
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                layers.problem_at(&key("issuer"), "expected a URL without query and fragment");
            }
            Ok(_) => {}
        }
    }
    if !settings.scopes.iter().all(|scope| is_scope(scope)) {
        layers.problem_at(&key("scopes"), "expected scopes, one in each text");
    }
    if settings.client_id.as_deref() == Some("") {
        layers.problem_at(&key("client_id"), "expected the ID of a client");
    }
    settings
}

/// Refuses settings that do not go together.
pub(super) fn check(layers: &mut Layers, table: &str, server: &HttpServer) {
    let oauth = format!("{table}oauth");
    let Some((first, _)) = layers.below(&format!("{oauth}.")).next() else {
        return;
    };
    let first = format!("{oauth}.{first}");
    let OAuthSettings {
        issuer,
        client_id,
        client_secret_file,
        private_key_file,
        grant,
        ..
    } = &server.oauth;
    let (has_secret, has_key) = (client_secret_file.is_some(), private_key_file.is_some());
    let mut require = |is_good: bool, key: &str, advice: &str| {
        if !is_good {
            layers.problem_at(key, advice);
        }
    };
    let mut headers = server.headers.iter();
    require(
        headers.all(|header| header.name != AUTHORIZATION),
        &first,
        "remove the header Authorization: the token takes its place",
    );
    require(
        server.url.references().next().is_none(),
        &first,
        "the URL of a server with tokens must be the same for everyone: remove the reference in it",
    );
    require(
        client_id.is_some() || !has_secret && !has_key,
        &first,
        "set client_id: a secret or a key belongs to a client",
    );
    require(
        !(has_secret && has_key),
        &format!("{oauth}.client_secret_file"),
        "set only one of client_secret_file and private_key_file",
    );
    require(
        issuer.is_some() || !has_secret,
        &format!("{oauth}.client_secret_file"),
        "set issuer: else the server could name an authorization server that gets the secret",
    );
    let needed = match grant {
        Grant::AuthorizationCode => None,
        Grant::ClientCredentials if has_secret || has_key => None,
        Grant::ClientCredentials => {
            Some("set client_id, and client_secret_file or private_key_file")
        }
        Grant::JwtBearer if has_key => None,
        Grant::JwtBearer => Some("set client_id and private_key_file"),
    };
    require(
        needed.is_none(),
        &format!("{oauth}.grant"),
        needed.unwrap_or_default(),
    );
}
