//! The gateway's routes against every kind of caller. They are no part of the API's description.

use super::cast::{Cast, NAMES};

/// The callers who may use the gateway; others with a valid credential may not.
const LET_IN: [&str; 5] = [
    "use",
    "narrow pattern",
    "any user",
    "other tenant",
    "operator",
];

/// The callers without a valid credential.
const STRANGERS: usize = 7;

/// What a caller is answered who may use it, to a message that is none, where no server is configured.
const ANSWERS: [(&str, &str, u16); 6] = [
    ("GET", "/mcp", 400),
    ("POST", "/mcp", 400),
    ("DELETE", "/mcp", 400),
    ("GET", "/mcp/linear", 404),
    ("POST", "/mcp/linear", 404),
    ("DELETE", "/mcp/linear", 404),
];

#[tokio::test]
async fn only_a_key_with_the_scope_use_is_let_in() {
    let (_world, cast) = Cast::assemble().await;
    let mut wrong = Vec::new();
    for (index, name) in NAMES.into_iter().enumerate() {
        for (method, path, answered) in ANSWERS {
            let is_browser = ["session", "copied cookie"].contains(&name);
            let owed = if index < STRANGERS || is_browser {
                401
            } else if LET_IN.contains(&name) {
                answered
            } else {
                403
            };
            for path in [path.to_owned(), format!("{path}/")] {
                let answer = cast.actor(name).json(method, &path, "{}").await;
                if answer.status != owed {
                    wrong.push(format!("{method} {path} as {name}: {}", answer.status));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
