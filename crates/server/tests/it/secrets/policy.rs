//! `/v1/secrets/{secret_id}/policy`: the conditions of a secret's use.

use serde_json::json;
use toolvault_core::scope::Scope;

use crate::harness::{Rights, World};

const TOOL: &str = "/v1/tools/github__call/resolve";

#[tokio::test]
async fn a_policy_is_replaced_whole() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.named("name", "a value").await;
    let path = format!("/v1/secrets/{id}/policy");
    let default = json!({
        "expires_at": null, "rotate_after_days": null, "when": {}, "protected": false,
        "redact": true, "canary": false, "approval": null,
    });
    assert_eq!(operator.get(&path).await.expect(200), default);
    let policy = json!({
        "expires_at": "2999-01-02T03:04:05Z", "rotate_after_days": 90,
        "when": {"base_url": ["https://api.github.com/*"]}, "protected": false, "redact": false,
        "canary": true, "approval": "writes",
    });
    assert_eq!(operator.put(&path, &policy).await.expect(200), policy);
    assert_eq!(operator.get(&path).await.expect(200), policy);
    assert_eq!(operator.put(&path, &json!({})).await.expect(200), default);
}

#[tokio::test]
async fn a_policy_is_replaced_only_while_it_is_the_one_that_was_read() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.named("name", "a value").await;
    let path = format!("/v1/secrets/{id}/policy");
    let tag = operator.get(&path).await.header("etag").unwrap().to_owned();
    let operator = operator.with("if-match", &tag);
    let changed = operator.put(&path, &json!({"protected": true})).await;
    let next = changed.header("etag").unwrap().to_owned();
    assert_ne!(next, tag);
    let late = operator.put(&path, &json!({"redact": false})).await;
    late.refused(412, "precondition_failed");
    let read = operator.get(&path).await;
    assert_eq!(read.header("etag"), Some(next.as_str()));
    assert_eq!(read.expect(200)["protected"], true);
    let operator = operator.with("if-match", &next);
    operator
        .put(&path, &json!({"redact": false}))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_policy_that_cannot_be_kept_is_refused() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.named("name", "a value").await;
    let path = format!("/v1/secrets/{id}/policy");
    for (policy, mistake) in [
        (
            json!({"when": {"base_url": ["https://*.github.com/*"]}}),
            "value_error body.when.base_url",
        ),
        (
            json!({"when": {"base_url": "https://a/*"}}),
            "list_type body.when.base_url",
        ),
        (
            json!({"when": {"base_url": []}}),
            "too_short body.when.base_url",
        ),
        (json!({"when": {"": ["x"]}}), "string_too_short body.when."),
        (
            json!({"expires_at": "2030-01-01T00:00:00"}),
            "timezone_aware body.expires_at",
        ),
        (
            json!({"expires_at": "tomorrow"}),
            "datetime_parsing body.expires_at",
        ),
        (
            json!({"rotate_after_days": 0}),
            "greater_than_equal body.rotate_after_days",
        ),
        (json!({"protected": "maybe"}), "bool_parsing body.protected"),
    ] {
        let answer = operator.put(&path, &policy).await;
        assert_eq!(answer.refused(422, "invalid").mistakes(), [mistake]);
    }
}

#[tokio::test]
async fn a_url_pattern_that_leaves_the_host_open_is_refused() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.named("name", "a value").await;
    let path = format!("/v1/secrets/{id}/policy");
    for pattern in [
        "https:///evil.example:pw@api.github.com/*",
        "https:////api.github.com/*",
        "https:/api.github.com/*",
        "HTTPS:api.github.com/*",
        "https://user@api.github.com/*",
        "https://evil.example\\@api.github.com/*",
        "https:\t//api.github.com/*",
        "https://api%2egithub.com/*",
        "https://api.github.com",
        "*://api.github.com/*",
        "wss://*.github.com/*",
    ] {
        let policy = json!({"when": {"base_url": ["https://api.github.com/*", pattern]}});
        let answer = operator.put(&path, &policy).await;
        let mistakes = answer.refused(422, "invalid").mistakes();
        assert_eq!(mistakes, ["value_error body.when.base_url"], "{pattern}");
    }
    let kept = operator.get(&path).await.expect(200);
    assert_eq!(kept["when"], json!({}));
}

