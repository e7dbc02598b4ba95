//! Local commands on every route, and every caller from the network on the routes that only local
//! commands may use.

use toolvault_core::identity::UserId;
use toolvault_server::control::{OwnStore, Request};

use super::cast::{Cast, NAMES};
use super::table::{Row, rows};
use super::targets::Target;
use crate::harness::World;

/// The begin of a rotation.
const POSITION: &str = r#"{"before":"2026-01-02T03:04:05Z","user":"00000000-0000-0000-0000-000000000000",
    "secret":"00000000-0000-0000-0000-000000000000","left":0,"is_at_end":false}"#;

const LOCAL_ROUTES: [(&str, &str, &str, u16); 13] = [
    ("POST", "/local/audit/verify", r#"{"checkpoints":[]}"#, 200),
    ("GET", "/local/audit/checkpoint", "", 200),
    ("GET", "/local/audit/progress", "", 200),
    (
        "POST",
        "/local/audit/prune",
        r#"{"before":"2020-01-02T03:04:05Z"}"#,
        200,
    ),
    ("POST", "/local/backup", "", 200),
    ("GET", "/local/diagnosis", "", 200),
    ("GET", "/local/status", "", 200),
    // A link for a user who does not exist.
    (
        "POST",
        "/local/sign-in-link",
        r#"{"user_id":"00000000-0000-7000-8000-000000000000"}"#,
        403,
    ),
    // Without a program that handles reload requests there is nothing to reload.
    ("POST", "/local/reload", "", 404),
    (
        "POST",
        "/local/root-key",
        "32 bytes that stand for the key.",
        200,
    ),
    (
        "POST",
        "/local/root-key/check",
        "32 bytes that stand for the key.",
        200,
    ),
    ("POST", "/local/user-keys", "", 200),
    ("POST", "/local/user-keys/portion", POSITION, 200),
];

/// What a local command without a user can still request: users, all keys, the whole trail.
const WITHOUT_USER: [&str; 16] = [
    "GET /api/v1/keys",
    "PATCH /api/v1/keys/{key_id}",
    "DELETE /api/v1/keys/{key_id}",
    "POST /api/v1/keys/{key_id}/rotate",
    "GET /api/v1/gateway",
    "GET /api/v1/gateway/pins/{server}",
    "GET /api/v1/me",
    "GET /api/v1/audit",
    "GET /api/v1/users",
    "POST /api/v1/users",
    "PATCH /api/v1/users/{user_id}",
    "DELETE /api/v1/users/{user_id}",
    "DELETE /api/v1/users/{user_id}/sessions",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
];

async fn ask(store: &OwnStore, row: &Row, path: &str, body: &str, user: Option<UserId>) -> u16 {
    let mut request = Request::builder()
        .method(row.method)
        .uri(path)
        .header("content-type", "application/json");
    if let Some(user) = user {
        request = request.header("x-toolvault-user", user.to_string());
    }
    let body = body.as_bytes().to_vec();
    let answer = store.ask(request.body(body.into()).unwrap()).await.unwrap();
    answer.status().as_u16()
}

#[tokio::test]
async fn a_local_command_may_do_everything_for_the_user_that_it_names() {
    let world = World::start().await;
    let store = OwnStore::new(world.vault.clone(), 0).unwrap();
    let user = world.keys.user;
    let mut wrong = Vec::new();
    for row in rows() {
        let route = format!("{} {}", row.method, row.path);
        // Sessions are for the network, too, no tool has changed, and there is no server to sign in at.
        let is_absent = row.path.contains("{pending_id}")
            || row.path.contains("/v1/session")
            || row.path.contains("/v1/connections/{server}")
            || route == "POST /api/v1/gateway/pins/{server}";
        let named = if is_absent { 404 } else { 200 };
        let unnamed = match route.as_str() {
            route if WITHOUT_USER.contains(&route) => 200,
            "POST /api/v1/keys" => 422,
            "DELETE /api/v1/connections/{server}" => 403,
            _ if is_absent => 404,
            _ => 403,
        };
        for (user, expected) in [(Some(user), named), (None, unnamed)] {
            let target = Target::new(&world, world.keys.user, row.path).await;
            let body = row.body.unwrap_or_default();
            let body = body.replace("<number>", &world.fresh_number().to_string());
            let status = ask(&store, &row, &target.fill(row.path), &body, user).await;
            if status != expected {
                let whose = if user.is_some() { "named" } else { "unnamed" };
                wrong.push(format!("{route}, {whose}: {status}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_user_who_does_not_exist_is_refused() {
    let world = World::start().await;
    let store = OwnStore::new(world.vault.clone(), 0).unwrap();
    for unclear in ["00000000-0000-7000-8000-000000000000", "default", ""] {
        let request = Request::get("/v1/secrets/").header("x-toolvault-user", unclear);
        let answer = store
            .ask(request.body(Vec::new().into()).unwrap())
            .await
            .unwrap();
        assert_eq!(answer.status(), 403, "{unclear}");
    }
}

#[tokio::test]
async fn over_the_network_the_local_routes_do_not_exist() {
    let (world, cast) = Cast::assemble().await;
    let store = OwnStore::new(world.vault.clone(), 0).unwrap();
    let nothing = world.anonymous().get("/local/nothing").await;
    for (method, path, body, expected) in LOCAL_ROUTES {
        let request = Request::builder().method(method).uri(path);
        let answer = store.ask(request.body(body.into()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), expected, "{path}");
        for name in NAMES {
            // The headers of the local transports, and others that an attacker might try.
            let pretender = cast
                .actor(name)
                .clone()
                .with("toolvault-control-token", &"0".repeat(64))
                .with("x-toolvault-local", "0")
                .with("x-forwarded-for", "127.0.0.1");
            for method in [method, "GET", "POST", "DELETE"] {
                let answer = pretender.json(method, path, body).await;
                answer.refused(404, "no_such_route");
                assert_eq!(answer.body, nothing.body, "{method} {path} as {name}");
            }
        }
    }
}
