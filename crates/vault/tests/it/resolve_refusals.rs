//! The refusals of resolving (contract, section 4, rules 6 to 8): nothing silent, nothing partial.

use toolvault_core::audit::record::Action;
use toolvault_core::policy::Policy;
use toolvault_core::scope::Scope;
use toolvault_vault::{Denial, Error};

use crate::harness::app::key;
use crate::harness::{App, NewSecretExt as _, SECOND, call, secret};

on_both! {
    async fn rule_6_a_reference_outside_its_binding_is_not_available(app: App) {
        let operator = app.operator().await;
        let bob = app.person("bob").await;
        let bound = operator.store(secret("s", "the value").bound("linear__*", "token")).await;
        let foreign = bob.store(secret("bobs", "bobs value")).await;
        let id = |id: toolvault_core::identity::SecretId| format!("secret:///id/{id}");
        let mut messages = Vec::new();
        for (tool, argument, reference) in [
            ("github__x", "token", "secret://s".to_owned()),
            ("linear__x", "other", "secret://s".to_owned()),
            ("linear__x", "token", "secret://unknown".to_owned()),
            ("linear__x", "token", "secret://bobs".to_owned()),
            ("linear__x", "token", id(foreign.secret_id)),
            ("github__x", "token", id(bound.secret_id)),
        ] {
            let problems = call(tool).binding(argument, &reference).problems(&operator).await;
            assert_eq!(problems.len(), 1);
            assert_eq!(problems[0].kind, "secret_not_available");
            assert_eq!(problems[0].location, ["bindings", argument]);
            let neutral = problems[0].message.replace(tool, "X").replace(argument, "A");
            messages.push(neutral);
        }
        messages.dedup();
        assert_eq!(messages, ["No usable secret for argument 'A' of tool 'X'. Run: toolvault explain 'X'"]);
    }

    async fn the_command_in_a_message_has_the_name_as_one_word_or_is_left_out(app: App) {
        let operator = app.operator().await;
        for (tool, command) in [
            ("x'; touch PWNED; '", r" Run: toolvault explain 'x'\''; touch PWNED; '\'''"),
            ("x\ny", ""),
            ("--url=https://evil.example", ""),
        ] {
            let problems = call(tool).binding("a", "secret://unknown").problems(&operator).await;
            let expected = format!("No usable secret for argument 'a' of tool '{tool}'.{command}");
            assert_eq!(problems[0].message, expected);
        }
    }

    async fn rule_6_several_of_a_name_are_ambiguous_unless_one_matches(app: App) {
        let operator = app.operator().await;
        operator.store(secret("s", "linear value").bound("linear__*", "k")).await;
        operator.store(secret("s", "github value").bound("github__*", "k")).await;
        call("linear__x").binding("k", "secret://s").resolve(&operator).await.unwrap();
        operator.store(secret("s", "loose value")).await;
        let problems = call("linear__x").binding("k", "secret://s").problems(&operator).await;
        assert_eq!(problems[0].kind, "secret_ambiguous");
        assert_eq!(problems[0].location, ["bindings", "k"]);
    }

    async fn rule_7_a_companion_that_does_not_match_makes_it_unavailable(app: App) {
        let operator = app.operator().await;
        let info = operator.store(secret("s", "the value").default_for("http", "api_token")).await;
        let mut policy = Policy::default();
        policy.when.insert("base_url".into(), vec!["https://api.github.com/*".into()]);
        operator.vault.set_policy(&operator.caller, info.secret_id, policy, Vec::new()).await.unwrap();
        for args in ["{}", r#"{"base_url":null}"#, r#"{"base_url":"https://api.github.com/x"}"#] {
            call("http").args(args).resolve(&operator).await.unwrap();
        }
        let elsewhere = r#"{"base_url":"https://evil.example/x"}"#;
        let problems = call("http").args(elsewhere).problems(&operator).await;
        assert_eq!(problems[0].kind, "secret_not_available");
        let bound = call("http").args(elsewhere).binding("api_token", "secret://s");
        assert_eq!(bound.problems(&operator).await[0].kind, "secret_not_available");
        // The companion argument may itself be completed by a secret.
        operator.store(secret("url", "https://evil.example/").default_for("http", "base_url")).await;
        assert_eq!(call("http").problems(&operator).await[0].kind, "secret_not_available");
    }

    async fn rule_8_an_expired_winner_is_not_replaced_by_the_next(app: App) {
        let operator = app.operator().await;
        operator.store(secret("wide", "wide value").default_for("*", "k")).await;
        let info = operator.store(secret("exact", "exact value").default_for("t", "k")).await;
        let now = toolvault_vault::Clock::now(&app.clock);
        let policy = Policy { expires_at: Some(now.plus(10 * SECOND)), ..Policy::default() };
        operator.vault.set_policy(&operator.caller, info.secret_id, policy, Vec::new()).await.unwrap();
        operator.resolve("t").await.unwrap();
        app.clock.advance(10 * SECOND);
        let problems = call("t").problems(&operator).await;
        assert_eq!((problems[0].kind, problems[0].location[0].as_str()), ("secret_expired", "args"));
        let problems = call("t").require(&["k"]).problems(&operator).await;
        assert_eq!((problems[0].kind, problems[0].location[0].as_str()), ("secret_expired", "require"));
        let problems = call("t").binding("k", "secret://exact").problems(&operator).await;
        assert_eq!((problems[0].kind, problems[0].location[0].as_str()), ("secret_expired", "bindings"));
        call("t").args(r#"{"k":"mine"}"#).resolve(&operator).await.unwrap();
    }

    async fn rule_8_what_is_required_must_be_there(app: App) {
        let operator = app.operator().await;
        let problems = call("t").args(r#"{"a":null}"#).require(&["a", "b"]).problems(&operator).await;
        let told: Vec<_> = problems.iter().map(|problem| (problem.kind, problem.location.join("."))).collect();
        assert_eq!(told, [("secret_missing", "require.a".into()), ("secret_missing", "require.b".into())]);
        call("t").args(r#"{"a":"","b":0}"#).require(&["a", "b"]).resolve(&operator).await.unwrap();
        operator.store(secret("a", "value a").default_for("t", "a")).await;
        let problems = call("t").require(&["a", "b"]).problems(&operator).await;
        assert_eq!(problems.len(), 1);
        // Nothing partial: applicable secrets were not applied either, and no use is recorded.
        assert!(operator.records(Action::SecretUsed).await.is_empty());
        assert_eq!(operator.records(Action::UseRefused).await.len(), 3);
    }

    async fn rule_8_a_tool_outside_the_keys_patterns_is_403(app: App) {
        let operator = app.operator().await;
        operator.store(secret("s", "the value").default_for("*", "k")).await;
        let limited = operator.limited(&[Scope::Resolve, Scope::Manage], &["linear__*", "github__get"]).await;
        for tool in ["github__set", "xlinear__", "Linear__x"] {
            let refused = limited.resolve(tool).await.err();
            assert!(matches!(refused, Some(Error::Denied(Denial::ToolOutOfReach(name))) if name == tool));
            let refused = call(tool).explain(&limited).await.err();
            assert!(matches!(refused, Some(Error::Denied(Denial::ToolOutOfReach(_)))));
        }
        let problems = call("github__get").binding("k", "secret://s").problems(&limited).await;
        assert_eq!(problems[0].kind, "secret_not_available");
    }

    async fn only_resolve_resolves(app: App) {
        let operator = app.operator().await;
        operator.store(secret("s", "the value").default_for("t", "k")).await;
        let agent = app.sign_in(&app.agent_key).await;
        let manager = operator.delegate(key("m", &[Scope::Manage, Scope::Audit, Scope::Admin])).await;
        for holder in [agent, manager] {
            let refused = holder.resolve("t").await.err();
            let missing = Denial::MissingScope(Scope::Resolve);
            assert!(matches!(refused, Some(Error::Denied(denial)) if denial == missing));
        }
        assert_eq!(operator.records(Action::AccessDenied).await.len(), 2);
    }
}
