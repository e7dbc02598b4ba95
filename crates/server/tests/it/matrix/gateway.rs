//! The gateway's routes against every kind of caller. They are no part of the API's description; what an agent is
//! answered who may use it is for the gateway's own tests.

use super::cast::{Cast, NAMES};

/// Who may use the gateway; the others with a valid credential may not.
const LET_IN: [&str; 5] = [
    "use",
    "narrow pattern",
    "any user",
    "other tenant",
    "operator",
];

/// Who has no valid credential.
const STRANGERS: usize = 7;

#[tokio::test]
async fn only_a_key_with_the_scope_use_is_let_in() {
    let (_world, cast) = Cast::assemble().await;
    let mut wrong = Vec::new();
    for (index, name) in NAMES.into_iter().enumerate() {
        for method in ["GET", "POST", "DELETE"] {
            for path in ["/mcp", "/mcp/", "/mcp/linear", "/mcp/linear/"] {
                let answer = cast.actor(name).json(method, path, "{}").await;
                let is_right = match answer.status {
                    401 => index < STRANGERS,
                    403 => index >= STRANGERS && !LET_IN.contains(&name),
                    _ => LET_IN.contains(&name),
                };
                if !is_right {
                    wrong.push(format!("{method} {path} as {name}: {}", answer.status));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
