//! The generated document against the one that is committed, so that each change of the API is seen in a review.

const COMMITTED: &str = include_str!("../openapi.json");

#[test]
fn the_document_is_the_committed_one_to_the_byte() {
    let generated = serde_json::to_string_pretty(toolvault_server::openapi_document()).unwrap();
    let generated = generated + "\n";
    let lines = generated.lines().zip(COMMITTED.lines());
    if let Some((index, (now, before))) = lines.enumerate().find(|(_, (now, before))| now != before)
    {
        panic!("line {}: {now:?} was {before:?}; {UPDATE}", index + 1);
    }
    assert!(
        generated == COMMITTED,
        "one ends before the other; {UPDATE}"
    );
}

const UPDATE: &str =
    "if that is meant, run: cargo run -- openapi > crates/server/tests/openapi.json";
