//! `/v1/secrets/{secret_id}/versions`: older values, without showing them.

use serde_json::json;

use crate::harness::World;

#[tokio::test]
async fn an_older_value_can_be_restored_and_erased_but_is_never_shown() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.named("name", "first value").await;
    let path = format!("/v1/secrets/{id}");
    operator
        .patch(&path, &json!({"secret_value": "second value"}))
        .await
        .expect(200);

    let answer = operator.get(&format!("{path}/versions")).await;
    let listed = answer.expect(200);
    assert!(!answer.text().contains("value"), "{}", answer.text());
    let states: Vec<_> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| (version["version"].clone(), version["state"].clone()))
        .collect();
    assert_eq!(
        states,
        [
            (json!(2), json!("current")),
            (json!(1), json!("superseded"))
        ]
    );

    let restored = operator
        .post(&format!("{path}/versions/1/restore"), &json!(null))
        .await;
    assert_eq!(restored.expect(200)["secret_id"], id);
    assert_eq!(operator.value_of(&id).await, "first value");

    operator
        .delete(&format!("{path}/versions/1"))
        .await
        .expect(200);
    operator
        .delete(&format!("{path}/versions/1"))
        .await
        .refused(404, "not_found");
    operator
        .delete(&format!("{path}/versions/3"))
        .await
        .refused(422, "invalid");
    let again = operator
        .post(&format!("{path}/versions/1/restore"), &json!(null))
        .await;
    again.refused(404, "not_found");
}

#[tokio::test]
async fn a_version_that_is_no_number_is_refused_as_pydantic_refuses_it() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.named("name", "a value").await;
    for (version, mistake) in [
        ("x", "int_parsing path.version"),
        ("0", "greater_than_equal path.version"),
    ] {
        let answer = operator
            .delete(&format!("/v1/secrets/{id}/versions/{version}"))
            .await;
        assert_eq!(answer.refused(422, "invalid").mistakes(), [mistake]);
    }
}
