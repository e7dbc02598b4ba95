//! The gate, and requests over both transports of local commands.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::middleware;
use axum::routing::get;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use toolvault_vault::{
    DatabaseLocation, Opened, RootKeySource, Settings, SystemClock, SystemEntropy, Vault,
};
use tower::ServiceExt as _;

use super::gate::{Gate, PeerUid, TOKEN, admit};
use super::token::{self, Token};
use super::{ControlSocket, OwnStore, ask};
use crate::extract::source::LocalUid;
use crate::listener::{Prepared, Server};
use crate::settings::ServerSettings;

const OWN: u32 = 1_000;
const FOREIGN: u32 = 1_001;

async fn open(directory: &Path) -> Vault {
    let data = directory.join("data");
    let Opened { vault, .. } = Vault::open(
        Settings::new(DatabaseLocation::Directory(data)),
        &RootKeySource::File(directory.join("root.key")),
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
    )
    .await
    .unwrap();
    vault
}

fn own_uid(directory: &Path) -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(directory).unwrap().uid()
}

fn request(method: &str, path: &str, body: Option<Value>) -> Request<Bytes> {
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let request = Request::builder().method(method).uri(path);
    request.body(Bytes::from(body)).unwrap()
}

/// The status and the JSON of an answer.
fn read(response: &axum::http::Response<Bytes>) -> (StatusCode, Value) {
    let body = serde_json::from_slice(response.body()).unwrap();
    (response.status(), body)
}

/// A router behind the gate that returns the caller's identity.
fn gated(token: Token) -> Router {
    let whoami = |request: axum::extract::Request| async move {
        request
            .extensions()
            .get::<LocalUid>()
            .map_or_else(|| "stranger".to_owned(), |uid| uid.0.to_string())
    };
    let gate = Arc::new(Gate {
        own_uid: OWN,
        token,
    });
    Router::new()
        .route("/", get(whoami))
        .layer(middleware::from_fn_with_state(gate, admit))
}

async fn knock(router: &Router, peer: u32, token: Option<&str>) -> (u16, String) {
    let mut request = Request::get("/").body(Body::empty()).unwrap();
    request.extensions_mut().insert(PeerUid(peer));
    if let Some(token) = token {
        request.headers_mut().insert(TOKEN, token.parse().unwrap());
    }
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn only_the_servers_own_user_and_root_are_admitted_and_only_with_the_token() {
    let directory = tempfile::tempdir().unwrap();
    let (token, _file) = Token::write(directory.path(), &SystemEntropy).unwrap();
    let text = token::read(directory.path()).unwrap();
    let text = text.as_str();
    let router = gated(token);
    for uid in [OWN, 0] {
        let admitted = knock(&router, uid, Some(text)).await;
        assert_eq!(admitted, (200, uid.to_string()));
    }
    let (status, refusal) = knock(&router, FOREIGN, Some(text)).await;
    assert_eq!(status, 403);
    assert!(refusal.contains("only from its own user"), "{refusal}");
    let zeros = "0".repeat(64);
    for wrong in [
        None,
        Some(""),
        Some(zeros.as_str()),
        text.get(..63),
        Some(&format!("{text}0")),
    ] {
        for uid in [OWN, 0] {
            let (status, refusal) = knock(&router, uid, wrong).await;
            assert_eq!(status, 403);
            assert!(refusal.contains("token from control.token"), "{refusal}");
            assert!(!refusal.contains(text));
        }
    }
}

#[tokio::test]
async fn both_transports_answer_alike_and_the_socket_goes_with_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let vault = open(directory.path()).await;
    let data = directory.path().join("data");
    let own = own_uid(directory.path());
    let prepared = Prepared::new(ServerSettings::local()).unwrap();
    let server = Server::new(vault.clone(), prepared).unwrap();
    let socket = ControlSocket::bind(&data, server.handle(), own).unwrap();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(socket.run(shutdown.clone()));

    let new = || request("POST", "/v1/users", Some(json!({"name": "planner"})));
    let (status, user) = read(&ask(&data, new()).await.unwrap());
    assert_eq!(status, 200);
    let (status, again) = read(&ask(&data, new()).await.unwrap());
    assert_eq!(status, 422);
    assert_eq!(again["detail"][0]["msg"], "A user with this name exists.");
    let key = json!({"user_id": user["user_id"], "scopes": ["use"], "tools": ["linear__*"]});
    let (status, key) = read(
        &ask(&data, request("POST", "/v1/keys", Some(key)))
            .await
            .unwrap(),
    );
    assert_eq!(status, 200, "{key}");

    let own_store = OwnStore::new(vault.clone(), own).unwrap();
    for path in [
        "/v1/users",
        "/v1/keys",
        "/v1/me",
        "/v1/audit?limit=1000",
        "/local/audit/progress",
        "/local/diagnosis",
        "/local/nothing",
        "/mcp",
        "/v1/secrets/",
    ] {
        let here = own_store.ask(request("GET", path, None)).await.unwrap();
        let there = ask(&data, request("GET", path, None)).await.unwrap();
        assert_eq!(read(&here), read(&there), "{path}");
    }
    let (_, keys) = read(
        &own_store
            .ask(request("GET", "/v1/keys", None))
            .await
            .unwrap(),
    );
    assert_eq!(keys["data"].as_array().unwrap().len(), 3);
    let (status, records) = read(
        &own_store
            .ask(request("GET", "/v1/audit", None))
            .await
            .unwrap(),
    );
    assert_eq!(status, 200);
    assert_eq!(records["data"][0]["actor"], format!("local:{own}"));

    shutdown.cancel();
    running.await.unwrap();
    assert!(!data.join("control.sock").exists());
    assert!(!data.join("control.token").exists());
    own_store.close().await;
}

