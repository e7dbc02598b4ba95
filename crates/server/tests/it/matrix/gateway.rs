//! The gateway's routes with every kind of caller. They are not part of the API's description; the gateway's own
//! tests cover the answers to agents who may use it.

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
