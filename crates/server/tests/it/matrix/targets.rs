//! The target of a request: a new object of the caller's own, so that each request may change it.

use std::time::Duration;

use toolvault_core::confidential::{Confidential, Wiped};
use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::pattern::ToolPattern;
use toolvault_core::policy::Need;
use toolvault_core::scope::Scope;
use toolvault_vault::{Asked, AskedCall, NewSecret, OnBehalf, SecretChange};

use crate::harness::{Rights, World};

/// IDs for the parameters of a path; empty where the path has no such parameter.
#[derive(Clone, Default)]
pub(super) struct Target {
    pub(super) secret: String,
    pub(super) key: String,
    pub(super) user: String,
    pub(super) approval: String,
}

impl Target {
    /// A target for `path` that belongs to `owner`.
    pub(super) async fn new(world: &World, owner: UserId, path: &str) -> Self {
        let mut target = Self::default();
        if path.contains("{secret_id}") {
            target.secret = secret_of(world, owner).await;
        }
        if path.contains("{version}") {
            supersede(world, owner, &target.secret).await;
        }
        if path.contains("{key_id}") {
            let rights = Rights {
                scopes: &[Scope::Manage],
                user: Some(owner),
                ..Rights::default()
            };
            target.key = world.holder(rights).await.key_id;
        }
        if path.contains("{approval_id}") {
            target.approval = waiting_call(world, owner).await;
        }
        if path.contains("{user_id}") {
            let name = format!("target {}", world.fresh_number());
            target.user = world.new_user(&name).await.to_string();
        }
        target
    }

    pub(super) fn fill(&self, path: &str) -> String {
        path.replace("{secret_id}", &self.secret)
            .replace("{key_id}", &self.key)
            .replace("{user_id}", &self.user)
            .replace("{approval_id}", &self.approval)
            .replace("{tool_name}", "linear__get")
            .replace("{server}", "linear")
            .replace("{version}", "1")
            // No call lacked a secret.
            .replace("{pending_id}", "00000000000000000000000000000000")
    }
}

async fn secret_of(world: &World, owner: UserId) -> String {
    let new = NewSecret {
        name: "target".to_owned(),
        value: Confidential::from(Wiped::new("the value of a target".to_owned())),
        tool: Some(ToolPattern::parse("linear__get").unwrap()),
        argument: None,
        is_default: false,
    };
    let local = world.local(owner);
    let stored = world.vault.create_secret(&local, new, None).await.unwrap();
    stored.info.secret_id.to_string()
}

/// A call that waits for a person, with a key of its own.
async fn waiting_call(world: &World, owner: UserId) -> String {
    let rights = Rights {
        scopes: &[Scope::Use],
        user: Some(owner),
        ..Rights::default()
    };
    let agent = world.holder(rights).await;
    let key = agent.find("x-api-key").unwrap();
    let caller = world.vault.authenticate_key(key, OnBehalf::Unnamed, false);
    let caller = caller.await.unwrap();
    let object = || Wiped::new(b"{}".to_vec());
    let call = AskedCall {
        server: "linear".to_owned(),
        tool: "get".to_owned(),
        title: None,
        definition: None,
        need: Need::Each,
        secret_name: None,
        arguments: object(),
        shown: object(),
        lasts: Duration::from_mins(10),
        has_waited: false,
    };
    let asked = world.vault.ask_approval(&caller, &call);
    match asked.await.unwrap() {
        Asked::Waiting(waiting) => waiting.id.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Makes version 1 an old one.
async fn supersede(world: &World, owner: UserId, secret: &str) {
    let change = SecretChange {
        value: Some(Confidential::from("the second value of a target")),
        ..SecretChange::default()
    };
    let id = SecretId(secret.parse().unwrap());
    let local = world.local(owner);
    world
        .vault
        .update_secret(&local, id, change, Vec::new())
        .await
        .unwrap();
}