#[tokio::test]
async fn a_checkpoint_is_found_in_the_trail_or_reported() {
    let directory = tempfile::tempdir().unwrap();
    let vault = open(directory.path()).await;
    let store = OwnStore::new(vault, 0).unwrap();
    let verify = async |checkpoints: Value| {
        let body = json!({"public_key": null, "checkpoints": checkpoints});
        let answer = store.ask(request("POST", "/local/audit/verify", Some(body)));
        let (status, report) = read(&answer.await.unwrap());
        assert_eq!(status, 200, "{report}");
        report
    };
    let checkpoint = store.ask(request("GET", "/local/audit/checkpoint", None));
    let (status, checkpoint) = read(&checkpoint.await.unwrap());
    assert_eq!(status, 200, "{checkpoint}");
    let new = request("POST", "/v1/users", Some(json!({"name": "later"})));
    assert_eq!(store.ask(new).await.unwrap().status(), 200);
    // More than the body of any other request may have.
    let often = vec![checkpoint.clone(); 1_000];
    for checkpoints in [json!([]), json!([checkpoint]), json!(often)] {
        assert_eq!(verify(checkpoints).await["ok"], true);
    }
    let mut other = checkpoint.clone();
    other["hash"] = json!("00".repeat(32));
    let mut beyond_the_end = checkpoint.clone();
    beyond_the_end["page"] = json!(100);
    for checkpoint in [other, beyond_the_end] {
        let report = verify(json!([checkpoint])).await;
        assert_eq!(report["ok"], false);
        assert_eq!(report["faults"].as_array().unwrap().len(), 1);
    }
    let body = json!({"public_key": "abc", "checkpoints": []});
    let (status, refusal) = read(
        &store
            .ask(request("POST", "/local/audit/verify", Some(body)))
            .await
            .unwrap(),
    );
    assert_eq!(status, 422);
    assert_eq!(
        refusal["detail"][0]["msg"],
        "A public key is 64 hexadecimal digits."
    );
    store.close().await;
}
