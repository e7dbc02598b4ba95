//! Authentication: one credential, in the first header that is present, checked before everything else.

mod credential;
mod order;
mod token;

use crate::harness::{World, issuer_in};

/// A world with a configured issuer of tokens.
async fn world_with_issuer() -> World {
    World::start_with(|settings| {
        let issuer = issuer_in(settings.directory.path());
        settings.server.issuers = vec![issuer];
    })
    .await
}
