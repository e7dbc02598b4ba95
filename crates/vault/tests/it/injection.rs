//! Which arguments are hidden from a model, and what is injected into its calls.

use std::collections::BTreeSet;

use toolvault_core::audit::record::{Action, Decision};
use toolvault_core::policy::Policy;
use toolvault_core::scope::Scope;
use toolvault_vault::{Clock as _, Denial, Error, Settings, Source, Within};

use crate::harness::app::key;
use crate::harness::gateway::{ANYWHERE, behind, problems, texts, tool};
use crate::harness::rows::Rows;
use crate::harness::{Actor, Answered as _, App, NewSecretExt as _, SECOND, call, secret};

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// An actor who may use tools, and who stores their secrets.
async fn user(app: &App) -> Actor {
    app.person("ann").await
}

/// Stores one default for each pattern, for an argument of the pattern's number: `a0`, `a1` …
async fn store_each(actor: &Actor, patterns: &[&str]) {
    for (number, pattern) in patterns.iter().enumerate() {
        let new = secret(pattern, &format!("value {number}"));
        actor
            .store(new.default_for(pattern, &format!("a{number}")))
            .await;
    }
}

const PATTERNS: [&str; 6] = [
    "*",
    "lin*",
    "linear_*",
    "linear__*",
    "linear__get",
    "*__get",
];

