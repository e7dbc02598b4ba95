//! The rules of resolving (contract, section 4), in order. Refusals are in `resolve_refusals`.

use toolvault_core::audit::record::Action;
use toolvault_core::scope::Scope;
use toolvault_vault::{Field, SecretChange, Source};

use crate::harness::actor::pattern;
use crate::harness::{Answered, App, NewSecretExt as _, call, secret};

on_both! {
    async fn rule_1_arguments_are_data_and_keep_their_spelling(app: App) {
        let operator = app.operator().await;
        operator.store(secret("s", "the value")).await;
        let args = r#"{"a":"secret://s","b":1.0,"c":1e400,"d":123456789012345678901234567890,"e":[1, 2 ],"f":"\u0041"}"#;
        let completed = call("t").args(args).resolve(&operator).await.unwrap();
        assert_eq!(completed.json(), args);
        assert!(completed.applied.is_empty());
    }

    async fn rule_2_a_binding_may_name_a_secret_that_is_no_default(app: App) {
        let operator = app.operator().await;
        let info = operator.store(secret("my key", "the value").bound("t*", "k")).await;
        for reference in ["secret://my%20key".to_owned(), format!("secret:///id/{}", info.secret_id)] {
            let completed = call("tool").binding("k", &reference).resolve(&operator).await.unwrap();
            assert_eq!(completed.text("k").unwrap(), "the value");
            assert_eq!(completed.applied[0].source, Source::Binding);
            assert_eq!(completed.applied[0].secret_id, info.secret_id);
        }
    }

    async fn rule_3_what_was_received_wins_over_a_default_and_a_binding_over_both(app: App) {
        let operator = app.operator().await;
        operator.store(secret("default", "default value").default_for("t", "k")).await;
        operator.store(secret("bound", "bound value")).await;
        for (args, expected) in [
            ("{}", "default value"),
            (r#"{"k":null}"#, "default value"),
            (r#"{"k":""}"#, ""),
            (r#"{"k":"mine"}"#, "mine"),
        ] {
            let completed = call("t").args(args).resolve(&operator).await.unwrap();
            assert_eq!(completed.text("k").unwrap(), expected);
            let bound = call("t").args(args).binding("k", "secret://bound").resolve(&operator).await.unwrap();
            assert_eq!(bound.text("k").unwrap(), "bound value");
        }
        let other = call("t").args(r#"{"k":false}"#).resolve(&operator).await.unwrap();
        assert_eq!(other.json(), r#"{"k":false}"#);
    }

    async fn rule_4_only_a_default_with_tool_and_argument_applies_by_itself(app: App) {
        let operator = app.operator().await;
        for (tool, argument, is_default) in [
            (Some("t*"), Some("a"), false),
            (Some("t*"), None, true),
            (None, Some("c"), true),
            (None, None, true),
            (Some("other*"), Some("d"), true),
            (Some("T*"), Some("e"), true),
        ] {
            let mut new = secret("s", "the value");
            new.tool = tool.map(pattern);
            new.argument = argument.map(str::to_owned);
            new.is_default = is_default;
            operator.store(new).await;
        }
        assert_eq!(operator.resolve("tool").await.unwrap().json(), "{}");
        operator.store(secret("s", "the value").default_for("t*", "f")).await;
        assert_eq!(operator.resolve("tool").await.unwrap().json(), r#"{"f":"the value"}"#);
    }

    async fn rule_4_accepts_keeps_defaults_from_other_arguments(app: App) {
        let operator = app.operator().await;
        operator.store(secret("a", "value a").default_for("t", "a")).await;
        operator.store(secret("b", "value b").default_for("t", "b")).await;
        let some = call("t").accepts(&["b", "c"]).resolve(&operator).await.unwrap();
        assert_eq!(some.json(), r#"{"b":"value b"}"#);
        let none = call("t").accepts(&[]).resolve(&operator).await.unwrap();
        assert_eq!(none.json(), "{}");
        let bound = call("t").accepts(&[]).binding("a", "secret://a").resolve(&operator).await.unwrap();
        assert_eq!(bound.json(), r#"{"a":"value a"}"#);
    }

    async fn rule_5_exact_then_literal_then_latest_change_wins(app: App) {
        let operator = app.operator().await;
        let wide = operator.store(secret("wide", "wide value").default_for("tool*", "api_token")).await;
        assert_eq!(operator.token("tool_a").await, "wide value");
        let longer = operator.store(secret("longer", "longer value").default_for("*ool_a", "api_token")).await;
        assert_eq!(operator.token("tool_a").await, "longer value");
        let exact = operator.store(secret("exact", "exact value").default_for("tool_a", "api_token")).await;
        assert_eq!(operator.token("tool_a").await, "exact value");
        operator.set_value(wide.secret_id, "wide again").await;
        operator.set_value(longer.secret_id, "longer again").await;
        assert_eq!(operator.token("tool_a").await, "exact value");
        operator.delete(exact.secret_id).await.unwrap();
        assert_eq!(operator.token("tool_a").await, "longer again");
        let tie = operator.store(secret("tie", "tie value").default_for("tool_*", "api_token")).await;
        assert_eq!(operator.token("tool_b").await, "tie value");
        operator.delete(longer.secret_id).await.unwrap();
        operator.store(secret("tie", "later value").default_for("too*_b", "api_token")).await;
        operator.delete(tie.secret_id).await.unwrap();
        assert_eq!(operator.token("tool_b").await, "later value");
    }

    async fn rule_5_a_new_name_does_not_change_who_wins(app: App) {
        let operator = app.operator().await;
        let first = operator.store(secret("first", "first value").default_for("ab*", "api_token")).await;
        let second = operator.store(secret("second", "second value").default_for("*bc", "api_token")).await;
        assert_eq!(operator.token("abc").await, "second value");
        let rename = SecretChange { name: Some("renamed".into()), ..SecretChange::default() };
        operator.change(first.secret_id, rename).await.unwrap();
        assert_eq!(operator.token("abc").await, "second value");
        for change in [
            SecretChange { value: Some("value 1.1".into()), ..SecretChange::default() },
            SecretChange { tool: Field::Set(pattern("a*c")), ..SecretChange::default() },
        ] {
            operator.change(first.secret_id, change).await.unwrap();
            assert_eq!(operator.token("abc").await, "value 1.1");
        }
        let off = SecretChange { is_default: Some(false), ..SecretChange::default() };
        let on = SecretChange { is_default: Some(true), ..SecretChange::default() };
        operator.change(second.secret_id, off).await.unwrap();
        operator.change(second.secret_id, on).await.unwrap();
        assert_eq!(operator.token("abc").await, "second value");
    }

    async fn rule_6_a_secret_with_neither_binding_is_usable_by_reference_only(app: App) {
        let operator = app.operator().await;
        let mut loose = secret("loose", "the value");
        loose.is_default = true;
        operator.store(loose).await;
        assert_eq!(operator.resolve("t").await.unwrap().json(), "{}");
        let bound = call("t").binding("any", "secret://loose").resolve(&operator).await.unwrap();
        assert_eq!(bound.json(), r#"{"any":"the value"}"#);
    }

    async fn rule_9_each_use_is_recorded_before_its_value_is_out(app: App) {
        let operator = app.operator().await;
        let info = operator.store(secret("s", "the value").default_for("t*", "k")).await;
        let caller = operator.caller.clone().with_request_id("req-1".into());
        let completed = operator.vault.resolve(&caller, vec![call("tool").build()]).await.unwrap();
        assert!(completed[0].is_ok());
        let records = operator.records(Action::SecretUsed).await;
        assert_eq!(records.len(), 1);
        let record = &records[0];
        assert_eq!(record.secret_id, Some(info.secret_id));
        assert_eq!(record.secret_name.as_deref(), Some("s"));
        assert_eq!(record.version, Some(1));
        assert_eq!(record.tool.as_deref(), Some("tool"));
        assert_eq!(record.argument.as_deref(), Some("k"));
        assert_eq!(record.request_id.as_deref(), Some("req-1"));
        assert_eq!(record.actor, operator.caller.actor().to_string());
        assert_eq!(record.user_id, Some(app.user));
    }

    async fn rule_9_each_value_has_a_record_of_its_own_wherever_it_came_from(app: App) {
        let operator = app.operator().await;
        let default = operator.store(secret("default", "the value").default_for("t*", "d")).await;
        let named = operator.store(secret("named", "the value")).await;
        let by_id = operator.store(secret("by id", "the value").bound("t1", "i")).await;
        operator.set_value(by_id.secret_id, "second value").await;
        let reference = format!("secret:///id/{}", by_id.secret_id);
        let calls = vec![
            call("t1").binding("n", "secret://named").binding("i", &reference).build(),
            call("t2").binding("d", "secret://named").build(),
            call("t3").args(r#"{"d":"mine"}"#).build(),
        ];
        let answers = operator.vault.resolve(&operator.caller, calls).await.unwrap();
        let mut applied = Vec::new();
        for completed in answers.into_iter().map(Result::unwrap) {
            let tool = completed.tool.as_str().to_owned();
            applied.extend(completed.applied.into_iter().map(|one| (tool.clone(), one.arg, one.secret_id, one.version)));
        }
        let mut recorded: Vec<_> = operator.records(Action::SecretUsed).await.into_iter()
            .map(|record| (record.tool.unwrap(), record.argument.unwrap(), record.secret_id.unwrap(), record.version.unwrap()))
            .collect();
        applied.sort();
        recorded.sort();
        assert_eq!(recorded, applied);
        let mut used: Vec<_> = applied.iter().map(|(tool, argument, id, version)| (tool.as_str(), argument.as_str(), *id, *version)).collect();
        used.sort_unstable();
        let mut expected = vec![
            ("t1", "d", default.secret_id, 1),
            ("t1", "i", by_id.secret_id, 2),
            ("t1", "n", named.secret_id, 1),
            ("t2", "d", named.secret_id, 1),
        ];
        expected.sort_unstable();
        assert_eq!(used, expected);
    }

    async fn calls_in_one_request_stand_alone(app: App) {
        let operator = app.operator().await;
        operator.store(secret("s", "the value").default_for("t1", "k")).await;
        let calls = vec![
            call("t1").build(),
            call("t2").require(&["k"]).build(),
            call("t3").args(r#"{"x":1}"#).build(),
        ];
        let answers = operator.vault.resolve(&operator.caller, calls).await.unwrap();
        let told: Vec<_> = answers.iter().map(|answer| answer.as_ref().ok().map(Answered::json)).collect();
        assert_eq!(told, [Some(r#"{"k":"the value"}"#.into()), None, Some(r#"{"x":1}"#.into())]);
        assert_eq!(operator.records(Action::UseRefused).await.len(), 1);
    }

    async fn a_limited_key_receives_what_lies_inside_its_patterns(app: App) {
        let operator = app.operator().await;
        operator.store(secret("wide", "wide value").default_for("*", "api_token")).await;
        operator.store(secret("loose", "loose value")).await;
        let limited = operator.limited(&[Scope::Resolve], &["linear__*"]).await;
        assert_eq!(limited.resolve("linear__get").await.unwrap().json(), "{}");
        operator.store(secret("in", "inner value").default_for("linear__*", "api_token")).await;
        assert_eq!(limited.token("linear__get").await, "inner value");
    }
}
