//! An issuer at which people sign in: its endpoints on this machine, and what it answers to the next code.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolvault_gateway::http::Url;

use super::tokens::{claims_for, issuer_in, sign};
use super::world::WorldSettings;
use super::{Answer, World};

/// The client as which the server is known.
pub(crate) const CLIENT: &str = "the vault";
/// The access token beside an ID token.
pub(crate) const ACCESS_TOKEN: &str = "an access token that no one uses";

/// An issuer with one endpoint for each purpose.
#[derive(Clone)]
pub(crate) struct Provider {
    /// Its `iss`.
    pub(crate) url: String,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    description: Value,
    answer: (u16, String),
    headers: Vec<(&'static str, String)>,
    hangs: bool,
    exchanges: Vec<Exchange>,
    descriptions: usize,
}

/// A request to the token endpoint.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) form: HashMap<String, String>,
    pub(crate) authorization: Option<String>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Mutex::new(Shared {
            description: json!({
                "issuer": url,
                "authorization_endpoint": format!("{url}/authorize?tenant=one"),
                "token_endpoint": format!("{url}/token"),
            }),
            ..Shared::default()
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/token", post(exchange))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    fn change(&self, change: impl FnOnce(&mut Shared)) {
        change(&mut self.shared.lock().unwrap());
    }

    /// Sets a member of its description.
    pub(crate) fn describes(&self, name: &str, value: Value) {
        self.change(|shared| shared.description[name] = value);
    }

    /// What it answers to the next codes.
    pub(crate) fn answers(&self, status: u16, body: &str) {
        self.change(|shared| shared.answer = (status, body.to_owned()));
    }

    /// A header of its answers to codes.
    pub(crate) fn sends(&self, name: &'static str, value: String) {
        self.change(|shared| shared.headers.push((name, value)));
    }

    /// From now on it accepts codes, and never answers.
    pub(crate) fn hangs(&self) {
        self.change(|shared| shared.hangs = true);
    }

    /// The requests to its token endpoint.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.shared.lock().unwrap().exchanges.clone()
    }

    /// How often its description was read.
    pub(crate) fn descriptions(&self) -> usize {
        self.shared.lock().unwrap().descriptions
    }

    /// Makes it an issuer of the server, at which unknown people become users.
    pub(crate) fn configure(&self, settings: &mut WorldSettings) {
        let mut issuer = issuer_in(settings.directory.path());
        issuer.issuer.clone_from(&self.url);
        issuer.audience = Vec::new();
        issuer.client_id = Some(CLIENT.to_owned());
        issuer.allow_private_network = true;
        settings.server.issuers = vec![issuer];
    }

    /// A server at which people sign in here.
    pub(crate) async fn world(&self) -> World {
        World::start_with(|settings| self.configure(settings)).await
    }

    /// The claims of the ID token for `subject` that answers to this sign-in.
    pub(crate) fn claims(&self, subject: &str, at: &AtIssuer) -> Value {
        let mut claims = claims_for(subject);
        claims["iss"] = json!(self.url);
        claims["aud"] = json!(CLIENT);
        claims["nonce"] = json!(at.parameter("nonce"));
        claims
    }

    /// Answers with this ID token.
    pub(crate) fn gives(&self, id_token: &str) {
        let body = json!({
            "id_token": id_token, "access_token": ACCESS_TOKEN, "token_type": "Bearer",
        });
        self.answers(200, &body.to_string());
    }

    /// Signs `subject` in, from the first click to the session.
    pub(crate) async fn sign_in(&self, world: &World, subject: &str) -> Answer {
        let at = AtIssuer::begin(world).await;
        self.gives(&sign(&self.claims(subject, &at)));
        at.come_back(world).await
    }
}

async fn describe(State(shared): State<Arc<Mutex<Shared>>>) -> String {
    let mut shared = shared.lock().unwrap();
    shared.descriptions += 1;
    shared.description.to_string()
}

async fn exchange(
    State(shared): State<Arc<Mutex<Shared>>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let authorization = headers.get("authorization");
    let (status, answer, extra, hangs) = {
        let mut shared = shared.lock().unwrap();
        shared.exchanges.push(Exchange {
            form: pairs(&body),
            authorization: authorization.map(|value| value.to_str().unwrap().to_owned()),
        });
        let (status, answer) = shared.answer.clone();
        (status, answer, shared.headers.clone(), shared.hangs)
    };
    if hangs {
        std::future::pending::<()>().await;
    }
    let mut response = (StatusCode::from_u16(status).unwrap(), answer).into_response();
    for (name, value) in extra {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

fn pairs(form: &str) -> HashMap<String, String> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let pairs = form.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// A person who is at the issuer.
pub(crate) struct AtIssuer {
    pub(crate) url: Url,
    pub(crate) flow: String,
}

impl AtIssuer {
    /// The person has left for the issuer `main`.
    pub(crate) async fn begin(world: &World) -> Self {
        let body = json!({"issuer": "main"});
        let begun = world.anonymous().post("/v1/session/issuers", &body).await;
        let begun = begun.expect(200);
        Self {
            url: Url::parse(begun["url"].as_str().unwrap()).unwrap(),
            flow: begun["flow"].as_str().unwrap().to_owned(),
        }
    }

    /// A parameter of the URL at the issuer.
    pub(crate) fn parameter(&self, name: &str) -> String {
        let mut found = self.url.query_pairs().filter(|(known, _)| known == name);
        let value = found.next().unwrap().1.into_owned();
        assert_eq!(found.next(), None, "{name}");
        value
    }

    /// The query with which the issuer sends the person back.
    pub(crate) fn answer(&self) -> String {
        format!("code=the-code&state={}", self.parameter("state"))
    }

    /// The answer to what the page sends when the person is back.
    pub(crate) async fn come_back(&self, world: &World) -> Answer {
        self.come_back_with(world, "main", &self.answer()).await
    }

    pub(crate) async fn come_back_with(&self, world: &World, issuer: &str, answer: &str) -> Answer {
        let body = json!({"oidc": {"flow": self.flow, "issuer": issuer, "answer": answer}});
        world.anonymous().post("/v1/session", &body).await
    }
}
