//! The store that is tampered with: two users with their secrets and keys, and copies of earlier
//! states.

use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::scope::Scope;
use toolvault_vault::{
    Caller, Clock as _, Error, KeyChange, ListFilter, OnBehalf, UserChange, Vault,
};
use uuid::Uuid;

use crate::harness::app::key;
use crate::harness::rows::{Rows, TABLES};
use crate::harness::{Actor, Answered as _, App, DAY, NewSecretExt as _, call, secret};

/// The number of copied earlier states.
pub(super) const SNAPSHOTS: usize = 2;

pub(super) struct Scene {
    pub(super) people: Vec<Person>,
    /// The answers in each state; the last one is current.
    pub(super) answers: Vec<Vec<String>>,
}

pub(super) struct Person {
    pub(super) user: UserId,
    pub(super) secrets: Vec<Uuid>,
    key: String,
    caller: Caller,
}

impl Scene {
    pub(super) async fn set(app: &App, rows: &Rows) -> Self {
        let mut actors = Vec::new();
        let mut people = Vec::new();
        for name in ["ann", "ben"] {
            let actor = app.person(name).await;
            let mut secrets = Vec::new();
            for (number, tool) in ["tool_a", "tool_*", "other"].into_iter().enumerate() {
                let new = secret(&format!("s{number}"), &format!("{name}'s value {number}"));
                let info = actor.store(new.default_for(tool, "api_token")).await;
                secrets.push(info.secret_id.0);
            }
            actor.connect("linear", name).await;
            people.push(Person {
                user: actor.caller.user(),
                secrets,
                key: actor.key.clone(),
                caller: actor.caller.clone(),
            });
            actors.push(actor);
        }
        let mut scene = Self {
            people,
            answers: Vec::new(),
        };
        for moment in 0..=SNAPSHOTS {
            let answers = scene.ask(&app.vault).await;
            let right = answers.into_iter().map(Result::unwrap).collect();
            scene.answers.push(right);
            remember(rows, moment).await;
            if moment < SNAPSHOTS {
                go_on(app, &actors, moment).await;
            }
        }
        scene
    }

    /// Every request of every user, always in the same order.
    pub(super) async fn ask(&self, vault: &Vault) -> Vec<Result<String, Error>> {
        let mut answers = Vec::new();
        for person in &self.people {
            let signed_in = vault
                .authenticate_key(&person.key, OnBehalf::Unnamed, false)
                .await;
            answers.push(signed_in.map(|caller| {
                format!(
                    "{} {:?} {:?}",
                    caller.user(),
                    caller.scopes(),
                    caller.tools()
                )
            }));
            let caller = &person.caller;
            let filter = ListFilter {
                limit: 1_000,
                ..ListFilter::default()
            };
            let listed = vault.list_secrets(caller, &filter).await;
            answers.push(listed.map(|list| format!("{:?}", list.secrets)));
            for secret in &person.secrets[..1] {
                let got = vault.get_secret(caller, SecretId(*secret)).await;
                answers.push(got.map(|info| format!("{info:?}")));
            }
            let opened = vault.connection_tokens(caller, "linear").await;
            answers.push(opened.map(|opened| {
                let opened = opened.unwrap();
                let token = opened.access_token.expose_text().unwrap().to_owned();
                format!("{token} {:?}", opened.connection.scopes)
            }));
            let calls = vec![call("tool_a").build(), call("tool_b").build()];
            match vault.resolve(caller, calls).await {
                Ok(resolved) => answers.extend(resolved.into_iter().map(|one| {
                    one.map(|completed| format!("{} {:?}", completed.json(), completed.applied))
                })),
                Err(error) => answers.extend([Err(error), Err(Error::Integrity)]),
            }
        }
        answers
    }
}

/// The changes between two states: each user changes something of every kind.
async fn go_on(app: &App, actors: &[Actor], moment: usize) {
    let local = app.local();
    for (number, actor) in actors.iter().enumerate() {
        let secrets = actor.list().await;
        for (place, info) in secrets.iter().enumerate() {
            actor
                .set_value(info.secret_id, &format!("{number} {place} {moment}"))
                .await;
        }
        if moment == SNAPSHOTS - 1 {
            actor.delete(secrets[2].secret_id).await.unwrap();
        }
        actor.connect("linear", &format!("{number} {moment}")).await;
        let child = actor
            .delegate(key("child", &[Scope::Use, Scope::Resolve]))
            .await;
        let narrower = KeyChange {
            scopes: Some([Scope::Use].into_iter().collect()),
            ..KeyChange::default()
        };
        app.vault
            .update_key(&actor.caller, child.key_id(), narrower)
            .await
            .unwrap();
        let rename = KeyChange {
            name: Some(format!("at {moment}")),
            ..KeyChange::default()
        };
        app.vault
            .update_key(&actor.caller, actor.key_id(), rename)
            .await
            .unwrap();
        let quota = UserChange {
            bytes_limit: Some(Some(1_000 + i64::try_from(moment).unwrap())),
            ..UserChange::default()
        };
        let user = actor.caller.user();
        app.vault
            .update_user(&local.caller, user, quota)
            .await
            .unwrap();
    }
    app.clock.advance(2 * DAY);
    let before = app.clock.now().plus(-DAY);
    let pruned = app.vault.prune_audit(&local.caller, before).await.unwrap();
    assert!(pruned.records > 0);
}

/// Copies every table.
async fn remember(rows: &Rows, moment: usize) {
    for table in TABLES {
        rows.run(&format!(
            "CREATE TABLE old{moment}_{table} AS SELECT * FROM {table}"
        ))
        .await;
    }
}

/// Restores these tables and the trail to the current state.
pub(super) async fn restore(rows: &Rows, tables: &[&str]) {
    let known = format!("(SELECT page FROM old{SNAPSHOTS}_audit_pages)");
    let mut statements = vec![format!(
        "BEGIN; DELETE FROM audit_pages WHERE page NOT IN {known};"
    )];
    for table in tables.iter().chain(&["audit_head"]) {
        let old = format!("old{SNAPSHOTS}_{table}");
        statements.push(format!(
            "DELETE FROM {table}; INSERT INTO {table} SELECT * FROM {old};"
        ));
    }
    statements.push("COMMIT;".to_owned());
    rows.run(&statements.concat()).await;
}