on_both! {
    async fn arguments_with_a_default_are_hidden_expired_or_not(app: App) {
        let ann = user(&app).await;
        ann.store(secret("s", "the value").default_for("linear__*", "token")).await;
        ann.store(secret("no default", "the value").bound("linear__*", "other")).await;
        let brief = ann.store(secret("brief", "the value").default_for("linear__get", "brief")).await;
        let end = app.clock.now().plus(SECOND);
        let policy = Policy { expires_at: Some(end), ..Policy::default() };
        ann.vault.set_policy(&ann.caller, brief.secret_id, policy, Vec::new()).await.unwrap();
        app.clock.advance(2 * SECOND);
        let tools = ["linear__get", "github__get", "linear__set"].map(tool);
        let hidden = ann.vault.hidden_arguments(&ann.caller, &tools, &ANYWHERE).await.unwrap();
        assert_eq!(hidden, [set(&["brief", "token"]), set(&[]), set(&["token"])]);
        assert!(ann.vault.hidden_arguments(&ann.caller, &[], &ANYWHERE).await.unwrap().is_empty());
        assert!(app.person("bob").await.hidden("linear__get", &ANYWHERE).await.is_empty());
        assert!(ann.records(Action::SecretUsed).await.is_empty());
    }

    async fn behind_a_server_only_defaults_that_name_it_apply(app: App) {
        let ann = user(&app).await;
        store_each(&ann, &PATTERNS).await;
        assert_eq!(ann.hidden("linear__get", &ANYWHERE).await.len(), 6);
        assert_eq!(ann.hidden("linear__get", &behind("linear")).await, set(&["a3", "a4"]));
        assert_eq!(ann.hidden("linear__get", &Within(Some(String::new()))).await.len(), 6);
        assert!(ann.hidden("linear__get", &behind("github")).await.is_empty());
        assert!(ann.hidden("linear__get", &behind("linear__get")).await.is_empty());
        let injected = call("linear__get").inject(&ann, &behind("linear")).await.unwrap();
        assert_eq!(injected.completed.json(), r#"{"a3":"value 3","a4":"value 4"}"#);
        let anywhere = call("linear__get").inject(&ann, &ANYWHERE).await.unwrap();
        assert_eq!(anywhere.values.len(), 6);
        // A broad pattern that would win elsewhere does not displace a narrow one.
        ann.store(secret("exact", "exact value").default_for("linear__g*", "x")).await;
        ann.store(secret("wide", "wide value").default_for("*linear__get", "x")).await;
        let narrow = call("linear__get").accepts(&["x"]).inject(&ann, &behind("linear")).await.unwrap();
        assert_eq!(texts(&narrow.values), ["exact value"]);
        assert_eq!(ann.token_of("linear__get", "x").await, "wide value");
    }

    async fn a_limited_key_hides_and_injects_within_its_patterns(app: App) {
        let ann = user(&app).await;
        store_each(&ann, &PATTERNS).await;
        let limited = ann.limited(&[Scope::Use], &["linear__*"]).await;
        assert_eq!(limited.hidden("linear__get", &ANYWHERE).await, set(&["a3", "a4"]));
        assert!(limited.hidden("github__get", &ANYWHERE).await.is_empty());
        let narrow = ann.limited(&[Scope::Use], &["linear__get"]).await;
        assert_eq!(narrow.hidden("linear__get", &ANYWHERE).await, set(&["a4"]));
        assert!(narrow.hidden("linear__set", &ANYWHERE).await.is_empty());
        let injected = call("linear__get").inject(&narrow, &ANYWHERE).await.unwrap();
        assert_eq!(texts(&injected.values), ["value 4"]);
        let refused = call("linear__set").inject(&narrow, &ANYWHERE).await.err();
        assert!(matches!(refused, Some(Error::Denied(Denial::ToolOutOfReach(name))) if name == "linear__set"));
        assert_eq!(ann.records(Action::AccessDenied).await.len(), 1);
    }

    async fn what_is_injected_is_handed_out_to_be_found_again(app: App) {
        let ann = user(&app).await;
        let token = ann.store(secret("token", "first value").default_for("linear__*", "token")).await;
        ann.set_value(token.secret_id, "second value").await;
        let name = ann.store(secret("name", "ann").default_for("linear__*", "name")).await;
        let open = Policy { redact: false, ..Policy::default() };
        ann.vault.set_policy(&ann.caller, name.secret_id, open, Vec::new()).await.unwrap();
        let injected = call("linear__get").args(r#"{"q":1.0,"token":null}"#).inject(&ann, &behind("linear")).await.unwrap();
        assert_eq!(injected.completed.json(), r#"{"q":1.0,"token":"second value","name":"ann"}"#);
        let applied = &injected.completed.applied;
        assert_eq!(applied.len(), injected.values.len());
        for (applied, given) in applied.iter().zip(&injected.values) {
            assert_eq!(applied.source, Source::Default);
            assert_eq!((applied.secret_id, applied.version), (given.secret_id, given.version));
            assert_eq!(applied.secret_name, given.secret_name);
            assert_eq!(injected.completed.text(&applied.arg).unwrap(), texts(std::slice::from_ref(given))[0]);
        }
        let told: Vec<_> = injected.values.iter().map(|given| (given.secret_name.as_str(), given.version, given.redact)).collect();
        assert_eq!(told, [("name", 1, false), ("token", 2, true)]);
        let records = ann.records(Action::SecretUsed).await;
        let mut arguments: Vec<_> = records.iter().filter_map(|record| record.argument.as_deref()).collect();
        arguments.sort_unstable();
        assert_eq!(arguments, ["name", "token"]);
        assert!(records.iter().all(|record| record.tool.as_deref() == Some("linear__get") && record.decision == Decision::Allowed));
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }

    async fn only_what_is_accepted_and_not_received_is_injected(app: App) {
        let ann = user(&app).await;
        ann.store(secret("a", "value a").default_for("linear__*", "a")).await;
        ann.store(secret("b", "value b").default_for("linear__*", "b")).await;
        let within = behind("linear");
        let some = call("linear__x").accepts(&["b"]).inject(&ann, &within).await.unwrap();
        assert_eq!(some.completed.json(), r#"{"b":"value b"}"#);
        let received = call("linear__x").args(r#"{"a":"","b":"mine"}"#).inject(&ann, &within).await.unwrap();
        assert_eq!(received.completed.json(), r#"{"a":"","b":"mine"}"#);
        assert!(received.values.is_empty());
        let data = call("linear__x").args(r#"{"q":"secret://a"}"#).accepts(&[]).inject(&ann, &within).await.unwrap();
        assert_eq!(data.completed.json(), r#"{"q":"secret://a"}"#);
    }

    async fn nothing_is_silent_and_nothing_partial(app: App) {
        let ann = user(&app).await;
        ann.store(secret("a", "value a").default_for("linear__*", "a")).await;
        let within = behind("linear");
        let missing = call("linear__x").require(&["a", "key"]).inject(&ann, &within).await;
        assert_eq!(problems(missing), [("secret_missing", "require.key".to_owned())]);
        // A default that would apply elsewhere does not apply here.
        ann.store(secret("wide", "wide value").default_for("*", "key")).await;
        let missing = call("linear__x").require(&["key"]).inject(&ann, &within).await;
        assert_eq!(problems(missing), [("secret_missing", "require.key".to_owned())]);
        let b = ann.store(secret("b", "value b").default_for("linear__*", "b")).await;
        let end = app.clock.now().plus(SECOND);
        let policy = Policy { expires_at: Some(end), ..Policy::default() };
        ann.vault.set_policy(&ann.caller, b.secret_id, policy, Vec::new()).await.unwrap();
        call("linear__x").inject(&ann, &within).await.unwrap();
        let used = ann.records(Action::SecretUsed).await.len();
        app.clock.advance(SECOND);
        let expired = call("linear__x").inject(&ann, &within).await;
        assert_eq!(problems(expired), [("secret_expired", "args.b".to_owned())]);
        assert_eq!(ann.records(Action::SecretUsed).await.len(), used);
        assert_eq!(ann.records(Action::UseRefused).await.len(), 3);
    }

    async fn a_policy_keeps_a_companion_from_sending_the_value_elsewhere(app: App) {
        let ann = user(&app).await;
        let info = ann.store(secret("s", "the value").default_for("http__*", "token")).await;
        let mut policy = Policy::default();
        policy.when.insert("base_url".into(), vec!["https://api.github.com/*".into()]);
        ann.vault.set_policy(&ann.caller, info.secret_id, policy, Vec::new()).await.unwrap();
        let here = call("http__get").args(r#"{"base_url":"https://api.github.com/x"}"#);
        assert_eq!(texts(&here.inject(&ann, &behind("http")).await.unwrap().values), ["the value"]);
        let elsewhere = call("http__get").args(r#"{"base_url":"https://evil.example/x"}"#);
        let refused = elsewhere.inject(&ann, &behind("http")).await;
        assert_eq!(problems(refused), [("secret_not_available", "args.token".to_owned())]);
        assert_eq!(ann.records(Action::SecretUsed).await.len(), 1);
    }

    async fn only_use_uses(app: App) {
        let ann = user(&app).await;
        ann.store(secret("s", "the value").default_for("linear__*", "k")).await;
        let other = ann.delegate(key("o", &[Scope::Manage, Scope::Resolve, Scope::Audit])).await;
        let tools = [tool("linear__x")];
        for refused in [
            other.vault.hidden_arguments(&other.caller, &tools, &ANYWHERE).await.err(),
            call("linear__x").inject(&other, &ANYWHERE).await.err(),
        ] {
            let missing = Denial::MissingScope(Scope::Use);
            assert!(matches!(refused, Some(Error::Denied(denial)) if denial == missing));
        }
        assert_eq!(ann.records(Action::AccessDenied).await.len(), 2);
        // A key with `use` cannot resolve.
        let agent = ann.delegate(key("a", &[Scope::Use])).await;
        call("linear__x").inject(&agent, &ANYWHERE).await.unwrap();
        assert!(matches!(agent.resolve("linear__x").await, Err(Error::Denied(_))));
    }

    async fn another_users_secrets_are_nowhere(app: App) {
        let (ann, bob) = (user(&app).await, app.person("bob").await);
        ann.store(secret("s", "anns value").default_for("linear__*", "k")).await;
        let mine = bob.store(secret("s", "bobs value").default_for("linear__*", "k")).await;
        let injected = call("linear__x").inject(&bob, &behind("linear")).await.unwrap();
        assert_eq!(texts(&injected.values), ["bobs value"]);
        bob.delete(mine.secret_id).await.unwrap();
        let injected = call("linear__x").inject(&bob, &behind("linear")).await.unwrap();
        assert!(injected.values.is_empty());
        assert!(bob.hidden("linear__x", &behind("linear")).await.is_empty());
    }

    async fn a_secret_that_is_not_as_it_was_stored_hides_and_injects_nothing(app: App) {
        let ann = user(&app).await;
        ann.store(secret("s", "the value").default_for("linear__*", "k")).await;
        let rows = Rows::of(&app).await;
        rows.run("UPDATE secrets SET argument = 'other'").await;
        rows.close().await;
        let app = app.reopen().await;
        let ann = app.sign_in(&ann.key).await;
        let tools = [tool("linear__x")];
        let hidden = app.vault.hidden_arguments(&ann.caller, &tools, &ANYWHERE).await;
        assert!(matches!(hidden, Err(Error::Integrity)));
        let injected = call("linear__x").inject(&ann, &ANYWHERE).await;
        assert!(matches!(injected, Err(Error::Integrity)));
        let credentials = ann.credentials("linear__", &[("k", "secret://s")]).await;
        assert!(matches!(credentials, Err(Error::Integrity)));
        assert_eq!(ann.records(Action::TamperingDetected).await.len(), 3);
        app.vault.close().await;
    }

    async fn no_value_leaves_whose_use_is_not_recorded(app: App) {
        let app = app.reopen_with(Settings::new(app.place.location.clone())).await;
        let ann = user(&app).await;
        ann.store(secret("s", "the value").default_for("linear__*", "k")).await;
        let rows = Rows::of(&app).await;
        rows.run("CREATE TABLE kept AS SELECT * FROM audit_head; DELETE FROM audit_head;").await;
        // On SQLite, uses are accepted by the journal until a group was not saved.
        ann.try_store(secret("other", "the value")).await.unwrap_err();
        let injected = call("linear__x").inject(&ann, &behind("linear")).await;
        assert!(matches!(injected, Err(Error::Unavailable(_))));
        let credentials = ann.credentials("linear__", &[("k", "secret://s")]).await;
        assert!(matches!(credentials, Err(Error::Unavailable(_))));
        rows.run("INSERT INTO audit_head SELECT * FROM kept; DROP TABLE kept;").await;
        rows.close().await;
        call("linear__x").inject(&ann, &behind("linear")).await.unwrap();
        app.vault.close().await;
    }
}

impl Actor {
    /// The value that resolving gives an argument.
    async fn token_of(&self, tool: &str, argument: &str) -> String {
        let completed = call(tool).accepts(&[argument]).resolve(self).await;
        completed.unwrap().text(argument).unwrap()
    }
}
