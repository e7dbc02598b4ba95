//! Explaining what resolving would do, and why.

use toolvault_core::scope::Scope;

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
        let agent = app.sign_in(&app.agent_key).await;
        let runtime = operator.delegate(key("r", &[Scope::Resolve])).await;
        for limited in [agent, runtime] {
            let told = call("t").explain(&limited).await.unwrap();
            let names: Vec<_> = told.arguments[0].candidates.iter().map(|one| one.secret_name.as_str()).collect();
            assert_eq!(names, ["match"]);
        }
        let told = call("t").explain(&operator).await.unwrap();
        assert_eq!(told.arguments[0].candidates.len(), 3);
        let auditor = operator.delegate(key("a", &[Scope::Audit])).await;
        assert!(call("t").explain(&auditor).await.is_err());
    }
}
