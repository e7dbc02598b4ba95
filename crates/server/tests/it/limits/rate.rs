//! Requests per second of one key.

use crate::harness::World;

#[tokio::test]
async fn a_key_beyond_its_rate_is_429_and_another_is_not() {
    let world = World::start_with(|settings| settings.server.limits.requests_per_second = 1).await;
    let (operator, agent) = (world.operator(), world.agent());
    let mut refused = None;
    for _ in 0..50 {
        let answer = operator.get("/v1/me").await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        answer.expect(200);
    }
    let refused = refused.expect("fifty requests take no fifty seconds");
    refused.refused(429, "too_many_requests");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.text(), r#"{"detail":"Too many requests."}"#);
    agent.get("/v1/me").await.expect(200);
    // Requests without a credential have no rate limit.
    operator.get("/healthz").await.expect(200);
}

#[tokio::test]
async fn by_default_there_is_no_rate() {
    let world = World::start().await;
    let operator = world.operator();
    for _ in 0..200 {
        operator.get("/v1/me").await.expect(200);
    }
}
