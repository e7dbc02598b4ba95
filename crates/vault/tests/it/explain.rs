//! Explaining what resolving would do, and why.

use toolvault_core::policy::Policy;
use toolvault_core::scope::Scope;
use toolvault_vault::{Clock as _, Explanation, Within};

use crate::harness::app::key;
use crate::harness::{App, NewSecretExt as _, call, secret};

on_both! {
    async fn the_winner_is_named_with_the_reason(app: App) {
        let operator = app.operator().await;
        let wide = operator.store(secret("wide", "wide value").default_for("t*", "k")).await;
        let exact = operator.store(secret("exact", "exact value").default_for("tool", "k")).await;
        let told = call("tool").args(r#"{"x":1}"#).require(&["y"]).explain(&operator).await.unwrap();
        assert!(!told.would_succeed);
        let outcomes: Vec<_> = told.arguments.iter().map(|one| (one.arg.as_str(), one.outcome)).collect();
        assert_eq!(outcomes, [("k", "default"), ("x", "received"), ("y", "secret_missing")]);
        let argument = &told.arguments[0];
        assert_eq!(argument.winner, Some(exact.secret_id));
        assert!(!argument.tied);
        let candidates: Vec<_> = argument.candidates.iter()
            .map(|one| (one.secret_id, one.wins, one.why.as_str())).collect();
        assert_eq!(candidates, [
            (exact.secret_id, true, "it names the tool exactly"),
            (wide.secret_id, false, "another names the tool exactly"),
        ]);
    }

    async fn a_tie_is_told(app: App) {
        let operator = app.operator().await;
        operator.store(secret("a", "value").default_for("ab*", "k")).await;
        operator.store(secret("b", "value").default_for("*bc", "k")).await;
        let told = call("abc").explain(&operator).await.unwrap();
        assert!(told.would_succeed);
        assert!(told.arguments[0].tied);
    }

    async fn it_foretells_resolving(app: App) {
        let operator = app.operator().await;
        operator.store(secret("a", "value a").default_for("t*", "k")).await;
        operator.store(secret("b", "value b")).await;
        operator.store(secret("c", "value c")).await;
        operator.store(secret("c", "value c")).await;
        let calls = || [
            call("t1"),
            call("t1").args(r#"{"k":"mine"}"#),
            call("t1").binding("z", "secret://b"),
            call("t1").binding("z", "secret://c"),
            call("t1").binding("z", "secret://d"),
            call("u1").require(&["k"]),
            call("u1"),
        ];
        for (explained, resolved) in calls().into_iter().zip(calls()) {
            let told = explained.explain(&operator).await.unwrap();
            assert_eq!(told.would_succeed, resolved.resolve(&operator).await.is_ok());
        }
    }

    async fn without_manage_only_what_matches_the_tool_is_seen(app: App) {
        let operator = app.operator().await;
        operator.store(secret("match", "value").default_for("t", "k")).await;
        operator.store(secret("elsewhere", "value").default_for("other", "k")).await;
        operator.store(secret("off", "value").bound("t", "k")).await;
        operator.store(secret("upper", "value").default_for("T", "k")).await;
        let agent = app.sign_in(&app.agent_key).await;
        let runtime = operator.delegate(key("r", &[Scope::Resolve])).await;
        for limited in [agent, runtime] {
            let told = call("t").explain(&limited).await.unwrap();
            assert_eq!(told.arguments.len(), 1);
            let names: Vec<_> = told.arguments[0].candidates.iter().map(|one| one.secret_name.as_str()).collect();
            assert_eq!(names, ["match"]);
            assert_eq!(near(&told, "k"), [("off", "it is not a default")]);
        }
        let told = call("t").explain(&operator).await.unwrap();
        assert_eq!(told.arguments[0].candidates.len(), 1);
        assert_eq!(near(&told, "k"), [("off", "it is not a default"), ("upper", "the name of the tool differs in case")]);
        let auditor = operator.delegate(key("a", &[Scope::Audit])).await;
        assert!(call("t").explain(&auditor).await.is_err());
    }

    async fn near_misses_are_told_with_what_is_in_their_way(app: App) {
        let operator = app.operator().await;
        operator.store(secret("off", "value").bound("tool", "off")).await;
        operator.store(secret("upper", "value").default_for("TOOL*", "upper")).await;
        operator.store(secret("other", "value").default_for("tool", "api_key")).await;
        operator.store(secret("cased", "value").default_for("tool", "Token")).await;
        operator.store(secret("loose", "value").bound("tool", "x")).await;
        let told = call("tool").require(&["token"]).explain(&operator).await.unwrap();
        assert!(!told.would_succeed);
        assert_eq!(near(&told, "off"), [("off", "it is not a default")]);
        assert_eq!(near(&told, "upper"), [("upper", "the name of the tool differs in case")]);
        assert_eq!(near(&told, "token"), [
            ("other", "it is for another argument, 'api_key'"),
            ("cased", "its argument 'Token' differs in case"),
        ]);
        assert!(told.arguments.iter().all(|one| !one.near.iter().any(|near| near.secret_name == "elsewhere")));
    }

    async fn what_has_expired_or_is_outside_the_key_is_near(app: App) {
        let operator = app.operator().await;
        let old = operator.store(secret("old", "value").default_for("t*", "k")).await;
        let policy = Policy { expires_at: Some(app.clock.now()), ..Policy::default() };
        operator.vault.set_policy(&operator.caller, old.secret_id, policy, Vec::new()).await.unwrap();
        let told = call("tool").explain(&operator).await.unwrap();
        assert_eq!((told.would_succeed, told.arguments[0].outcome), (false, "secret_expired"));
        assert_eq!(near(&told, "k"), [("old", "it has expired")]);
        let limited = operator.limited(&[Scope::Resolve], &["tool"]).await;
        let told = call("tool").explain(&limited).await.unwrap();
        assert_eq!(told.arguments[0].outcome, "none");
        assert_eq!(near(&told, "k"), [("old", "its pattern lies outside the patterns of the key")]);
    }

    async fn behind_the_gateway_a_broad_pattern_is_near(app: App) {
        let operator = app.operator().await;
        for (name, pattern) in [("all", "*"), ("some", "issues_*"), ("ending", "*__get"), ("right", "issues__*")] {
            operator.store(secret(name, "value").default_for(pattern, name)).await;
        }
        let within = Within(Some("issues__".to_owned()));
        let mut asked = call("issues__get").build();
        asked.accepts = Some(["all", "some", "ending"].map(str::to_owned).into());
        let told = operator.vault.explain_injection(&operator.caller, asked, &within, "not declared").await.unwrap();
        let broad = "its pattern is too broad for the gateway: the text before the first * has to begin with 'issues__'";
        for name in ["all", "some", "ending"] {
            assert_eq!(near(&told, name), [(name, broad)]);
        }
        assert_eq!(near(&told, "right"), [("right", "not declared")]);
        assert!(told.arguments.iter().all(|one| one.outcome == "none"));
    }

    async fn a_reference_that_almost_names_a_secret_is_explained(app: App) {
        let operator = app.operator().await;
        operator.store(secret("Prod", "value")).await;
        operator.store(secret("mine", "value").bound("other", "k")).await;
        operator.store(secret("arg", "value").bound("tool", "j")).await;
        for (reference, name, why) in [
            ("secret://prod", "Prod", "its name differs in case"),
            ("secret://mine", "mine", "its pattern does not match the tool"),
            ("secret://arg", "arg", "it is for another argument, 'j'"),
        ] {
            let told = call("tool").binding("k", reference).explain(&operator).await.unwrap();
            assert_eq!(near(&told, "k"), [(name, why)], "{reference}");
        }
    }
}

fn near<'a>(told: &'a Explanation, argument: &str) -> Vec<(&'a str, &'a str)> {
    let found = told.arguments.iter().find(|one| one.arg == argument);
    let near = &found.unwrap_or_else(|| panic!("{argument}: {told:?}")).near;
    near.iter()
        .map(|near| (near.secret_name.as_str(), near.why.as_str()))
        .collect()
}
