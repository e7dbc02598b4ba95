//! An authorization server that does what RFC 6749 and its companions say, unless a test makes it lie.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolvault_core::digest::sha256;
use toolvault_gateway::http::Url;
use toolvault_gateway::oauth::AuthorizationAnswer;

use super::super::relay::{Said, Upstream};
use super::answer;

/// The secret of each client that registers itself.
pub(super) const REGISTERED_SECRET: &str = "the-secret-of-the-client";

/// The form of a request.
pub(super) type Form = HashMap<String, String>;

#[derive(Clone)]
pub(super) struct Authority {
    pub(super) url: String,
    pub(super) shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
pub(super) struct Shared {
    /// What differs from the usual description.
    pub(super) description: BTreeMap<&'static str, Value>,
    /// How often it described itself, and how long that is good: `Cache-Control`.
    pub(super) described: usize,
    pub(super) cache_control: Option<&'static str>,
    /// Whether it does not describe itself, and leaves the connection open.
    pub(super) is_silent: bool,
    /// What the usual token endpoint answers to everyone.
    pub(super) former: Option<(u16, &'static str)>,
    /// What differs from the usual answer with tokens.
    pub(super) answer: BTreeMap<&'static str, Value>,
    /// Whether refresh tokens are refused.
    pub(super) refuses: bool,
    /// The scopes that the tool server demands.
    pub(super) scope: Option<&'static str>,
    pub(super) registrations: Vec<Value>,
    pub(super) requests: Vec<Form>,
    pub(super) revoked: Vec<Form>,
    /// The query of the authorization request of each code.
    codes: HashMap<String, Form>,
    /// Good access and refresh tokens.
    pub(super) access: BTreeSet<String>,
    refresh: BTreeSet<String>,
    issued: u32,
}

impl Authority {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let authority = Self {
            url,
            shared: Arc::default(),
        };
        let router = Router::new()
            .route("/.well-known/oauth-authorization-server", get(describe))
            .route("/register", post(register))
            .route("/token", post(former))
            .route("/elsewhere", post(token))
            .route("/revoke", post(revoke))
            .with_state(authority.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        authority
    }

