//! The kinds of caller, one of each.

use std::collections::HashMap;

use serde_json::json;
use toolvault_core::scope::Scope::{self, Admin, Audit, Manage, Resolve, Use};

use super::targets::Target;
use crate::harness::{Actor, Rights, World, claims_for, issuer_in, sign, sign_as_stranger};

/// The columns of the table.
pub(super) const NAMES: [&str; 21] = [
    "anonymous",
    "bad key",
    "garbage token",
    "revoked",
    "expired",
    "disabled",
    "token of a stranger",
    "manage",
    "use",
    "resolve",
    "audit",
    "admin",
    "narrow pattern",
    "any user",
    "any user, unnamed",
    "header on another key",
    "token",
    "other tenant",
    "operator",
    "session",
    "copied cookie",
];

const ALL_BUT_ADMIN: &[Scope] = &[Manage, Use, Resolve, Audit];

/// One caller of each kind.
pub(super) struct Cast {
    actors: HashMap<&'static str, Actor>,
    /// A target for callers who are refused before it matters.
    pub(super) spare: Target,
}

impl Cast {
    pub(super) async fn assemble() -> (World, Self) {
        let world = World::start_with(|settings| {
            let issuer = issuer_in(settings.directory.path());
            settings.server.issuers = vec![issuer];
            // All callers share an address, so one that must wait would not get the expected status.
            settings.server.limits.sign_in_failures_per_minute = 0;
        })
        .await;
        let mut actors = HashMap::new();
        actors.extend(strangers(&world).await);
        for (name, scope) in [
            ("manage", Manage),
            ("use", Use),
            ("resolve", Resolve),
            ("audit", Audit),
            ("admin", Admin),
        ] {
            actors.insert(name, world.scoped(&[scope]).await);
        }
        actors.extend(limited(&world).await);
        actors.insert("token", with_token(&world).await);
        actors.insert("other tenant", world.other_tenant().await);
        actors.insert("operator", world.operator());
        let spare = Target::new(
            &world,
            world.keys.user,
            "{secret_id}{key_id}{user_id}{approval_id}",
        )
        .await;
        // From here on the key with a lifetime of one minute has expired.
        world.clock.advance(120);
        let copied = world.in_session().await.without("x-csrf-token");
        actors.insert("copied cookie", copied);
        actors.insert("session", world.in_session().await);
        (world, Self { actors, spare })
    }

    pub(super) fn actor(&self, name: &str) -> &Actor {
        &self.actors[name]
    }
}

/// Callers who are unknown to the server.
async fn strangers(world: &World) -> Vec<(&'static str, Actor)> {
    let anonymous = || world.anonymous();
    let revoked = world.scoped(ALL_BUT_ADMIN).await;
    let path = format!("/v1/keys/{}", revoked.key_id);
    world.operator().delete(&path).await.expect(200);
    let expired = world
        .holder(Rights {
            scopes: ALL_BUT_ADMIN,
            expires_in: Some(60),
            ..Rights::default()
        })
        .await;
    let disabled = world.other_tenant().await;
    world.disable(disabled.user).await;
    // Well formed, with the right checksum, but unknown.
    let elsewhere = World::start().await;
    let token = sign_as_stranger(&claims_for("alice"));
    vec![
        ("anonymous", anonymous()),
        (
            "bad key",
            anonymous().with("x-api-key", elsewhere.operator().sends("x-api-key")),
        ),
        (
            "garbage token",
            anonymous().with("authorization", "Bearer a.b.c"),
        ),
        ("revoked", revoked),
        ("expired", expired),
        ("disabled", disabled),
        ("token of a stranger", anonymous().with("token", &token)),
    ]
}

/// Callers whose key has more than scopes.
async fn limited(world: &World) -> Vec<(&'static str, Actor)> {
    let narrow = world
        .holder(Rights {
            scopes: ALL_BUT_ADMIN,
            tools: &["linear__*"],
            ..Rights::default()
        })
        .await;
    let any_user = world
        .holder(Rights {
            scopes: ALL_BUT_ADMIN,
            any_user: true,
            ..Rights::default()
        })
        .await;
    let served = world.new_user("served by a platform").await;
    let own = world.keys.user;
    vec![
        ("narrow pattern", narrow),
        ("any user", any_user.clone().acting_for(served)),
        ("any user, unnamed", any_user),
        ("header on another key", world.operator().acting_for(own)),
    ]
}

/// The holder of a token, which created a user.
async fn with_token(world: &World) -> Actor {
    let token = sign(&claims_for("alice"));
    let mut actor = world
        .anonymous()
        .with("authorization", &format!("Bearer {token}"));
    let me = actor.get("/v1/me").await.expect(200);
    assert_eq!(me["scopes"], json!(["manage", "audit"]));
    actor.user = serde_json::from_value(me["user_id"].clone()).unwrap();
    actor
}
