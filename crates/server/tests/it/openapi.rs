//! The generated document must equal the committed one, so that a review shows each change of the API.

use std::path::Path;

const COMMITTED: &str = include_str!("../openapi.json");

#[test]
fn the_document_is_the_committed_one_to_the_byte() {
    let generated = serde_json::to_string_pretty(toolvault_server::openapi_document()).unwrap();
    let generated = generated + "\n";
    if generated == COMMITTED {
        return;
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openapi.json");
    std::fs::write(&path, &generated).unwrap();
    let lines = generated.lines().zip(COMMITTED.lines());
    let first = lines.enumerate().find(|(_, (now, before))| now != before);
    panic!(
        "{first:?}; if the change is meant, copy {} to crates/server/tests/openapi.json",
        path.display()
    );
}
