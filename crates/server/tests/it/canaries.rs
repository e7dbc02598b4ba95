//! Canaries: values that go through every operation, valid and invalid, with everything logged, and that
//! must not occur in any log line, answer, metric or file.

mod flows;
mod gateway;
mod log;
mod needles;

use std::path::Path;

use self::flows::{Flows, SECRETS};
use self::log::Log;
use self::needles::{Needles, value};
use crate::harness::World;

/// Every file below `directory`.
fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

#[track_caller]
fn assert_in_no_file(world: &World, needles: &Needles) {
    let files = files(world.directory.path());
    assert!(files.len() >= 2, "{files:?}");
    for path in files {
        let content = std::fs::read(&path).unwrap();
        assert_eq!(needles.find(&content), None, "{}", path.display());
    }
}

#[tokio::test]
async fn a_value_is_found_nowhere_but_in_the_answer_of_resolve() {
    let log = Log::install();
    let world = World::start_with(|settings| {
        settings.vault.limits.secrets = i64::try_from(SECRETS).unwrap();
    })
    .await;
    let needles = Needles::of_values();
    Flows::new(&world, &needles).run().await;
    // While the database still has its journal, and after the journal was merged.
    assert_in_no_file(&world, &needles);
    world.vault.close().await;
    assert_in_no_file(&world, &needles);
    log.assert_clean(&["toolvault", "sqlx", "h2"]);
}

#[tokio::test]
async fn a_key_is_found_nowhere_but_in_the_answer_that_made_it() {
    let log = Log::install();
    let world = World::start().await;
    let operator = world.operator();
    let made = operator
        .post("/v1/keys", &serde_json::json!({"scopes": ["manage"]}))
        .await;
    let made = made.expect(200)["key"].as_str().unwrap().to_owned();
    let holder = world
        .anonymous()
        .with("authorization", &format!("Bearer {made}"));
    holder.named("n", "a value").await;
    for path in ["/v1/keys", "/v1/me", "/metrics"] {
        let answer = operator.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.text().contains(&made[13..40]), "{path}");
    }
    let (rest, last) = made.split_at(made.len() - 1);
    let bad = format!("{rest}{}", if last == "0" { '1' } else { '0' });
    for (header, credential) in [("x-api-key", &bad), ("token", &made)] {
        let stranger = world.anonymous().with(header, credential);
        let answer = stranger.get("/v1/me").await;
        answer.refused(401, "unauthenticated");
    }
    // A failed sign-in is recorded with the first change after its second.
    world.clock.advance(5);
    operator.named("n", "a value").await;
    let trail = operator.get("/v1/audit?limit=1000").await;
    for action in ["key.created", "sign_in.failed"] {
        assert!(trail.text().contains(action), "{}", trail.text());
    }
    assert!(!trail.text().contains(&made[13..40]));
    world.vault.close().await;
    for key in [
        made.as_str(),
        operator.sends("x-api-key"),
        world.agent().sends("x-api-key"),
    ] {
        // The part after the public ID.
        let needles = Needles::of(&key[13..]);
        assert_in_no_file(&world, &needles);
        log.assert_lacks(&needles);
    }
}

#[test]
fn the_search_finds_a_value_in_every_disguise() {
    let needles = Needles::of_values();
    for (name, disguised) in needles::disguises(value(7).as_bytes()) {
        assert!(needles.find(&disguised).is_some(), "{name}");
        for padding in 0..3 {
            let shifted = [vec![b'x'; padding], value(7).into_bytes()].concat();
            let (_, disguised) = needles::disguises(&shifted)
                .into_iter()
                .find(|(other, _)| *other == name)
                .unwrap();
            assert!(needles.find(&disguised).is_some(), "{name} after {padding}");
        }
    }
    assert_eq!(needles.find(b"abc********wxyz"), None);
}
