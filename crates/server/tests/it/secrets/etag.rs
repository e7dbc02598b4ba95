//! Entity tags and conditional requests (RFC 9110, sections 8.8.3 and 13.1.1).

use serde_json::json;

use crate::harness::{Actor, World};

async fn tag_of(actor: &Actor, path: &str) -> String {
    actor.get(path).await.header("etag").unwrap().to_owned()
}

#[tokio::test]
async fn a_tag_changes_with_every_change_and_only_then() {
    let world = World::start().await;
    let operator = world.operator();
    let path = format!("/v1/secrets/{}", operator.named("name", "a value").await);
    let first = tag_of(&operator, &path).await;
    assert!(first.starts_with('"') && first.ends_with('"'), "{first}");
    assert_eq!(tag_of(&operator, &path).await, first);
    operator
        .patch(&path, &json!({"secret_name": "name"}))
        .await
        .expect(200);
    assert_eq!(tag_of(&operator, &path).await, first);
    let changed = operator
        .patch(&path, &json!({"secret_name": "other"}))
        .await;
    assert_ne!(changed.header("etag").unwrap(), first);
    assert_eq!(
        changed.header("etag").unwrap(),
        tag_of(&operator, &path).await
    );
}

#[tokio::test]
async fn a_change_is_made_only_to_the_state_that_was_named() {
    let world = World::start().await;
    let operator = world.operator();
    let path = format!("/v1/secrets/{}", operator.named("name", "a value").await);
    let old = tag_of(&operator, &path).await;
    let body = json!({"secret_name": "second"});
    let changed = operator
        .clone()
        .with("if-match", &old)
        .patch(&path, &body)
        .await;
    let current = changed.header("etag").unwrap().to_owned();
    changed.expect(200);

    let body = json!({"secret_name": "third"});
    let weak = format!("W/{current}");
    for wrong in [
        old.as_str(),
        "\"\"",
        "\"nonsense\"",
        &weak,
        "",
        current.trim_matches('"'),
    ] {
        let late = operator.clone().with("if-match", wrong);
        let answers = [
            late.patch(&path, &body).await,
            late.patch(&path, &json!({})).await,
            late.put(&format!("{path}/value"), &json!({"secret_value": "other"}))
                .await,
            late.delete(&path).await,
        ];
        for answer in answers {
            answer.refused(412, "precondition_failed");
        }
    }
    assert_eq!(tag_of(&operator, &path).await, current);
    for right in [current.clone(), format!("{old}, {current}"), "*".to_owned()] {
        let same = operator.clone().with("if-match", &right);
        same.patch(&path, &json!({"secret_name": "second"}))
            .await
            .expect(200);
    }
    operator
        .with("if-match", &current)
        .delete(&path)
        .await
        .expect(200);
}

#[tokio::test]
async fn of_many_changes_to_the_same_state_one_is_made() {
    let world = World::start().await;
    let operator = world.operator();
    let path = format!("/v1/secrets/{}", operator.named("name", "a value").await);
    let conditional = operator
        .clone()
        .with("if-match", &tag_of(&operator, &path).await);
    let changes = (0..16).map(|number| {
        let (conditional, path) = (conditional.clone(), path.clone());
        async move {
            let body = json!({"secret_name": format!("name {number}")});
            conditional.patch(&path, &body).await.status
        }
    });
    let mut statuses = futures_util::future::join_all(changes).await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(
        statuses[1..].iter().all(|status| *status == 412),
        "{statuses:?}"
    );
}
