//! Guessing credentials: the guesser must wait, but a valid credential is always accepted.

use crate::harness::{Answer, World};

/// More than twice the limit, so that the start of a new minute makes no difference.
const GUESSES: u32 = 40;

async fn world(trusted: &'static [&'static str]) -> World {
    World::start_with(|settings| {
        settings.server.limits.sign_in_failures_per_minute = 5;
        settings.server.trusted_proxies = trusted.iter().map(|net| net.parse().unwrap()).collect();
    })
    .await
}

async fn guess(world: &World, number: u32, forwarded_for: &str) -> Answer {
    let guess = format!("tvk_guess{number}");
    let mut guesser = world.anonymous().with("x-api-key", &guess);
    if !forwarded_for.is_empty() {
        guesser = guesser.with("x-forwarded-for", forwarded_for);
    }
    guesser.get("/v1/me").await
}

#[tokio::test]
async fn too_many_bad_credentials_are_429_while_valid_ones_work() {
    let world = world(&[]).await;
    let mut outcomes = Vec::new();
    for number in 0..GUESSES {
        let answer = guess(&world, number, "").await;
        if answer.status == 429 {
            let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&seconds), "{seconds}");
            world.operator().get("/v1/me").await.expect(200);
            // A request without a credential is not a guess.
            world
                .anonymous()
                .get("/v1/me")
                .await
                .refused(401, "unauthenticated");
        }
        outcomes.push(answer.outcome());
    }
    assert!(
        outcomes[..5]
            .iter()
            .all(|outcome| outcome == "401 unauthenticated"),
        "{outcomes:?}"
    );
    assert!(
        outcomes
            .iter()
            .any(|outcome| outcome == "429 too_many_requests"),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn a_stranger_cannot_change_their_address_by_a_header() {
    let world = world(&["10.0.0.0/8"]).await;
    let mut statuses = Vec::new();
    for number in 0..GUESSES {
        statuses.push(
            guess(&world, number, &format!("192.0.2.{number}"))
                .await
                .status,
        );
    }
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_their_own_count() {
    let world = world(&["127.0.0.1/32"]).await;
    for number in 0..GUESSES {
        let answer = guess(&world, number, &format!("192.0.2.{number}")).await;
        answer.refused(401, "unauthenticated");
    }
    let mut statuses = Vec::new();
    for number in 0..GUESSES {
        // The client's claims precede the address that the proxy added.
        let claimed = format!("198.51.100.{number}, 203.0.113.7");
        statuses.push(guess(&world, number, &claimed).await.status);
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    world.clock.advance(5);
    world.operator().named("n", "a value").await;
    let page = world
        .operator()
        .get("/v1/audit?action=sign_in.failed&limit=1000")
        .await
        .expect(200);
    let records = page["data"].as_array().unwrap();
    let sources: Vec<&str> = records
        .iter()
        .map(|record| record["source"].as_str().unwrap())
        .collect();
    assert!(
        sources.contains(&"203.0.113.7") && sources.contains(&"192.0.2.3"),
        "{sources:?}"
    );
    assert!(
        !sources.iter().any(|source| source.starts_with("198.51")),
        "{sources:?}"
    );
}
