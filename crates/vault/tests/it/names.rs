//! Values in names that a caller chose: of tools and of arguments.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::json::Kind;
use toolvault_core::policy::Policy;
use toolvault_core::scope::Scope;
use toolvault_vault::{Consistency, RepeatedValue, Settings, ToolCall, Vault};

use crate::harness::app::root_key_of;
use crate::harness::entropy::SeededEntropy;
use crate::harness::gateway::{ANYWHERE, tool};
use crate::harness::{Actor, App, NewSecretExt as _, call, secret};

const VALUE: &str = "a value that is secret";

fn called(name: &str, arguments: Vec<(String, Kind)>) -> ToolCall {
    ToolCall {
        tool: tool(name),
        dropped: arguments.iter().map(|(name, _)| name.clone()).collect(),
        arguments,
        decision: Decision::Allowed,
        reason: None,
        duration: Duration::ZERO,
        span: tracing::Span::none(),
    }
}

/// The newest record of an action.
async fn newest(actor: &Actor, action: Action) -> Record {
    let mut records = actor.records(action).await;
    assert!(!records.is_empty(), "{action}");
    records.remove(0)
}

on_both! {
    async fn a_value_in_a_name_that_the_caller_chose_is_not_recorded(app: App) {
        let ann = app.person("ann").await;
        let stored = ann.store(secret("wide", VALUE).default_for("*", "k")).await;
        let limited = ann.limited(&[Scope::Resolve], &["github__*"]).await;
        let name = format!("linear__{VALUE}");
        call(&name).resolve(&ann).await.unwrap();
        call(&name).inject(&ann, &ANYWHERE).await.unwrap();
        let problems = call(&name).require(&[VALUE]).problems(&ann).await;
        assert_eq!(problems.len(), 1);
        assert!(limited.resolve(&name).await.is_err());
        let repeated = RepeatedValue {
            secret_id: stored.secret_id,
            secret_name: "wide".to_owned(),
            version: 1,
            is_canary: false,
        };
        ann.vault.record_repeated_values(&ann.caller, &tool(&name), &[repeated]).await.unwrap();
        // A name is cut only after the search, which finds no half of a value.
        let argument = format!("{}{VALUE}", "x".repeat(120));
        let call = called(&name, vec![(argument, Kind::Null)]);
        ann.vault.record_tool_calls([(ann.caller.clone(), call)]).await.unwrap();
        for action in [Action::SecretUsed, Action::UseRefused, Action::AccessDenied, Action::ValueRepeated, Action::ToolCalled] {
            let record = newest(&ann, action).await;
            assert_eq!(record.tool.as_deref(), Some("linear__[secret:wide]"), "{action}");
        }
        assert_eq!(ann.records(Action::SecretUsed).await.len(), 2);
        let refused = newest(&ann, Action::UseRefused).await;
        assert_eq!(refused.argument.as_deref(), Some("[secret:wide]"));
        let called = newest(&ann, Action::ToolCalled).await;
        let cut = format!("{}[secret:", "x".repeat(120));
        assert_eq!(called.arguments.unwrap(), [format!("{cut}:null")]);
        assert_eq!(called.dropped.unwrap(), [cut]);
    }

    async fn a_name_is_searched_again_after_a_secret_changed(app: App) {
        let ann = app.person("ann").await;
        ann.store(secret("wide", "another value").default_for("*", "k")).await;
        let name = format!("linear__{VALUE}");
        for _ in 0..2 {
            ann.resolve(&name).await.unwrap();
            assert_eq!(newest(&ann, Action::SecretUsed).await.tool.unwrap(), name);
        }
        let late = ann.store(secret("late", "not yet the value")).await;
        ann.set_value(late.secret_id, VALUE).await;
        ann.resolve(&name).await.unwrap();
        assert_eq!(newest(&ann, Action::SecretUsed).await.tool.unwrap(), "linear__[secret:late]");
    }

    // What is remembered of a value, and of what the secrets are bound to, ends with it.
    async fn a_name_is_searched_for_the_values_and_bindings_of_now(app: App) {
        let ann = app.person("ann").await;
        let long = "a-word-that-is-longer-than-any-name-of-a-tool-in-this-test";
        let stored = ann.store(secret("wide", long).default_for("*", "k")).await;
        let bound = ann.store(secret("bound", "another value").default_for("tool-of-ann", "k")).await;
        let name = "linear__tool-of-ann";
        ann.resolve(name).await.unwrap();
        for value in ["a-short-word", "tool-of-ann"] {
            ann.set_value(stored.secret_id, value).await;
            ann.resolve(&format!("x__{value}")).await.unwrap();
            assert_eq!(newest(&ann, Action::SecretUsed).await.tool.unwrap(), "x__[secret:wide]");
        }
        ann.resolve("tool-of-ann").await.unwrap();
        assert_eq!(newest(&ann, Action::SecretUsed).await.tool.unwrap(), "tool-of-ann");
        ann.delete(bound.secret_id).await.unwrap();
        ann.resolve("tool-of-ann").await.unwrap();
        assert_eq!(newest(&ann, Action::SecretUsed).await.tool.unwrap(), "[secret:wide]");
    }

    async fn a_name_that_holds_no_confidential_value_is_recorded_as_it_is(app: App) {
        let ann = app.person("ann").await;
        let bob = app.person("bob").await;
        bob.store(secret("foreign", VALUE)).await;
        let user = ann.store(secret("user", "linear-robot")).await;
        let policy = Policy { redact: false, ..Policy::default() };
        ann.vault.set_policy(&ann.caller, user.secret_id, policy, Vec::new()).await.unwrap();
        ann.store(secret("wide", "another value").default_for("*", "k")).await;
        for name in ["linear__linear-robot", "linear__create_issue", VALUE, "t"] {
            ann.resolve(name).await.unwrap();
            assert_eq!(newest(&ann, Action::SecretUsed).await.tool.unwrap(), name);
        }
    }

    // Otherwise the time of a second request would show whether a guess is one of the user's values.
    async fn a_name_is_searched_once_whether_it_holds_a_value_or_not(app: App) {
        app.vault.close().await;
        let entropy = Arc::new(SeededEntropy::new(u64::MAX));
        let (root_key, clock) = (root_key_of(&app.place), Arc::new(app.clock.clone()));
        // Each use reads the user from the database.
        let settings = Settings { consistency: Consistency::Strict, ..app.settings() };
        let opened = Vault::open(settings, &root_key, clock, Arc::<SeededEntropy>::clone(&entropy)).await.unwrap();
        let app = App { vault: opened.vault, ..app };
        let ann = app.person("ann").await;
        ann.store(secret("wide", VALUE).default_for("*", "k")).await;
        let name = format!("linear__{VALUE}");
        for (name, recorded) in [
            ("linear__another value", "linear__another value"),
            (&name, "linear__[secret:wide]"),
        ] {
            let before = entropy.searches.load(Ordering::Relaxed);
            for _ in 0..3 {
                ann.resolve(name).await.unwrap();
                assert_eq!(newest(&ann, Action::SecretUsed).await.tool.unwrap(), recorded);
            }
            assert_eq!(entropy.searches.load(Ordering::Relaxed) - before, 1, "{name}");
        }
    }

    async fn many_values_are_searched_in_parts(app: App) {
        let ann = app.person("ann").await;
        let large = |letter: &str| {
            let parts: Vec<_> = (0..5_000).map(|number| format!("{letter}{number:08}")).collect();
            serde_json::to_string(&parts).unwrap()
        };
        ann.store(secret("first", &large("a"))).await;
        ann.store(secret("second", &large("b"))).await;
        ann.store(secret("wide", "another value").default_for("*", "k")).await;
        for (name, recorded) in [
            ("x__a00001234", "x__[secret:first]"),
            ("x__b00001234", "x__[secret:second]"),
            // Where values of two parts overlap, what is left of one could remain.
            ("x__a00001234b00001234", "[withheld]"),
        ] {
            ann.resolve(name).await.unwrap();
            assert_eq!(newest(&ann, Action::SecretUsed).await.tool.unwrap(), recorded);
        }
    }
}
