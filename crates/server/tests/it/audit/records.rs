//! What is recorded.

use serde_json::json;

use super::records;
use crate::harness::World;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "it follows one secret to its end")]
async fn each_change_is_one_record_with_who_and_what() {
    let world = World::start().await;
    let operator = world.operator().with("x-request-id", "request-7");
    let id = operator
        .default_for("linear__*", "token", "the first value")
        .await;
    let path = format!("/v1/secrets/{id}");
    operator
        .patch(&path, &json!({"secret_name": "renamed"}))
        .await
        .expect(200);
    operator
        .patch(&path, &json!({"tool_arg": "key"}))
        .await
        .expect(200);
    operator
        .patch(&path, &json!({"secret_value": "the second value"}))
        .await
        .expect(200);
    operator
        .post("/v1/tools/linear__get/resolve", &json!({}))
        .await
        .expect(200);
    operator.delete(&path).await.expect(200);
    let mut found = records(&operator, &format!("?secret_id={id}")).await;
    found.reverse();
    let actions: Vec<&str> = found
        .iter()
        .map(|record| record["action"].as_str().unwrap())
        .collect();
    let expected = [
        "secret.created",
        "secret.renamed",
        "secret.rebound",
        "secret.value_replaced",
        "secret.used",
        "secret.deleted",
    ];
    assert_eq!(actions, expected);
    for record in &found {
        assert_eq!(record["actor"], format!("key:{}", operator.key_id));
        assert_eq!(record["user_id"], json!(operator.user));
        assert_eq!(record["decision"], "allowed");
        assert_eq!(record["request_id"], "request-7");
        assert!(record["at"].as_str().unwrap().ends_with('Z'));
    }
    let used = &found[4];
    assert_eq!(
        (&used["tool"], &used["argument"]),
        (&json!("linear__get"), &json!("key"))
    );
    assert_eq!(
        (&used["version"], &used["secret_name"]),
        (&json!(2), &json!("renamed"))
    );
    let sequences: Vec<i64> = found
        .iter()
        .map(|record| record["sequence"].as_i64().unwrap())
        .collect();
    assert!(
        sequences.windows(2).all(|pair| pair[0] + 1 == pair[1]),
        "{sequences:?}"
    );
}

#[tokio::test]
async fn refusals_are_recorded_and_reads_of_metadata_are_not() {
    let world = World::start().await;
    let operator = world.operator();
    let agent = world.agent();
    agent
        .get("/v1/secrets/")
        .await
        .refused(403, "missing_scope");
    let denied = &records(&operator, "?action=access.denied").await[0];
    assert_eq!(
        (&denied["decision"], &denied["reason"]),
        (&json!("denied"), &json!("missing_scope"))
    );
    assert_eq!(denied["actor"], format!("key:{}", agent.key_id));
    let require = json!({"require": ["token"]});
    operator
        .post("/v1/tools/t/resolve", &require)
        .await
        .refused(409, "secret_missing");
    let refused = &records(&operator, "?action=use.refused").await[0];
    assert_eq!(
        (&refused["tool"], &refused["argument"]),
        (&json!("t"), &json!("token"))
    );
    let before = records(&operator, "?limit=1").await[0]["sequence"].clone();
    for path in [
        "/v1/secrets/",
        "/v1/keys",
        "/v1/me",
        "/v1/usage",
        "/v1/users",
        "/v1/audit",
    ] {
        operator.get(path).await.expect(200);
    }
    operator
        .post("/v1/tools/t/explain", &json!({}))
        .await
        .expect(200);
    assert_eq!(records(&operator, "?limit=1").await[0]["sequence"], before);
}

#[tokio::test]
async fn keys_and_users_leave_records_too() {
    let world = World::start().await;
    let operator = world.operator();
    let made = operator
        .post("/v1/keys", &json!({"scopes": ["manage"]}))
        .await
        .expect(200);
    let path = format!("/v1/keys/{}", made["key_id"].as_str().unwrap());
    operator
        .patch(&path, &json!({"name": "n"}))
        .await
        .expect(200);
    operator
        .post(&format!("{path}/rotate"), &json!({}))
        .await
        .expect(200);
    operator.delete(&path).await.expect(200);
    let user = operator
        .post("/v1/users", &json!({"name": "alice"}))
        .await
        .expect(200);
    let path = format!("/v1/users/{}", user["user_id"].as_str().unwrap());
    operator
        .patch(&path, &json!({"disabled": true}))
        .await
        .expect(200);
    operator.delete(&path).await.expect(200);
    for (action, count) in [
        ("key.created", 4),
        ("key.changed", 1),
        ("key.rotated", 1),
        ("key.revoked", 1),
        ("user.created", 2),
        ("user.changed", 1),
        ("user.deleted", 1),
        ("store.created", 1),
    ] {
        assert_eq!(
            records(&operator, &format!("?action={action}")).await.len(),
            count,
            "{action}"
        );
    }
}
