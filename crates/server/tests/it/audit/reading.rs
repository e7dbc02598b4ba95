//! Reading the trail: pages, filters, and who sees what.

use serde_json::{Value, json};
use toolvault_core::scope::Scope::{Admin, Audit, Manage, Resolve, Use};
use toolvault_vault::{Clock as _, SystemClock};

use super::records;
use crate::harness::{Rights, World};

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let world = World::start().await;
    let operator = world.operator();
    for number in 0..25 {
        operator.named(&format!("secret {number}"), "a value").await;
    }
    let all = records(&operator, "?limit=1000").await;
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = operator
            .get(&format!("/v1/audit?limit=4{cursor}"))
            .await
            .expect(200);
        paged.extend(page["data"].as_array().unwrap().clone());
        // Concurrent changes do not move the pages.
        operator.named("meanwhile", "a value").await;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, all);
    let sequences: Vec<i64> = all
        .iter()
        .map(|record| record["sequence"].as_i64().unwrap())
        .collect();
    assert!(
        sequences.windows(2).all(|pair| pair[0] == pair[1] + 1),
        "{sequences:?}"
    );
}

#[tokio::test]
async fn a_cursor_serves_only_whom_it_was_given() {
    let world = World::start().await;
    let (operator, other) = (world.operator(), world.other_tenant().await);
    operator.named("n", "a value").await;
    let page = operator.get("/v1/audit?limit=1").await.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap().to_owned();
    let mut flipped = cursor.clone().into_bytes();
    flipped[20] ^= 1;
    let flipped = String::from_utf8(flipped).unwrap();
    for (actor, cursor) in [
        (&other, cursor.as_str()),
        (&operator, &flipped),
        (&operator, "00"),
        (&operator, ""),
    ] {
        let answer = actor.get(&format!("/v1/audit?cursor={cursor}")).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.mistakes(), ["cursor_invalid query.cursor"]);
    }
}

#[tokio::test]
async fn filters_keep_what_they_say() {
    let world = World::start().await;
    let operator = world.operator();
    let start = SystemClock.now();
    let before = operator
        .create(json!({"secret_name": "a", "secret_value": "a value"}))
        .await;
    world.clock.advance(100);
    operator.default_for("tool", "arg", "the value").await;
    operator
        .post("/v1/tools/tool/resolve", &json!({}))
        .await
        .expect(200);
    let at = before["created_at"].as_str().unwrap();
    assert_eq!(
        records(&operator, &format!("?until={at}&action=secret.created"))
            .await
            .len(),
        1
    );
    let since = format!("?since={start}&action=secret.created");
    assert_eq!(records(&operator, &since).await.len(), 2);
    let later = SystemClock.now().plus(50_000_000);
    assert_eq!(
        records(&operator, &format!("?since={later}")).await.len(),
        2
    );
    assert_eq!(
        records(&operator, "?tool=tool&action=secret.used")
            .await
            .len(),
        1
    );
    assert_eq!(records(&operator, "?tool=other").await.len(), 0);
    for (query, mistake) in [
        ("since=yesterday", "datetime_parsing query.since"),
        ("until=2020-01-01", "datetime_parsing query.until"),
        ("action=secret.read", "enum query.action"),
        ("secret_id=7", "uuid_parsing query.secret_id"),
        ("limit=0", "greater_than_equal query.limit"),
        ("limit=1001", "less_than_equal query.limit"),
    ] {
        let answer = operator.get(&format!("/v1/audit?{query}")).await;
        assert_eq!(answer.mistakes(), [mistake]);
    }
}

#[tokio::test]
async fn everybody_reads_their_own_trail_and_an_administrator_the_whole() {
    let world = World::start().await;
    let other = world.other_tenant().await;
    other.named("theirs", "a value").await;
    world.operator().named("mine", "a value").await;
    let auditor = world.scoped(&[Audit]).await;
    let names = |found: Vec<Value>| -> Vec<String> {
        let named = found
            .iter()
            .filter_map(|record| record["secret_name"].as_str());
        named.map(str::to_owned).collect()
    };
    assert_eq!(names(records(&other, "").await), ["theirs"]);
    assert_eq!(names(records(&auditor, "").await), ["mine"]);
    let admin = world.scoped(&[Admin]).await;
    assert_eq!(names(records(&admin, "").await), ["mine", "theirs"]);
    for scope in [Manage, Use, Resolve] {
        world
            .scoped(&[scope])
            .await
            .get("/v1/audit")
            .await
            .refused(403, "missing_scope");
    }
}

#[tokio::test]
async fn a_limited_key_reads_what_is_about_its_tools() {
    let world = World::start().await;
    let operator = world.operator();
    operator.default_for("linear__*", "token", "a value").await;
    operator.default_for("github__*", "token", "a value").await;
    operator.named("unbound", "a value").await;
    let narrow = world
        .holder(Rights {
            scopes: &[Audit],
            tools: &["linear__*"],
            ..Rights::default()
        })
        .await;
    let found = records(&narrow, "").await;
    assert!(!found.is_empty());
    assert!(
        found.iter().all(|record| record["tool"] == "linear__*"),
        "{found:?}"
    );
}