#[tokio::test]
async fn an_expired_secret_is_refused_and_said_to_have_expired() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.default_for("github__*", "token", "a value").await;
    let path = format!("/v1/secrets/{id}/policy");
    let past = json!({"expires_at": "2000-01-01T00:00:00Z"});
    operator.put(&path, &past).await.expect(200);
    operator
        .post(TOOL, &json!({}))
        .await
        .refused(409, "secret_expired");
    operator.put(&path, &json!({})).await.expect(200);
    assert_eq!(
        operator.post(TOOL, &json!({})).await.expect(200)["args"]["token"],
        "a value"
    );
}

#[tokio::test]
async fn a_companion_argument_cannot_send_the_credential_elsewhere() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.default_for("github__*", "token", "a value").await;
    let policy = json!({"when": {"base_url": ["https://api.github.com/*"]}});
    operator
        .put(&format!("/v1/secrets/{id}/policy"), &policy)
        .await
        .expect(200);
    for base_url in [
        json!(null),
        json!("https://api.github.com/v3"),
        json!("HTTPS://API.GitHub.com:443/v3"),
    ] {
        let call = json!({"args": {"base_url": base_url}});
        assert_eq!(
            operator.post(TOOL, &call).await.expect(200)["args"]["token"],
            "a value"
        );
    }
    for base_url in [
        json!("https://api.github.com@evil.example/"),
        json!("https:///evil.example:pw@api.github.com/"),
        json!("https:////api.github.com/"),
        json!("https:/api.github.com/"),
        json!("https:\\\\api.github.com/"),
        json!("https://api.github.com\\@evil.example/"),
        json!("https:\t//api.github.com/"),
        json!("https://api.github.com./"),
        json!("https://api.github.com:8443/"),
        json!("https://evil.example/"),
        json!(""),
        json!(["https://api.github.com/"]),
    ] {
        let call = json!({"args": {"base_url": base_url}});
        let answer = operator.post(TOOL, &call).await;
        answer.refused(409, "secret_not_available");
        assert!(!answer.text().contains("a value"));
    }
    // Also if the companion argument comes from a secret.
    operator
        .default_for("github__*", "base_url", "https://evil.example/")
        .await;
    operator
        .post(TOOL, &json!({}))
        .await
        .refused(409, "secret_not_available");
}

#[tokio::test]
async fn a_protected_secret_keeps_its_binding_and_is_not_shadowed() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.default_for("github__*", "token", "a value").await;
    let (path, policy) = (
        format!("/v1/secrets/{id}"),
        format!("/v1/secrets/{id}/policy"),
    );
    operator
        .put(&policy, &json!({"protected": true}))
        .await
        .expect(200);
    let rebound = operator
        .patch(&path, &json!({"tool_name": "evil__*"}))
        .await;
    rebound.refused(403, "secret_protected");
    operator
        .patch(&path, &json!({"secret_value": "another value"}))
        .await
        .expect(200);
    let shadow = json!({
        "secret_name": "shadow", "secret_value": "evil value", "tool_name": "github__call",
        "tool_arg": "token", "is_default_for_tool": true,
    });
    operator
        .post("/v1/secrets/", &shadow)
        .await
        .refused(403, "secret_protected");
    let completed = operator.post(TOOL, &json!({})).await.expect(200);
    assert_eq!(completed["args"]["token"], "another value");

    let limited = world
        .holder(Rights {
            scopes: &[Scope::Manage],
            tools: &["github__*"],
            ..Rights::default()
        })
        .await;
    limited
        .put(&policy, &json!({}))
        .await
        .refused(403, "secret_protected");
    operator.put(&policy, &json!({})).await.expect(200);
    operator.post("/v1/secrets/", &shadow).await.expect(200);
}

#[tokio::test]
async fn policies_are_listed_with_what_is_due_and_expired() {
    let world = World::start().await;
    let operator = world.operator();
    operator.named("plain", "a value").await;
    let id = operator.named("rotated", "a value").await;
    assert_eq!(
        operator.get("/v1/policies").await.expect(200),
        json!({"data": []})
    );
    let policy = json!({"rotate_after_days": 1, "expires_at": "2000-01-01T00:00:00Z"});
    operator
        .put(&format!("/v1/secrets/{id}/policy"), &policy)
        .await
        .expect(200);
    world.clock.advance(86_400);
    let listed = operator.get("/v1/policies").await.expect(200);
    let due_at = listed["data"][0]["rotation_due_at"].clone();
    assert!(due_at.is_string());
    assert_eq!(
        listed["data"],
        json!([{
            "secret_id": id, "expires_at": "2000-01-01T00:00:00Z", "rotate_after_days": 1,
            "when": {}, "protected": false, "redact": true, "canary": false, "approval": null,
            "rotation_due_at": due_at,
            "is_due": true, "is_expired": true,
        }])
    );
}