    /// Makes a tool server demand tokens of this server.
    pub(super) fn guards(&self, upstream: &Upstream) {
        let authority = self.clone();
        let own = format!("http://{}", upstream.address);
        upstream.guarded(move |heard| {
            let document = "/.well-known/oauth-protected-resource";
            if heard.target.starts_with(document) {
                let resource = format!("{own}/mcp");
                let text = json!({
                    "resource": resource,
                    "authorization_servers": [authority.url],
                    "scopes_supported": ["read"],
                });
                return Some(Said::Json(200, text.to_string()));
            }
            let shared = authority.shared.lock().unwrap();
            let token = heard.header("authorization");
            let token = token
                .as_deref()
                .and_then(|token| token.strip_prefix("Bearer "));
            let scope = shared.scope.filter(|_| heard.method() == "tools/call");
            match token {
                Some(token) if shared.access.contains(token) => scope.map(|scope| {
                    let challenge =
                        format!(r#"Bearer error="insufficient_scope", scope="{scope}""#);
                    Said::Header(403, "www-authenticate", challenge)
                }),
                _ => {
                    let challenge = format!(r#"Bearer resource_metadata="{own}{document}/mcp""#);
                    Some(Said::Header(401, "www-authenticate", challenge))
                }
            }
        });
    }

    /// What the browser brings back after the person signed in at this URL.
    pub(super) fn signs_in(&self, authorization_url: &str) -> AuthorizationAnswer {
        let (code, state) = self.code(authorization_url);
        answer(Some(&code), &state, Some(&self.url))
    }

    /// A code for a sign-in at this URL, and its state.
    pub(super) fn code(&self, authorization_url: &str) -> (String, String) {
        let url = Url::parse(authorization_url).unwrap();
        let request: Form = url.query_pairs().into_owned().collect();
        let state = request["state"].clone();
        let mut shared = self.shared.lock().unwrap();
        let code = format!("code-{}", shared.codes.len());
        shared.codes.insert(code.clone(), request);
        (code, state)
    }

    /// The requests for tokens with this grant.
    pub(super) fn requests(&self, grant: &str) -> Vec<Form> {
        let requests = self.shared.lock().unwrap().requests.clone();
        let requests = requests.into_iter();
        requests
            .filter(|form| form["grant_type"] == grant)
            .collect()
    }

    /// No access token is good any more.
    pub(super) fn ends_tokens(&self) {
        self.shared.lock().unwrap().access.clear();
    }
}

async fn describe(State(authority): State<Authority>) -> Response {
    let url = &authority.url;
    let mut document = json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "registration_endpoint": format!("{url}/register"),
        "revocation_endpoint": format!("{url}/revoke"),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": true,
    });
    if authority.shared.lock().unwrap().is_silent {
        return std::future::pending().await;
    }
    let mut shared = authority.shared.lock().unwrap();
    shared.described += 1;
    for (name, value) in &shared.description {
        document[*name] = value.clone();
    }
    let cache_control = shared.cache_control.unwrap_or("public");
    ([("cache-control", cache_control)], axum::Json(document)).into_response()
}

async fn register(State(authority): State<Authority>, body: String) -> Response {
    let mut client: Value = serde_json::from_str(&body).unwrap();
    let mut shared = authority.shared.lock().unwrap();
    shared.registrations.push(client.clone());
    client["client_id"] = json!(format!("client-{}", shared.registrations.len()));
    client["client_secret"] = json!(REGISTERED_SECRET);
    (StatusCode::CREATED, axum::Json(client)).into_response()
}

async fn former(State(authority): State<Authority>, body: String) -> Response {
    let former = authority.shared.lock().unwrap().former;
    let Some((status, text)) = former else {
        return token(State(authority), body).await;
    };
    authority.shared.lock().unwrap().requests.push(read(&body));
    (StatusCode::from_u16(status).unwrap(), text).into_response()
}

async fn token(State(authority): State<Authority>, body: String) -> Response {
    let form = read(&body);
    let mut shared = authority.shared.lock().unwrap();
    shared.requests.push(form.clone());
    let is_good = match form["grant_type"].as_str() {
        "authorization_code" => shared.codes.remove(&form["code"]).is_some_and(|request| {
            let challenge = URL_SAFE_NO_PAD.encode(sha256(form["code_verifier"].as_bytes()));
            ["client_id", "redirect_uri", "resource"]
                .iter()
                .all(|name| request[*name] == form[*name])
                && request["code_challenge"] == challenge
        }),
        // Each is good once.
        "refresh_token" => !shared.refuses && shared.refresh.remove(&form["refresh_token"]),
        _ => true,
    };
    if !is_good {
        let error = json!({ "error": "invalid_grant" });
        return (StatusCode::BAD_REQUEST, axum::Json(error)).into_response();
    }
    shared.issued += 1;
    let number = shared.issued;
    let access = format!("the-access-token-number-{number}");
    let refresh = format!("the-refresh-token-number-{number}");
    let mut answer = json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": 3_600,
        "refresh_token": refresh,
    });
    for (name, value) in &shared.answer {
        answer[*name] = value.clone();
    }
    shared.access.insert(access);
    shared.refresh.insert(refresh);
    axum::Json(answer).into_response()
}

async fn revoke(State(authority): State<Authority>, body: String) -> StatusCode {
    let form = read(&body);
    let mut shared = authority.shared.lock().unwrap();
    shared.access.remove(&form["token"]);
    shared.refresh.remove(&form["token"]);
    shared.revoked.push(form);
    StatusCode::OK
}

fn read(body: &str) -> Form {
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().unwrap();
        text.into_owned()
    };
    let pairs = body.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}
