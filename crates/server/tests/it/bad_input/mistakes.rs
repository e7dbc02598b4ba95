//! Very many mistakes at once. A separate server measures the memory that hostile bodies use
//! (`crates/cli/tests/it/memory.rs`).

use serde_json::json;

use crate::harness::World;

/// The maximum size of the report of one mistake, in bytes: it repeats no part of the input.
const TELLING: usize = 100;

#[tokio::test]
async fn each_of_a_hundred_thousand_mistakes_is_told_in_a_few_bytes() {
    let world = World::start().await;
    let operator = world.operator();
    let wrong = vec![json!(1); 100_000];
    let answer = operator
        .post("/v1/tools/t/resolve", &json!({"accepts": wrong}))
        .await;
    let mistakes = answer.refused(422, "invalid").mistakes();
    assert_eq!(mistakes.len(), wrong.len());
    assert_eq!(mistakes[99_999], "string_type body.accepts.99999");
    let length = answer.body.len();
    assert!(length < TELLING * wrong.len(), "{length} bytes");
}

#[tokio::test]
async fn a_list_that_is_too_long_is_one_mistake() {
    let world = World::start().await;
    let calls = vec![json!({}); 80_000];
    let answer = world
        .operator()
        .post("/v1/resolve", &json!({"calls": calls}))
        .await;
    let mistakes = answer.refused(422, "invalid").mistakes();
    assert_eq!(mistakes, ["too_long body.calls"]);
}
