//! The credentials of servers: which secrets references name, for whom, and when they count as changed.

use toolvault_core::audit::record::Action;
use toolvault_core::policy::Policy;
use toolvault_core::scope::Scope;
use toolvault_vault::{Clock as _, Denial, Error, SecretChange};

use crate::harness::app::key;
use crate::harness::gateway::{problems, texts, tool};
use crate::harness::{Actor, App, NewSecretExt as _, SECOND, secret};

const HEADER: &str = "headers.Authorization";
const TOKEN: [(&str, &str); 1] = [(HEADER, "secret://token")];

async fn set_policy(actor: &Actor, id: toolvault_core::identity::SecretId, policy: Policy) {
    actor
        .vault
        .set_policy(&actor.caller, id, policy, Vec::new())
        .await
        .unwrap();
}

on_both! {
    async fn references_are_opened_in_order_and_recorded(app: App) {
        let ann = app.person("ann").await;
        let token = ann.store(secret("token", "first value").bound("linear__*", HEADER)).await;
        ann.set_value(token.secret_id, "second value").await;
        let name = ann.store(secret("name", "ann")).await;
        set_policy(&ann, name.secret_id, Policy { redact: false, ..Policy::default() }).await;
        let by_id = format!("secret:///id/{}", token.secret_id);
        let wanted = [("env.NAME", "secret://name"), (HEADER, by_id.as_str()), (HEADER, "secret://name")];
        let given = ann.credentials("linear__", &wanted).await.unwrap();
        assert_eq!(texts(&given.values), ["ann", "second value", "ann"]);
        let told: Vec<_> = given.values.iter().map(|given| (given.secret_id, given.version, given.redact)).collect();
        assert_eq!(told, [(name.secret_id, 1, false), (token.secret_id, 2, true), (name.secret_id, 1, false)]);
        let records = ann.records(Action::SecretUsed).await;
        let mut told: Vec<_> = records.iter().map(|record| (record.argument.as_deref().unwrap(), record.secret_name.as_deref().unwrap())).collect();
        told.sort_unstable();
        assert_eq!(told, [("env.NAME", "name"), (HEADER, "name"), (HEADER, "token")]);
        assert!(records.iter().all(|record| record.tool.as_deref() == Some("linear__")));
        assert!(ann.credentials("linear__", &[]).await.unwrap().values.is_empty());
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }

    async fn a_secret_serves_only_the_server_and_argument_it_is_bound_to(app: App) {
        let (ann, bob) = (app.person("ann").await, app.person("bob").await);
        ann.store(secret("token", "the value").bound("linear__*", HEADER)).await;
        ann.store(secret("exact", "the value").bound("linear__", HEADER)).await;
        ann.store(secret("tool", "the value").bound("linear__get_*", HEADER)).await;
        let foreign = bob.store(secret("bobs", "bobs value")).await;
        let by_id = format!("secret:///id/{}", foreign.secret_id);
        ann.credentials("linear__", &[(HEADER, "secret://token"), (HEADER, "secret://exact")]).await.unwrap();
        for (server, argument, reference) in [
            ("github__", HEADER, "secret://token"),
            ("linear2__", HEADER, "secret://token"),
            ("linear__", "headers.authorization", "secret://token"),
            ("linear__", "env.TOKEN", "secret://token"),
            ("github__", HEADER, "secret://exact"),
            ("linear__", HEADER, "secret://tool"),
            ("linear__", HEADER, "secret://unknown"),
            ("linear__", HEADER, "secret://bobs"),
            ("linear__", HEADER, by_id.as_str()),
        ] {
            let refused = ann.credentials(server, &[(argument, reference)]).await;
            let Err(Error::Unresolved(problems)) = refused else { panic!("{server} {argument} {reference}") };
            assert_eq!(problems[0].kind, "secret_not_available");
            let expected = format!("No usable secret for argument '{argument}' of tool '{server}'. Run: toolvault explain '{server}'");
            assert_eq!(problems[0].message, expected);
        }
        assert_eq!(ann.records(Action::UseRefused).await.len(), 9);
    }

    async fn nothing_is_partial(app: App) {
        let ann = app.person("ann").await;
        ann.store(secret("token", "the value")).await;
        ann.store(secret("two", "value 1")).await;
        ann.store(secret("two", "value 2")).await;
        let refused = ann.credentials("linear__", &[(HEADER, "secret://token"), ("url", "secret://two"), ("env.A", "secret://none")]).await;
        assert_eq!(problems(refused), [("secret_ambiguous", "bindings.url".to_owned()), ("secret_not_available", "bindings.env.A".to_owned())]);
        assert!(ann.records(Action::SecretUsed).await.is_empty());
    }

    async fn an_expired_one_is_refused(app: App) {
        let ann = app.person("ann").await;
        let token = ann.store(secret("token", "the value")).await;
        let end = app.clock.now().plus(SECOND);
        set_policy(&ann, token.secret_id, Policy { expires_at: Some(end), ..Policy::default() }).await;
        let before = ann.credentials("linear__", &TOKEN).await.unwrap().stamp;
        assert_eq!(ann.stamp("linear__", &TOKEN).await, before);
        app.clock.advance(SECOND);
        assert_ne!(ann.stamp("linear__", &TOKEN).await, before);
        let refused = ann.credentials("linear__", &TOKEN).await;
        assert_eq!(problems(refused), [("secret_expired", format!("bindings.{HEADER}"))]);
    }

    async fn when_looks_at_each_value_that_is_wanted_with_it(app: App) {
        let ann = app.person("ann").await;
        let token = ann.store(secret("token", "the value")).await;
        ann.store(secret("eu", "region-eu")).await;
        ann.store(secret("us", "region-us")).await;
        let mut policy = Policy::default();
        policy.when.insert("env.REGION".into(), vec!["region-eu".into()]);
        set_policy(&ann, token.secret_id, policy).await;
        ann.credentials("linear__", &TOKEN).await.unwrap();
        let [token] = TOKEN;
        let (eu, us) = (("env.REGION", "secret://eu"), ("env.REGION", "secret://us"));
        ann.credentials("linear__", &[token, eu]).await.unwrap();
        let used = ann.records(Action::SecretUsed).await.len();
        for wanted in [vec![token, us], vec![us, token], vec![token, us, eu], vec![us, eu, token]] {
            let refused = ann.credentials("linear__", &wanted).await;
            assert_eq!(problems(refused), [("secret_not_available", format!("bindings.{HEADER}"))]);
        }
        assert_eq!(ann.records(Action::SecretUsed).await.len(), used);
    }

    async fn a_stamp_changes_with_the_value_the_policy_the_binding_and_the_end(app: App) {
        let ann = app.person("ann").await;
        let none = ann.stamp("linear__", &TOKEN).await;
        assert_eq!(ann.stamp("linear__", &TOKEN).await, none);
        let token = ann.store(secret("token", "the value").bound("linear__*", HEADER)).await;
        let (mut seen, mut given) = (vec![none.clone()], 0);
        macro_rules! is_new {
            () => {
                let stamp = ann.stamp("linear__", &TOKEN).await;
                assert!(!seen.contains(&stamp), "{stamp:?} in {seen:?}");
                assert_eq!(ann.stamp("linear__", &TOKEN).await, stamp);
                if let Ok(credentials) = ann.credentials("linear__", &TOKEN).await {
                    assert_eq!(credentials.stamp, stamp);
                    given += 1;
                }
                seen.push(stamp);
            };
        }
        is_new!();
        ann.set_value(token.secret_id, "second value").await;
        is_new!();
        set_policy(&ann, token.secret_id, Policy { redact: false, ..Policy::default() }).await;
        is_new!();
        ann.vault.restore_version(&ann.caller, token.secret_id, 1).await.unwrap();
        is_new!();
        let rename = SecretChange { name: Some("other".into()), ..SecretChange::default() };
        ann.change(token.secret_id, rename).await.unwrap();
        assert_eq!(ann.stamp("linear__", &TOKEN).await, none);
        let back = SecretChange { name: Some("token".into()), ..SecretChange::default() };
        ann.change(token.secret_id, back).await.unwrap();
        is_new!();
        let second = ann.store(secret("token", "another value")).await;
        is_new!();
        ann.delete(token.secret_id).await.unwrap();
        is_new!();
        ann.delete(second.secret_id).await.unwrap();
        assert_eq!(ann.stamp("linear__", &TOKEN).await, none);
        assert_eq!(given, 6);
        // Other secrets and other users do not affect it.
        ann.store(secret("x", "the value")).await;
        app.person("bob").await.store(secret("token", "bobs value")).await;
        assert_eq!(ann.stamp("linear__", &TOKEN).await, none);
        // Only the credentials themselves are recorded: they were refused once, when two had the name.
        assert_eq!(ann.records(Action::UseRefused).await.len(), 1);
    }

    async fn a_limited_key_may_use_a_server_some_of_whose_tools_it_reaches(app: App) {
        let ann = app.person("ann").await;
        ann.store(secret("token", "the value")).await;
        for patterns in [["linear__get_*"], ["linear__*"], ["*"], ["lin*"], ["*_issue"], ["linear__get"]] {
            let limited = ann.limited(&[Scope::Use], &patterns).await;
            let given = limited.credentials("linear__", &TOKEN).await.unwrap();
            assert_eq!(texts(&given.values), ["the value"]);
            assert_eq!(limited.stamp("linear__", &TOKEN).await, given.stamp);
        }
        let mut refusals = 0;
        for patterns in [["github__*"], ["linear_get"], ["linear2__*"], ["linear_"], ["Linear__*"]] {
            let limited = ann.limited(&[Scope::Use], &patterns).await;
            let refused = limited.credentials("linear__", &TOKEN).await.err();
            assert!(matches!(refused, Some(Error::Denied(Denial::ToolOutOfReach(name))) if name == "linear__"));
            let wanted = [];
            let refused = limited.vault.credential_stamp(&limited.caller, &tool("linear__"), &wanted).await.err();
            assert!(matches!(refused, Some(Error::Denied(Denial::ToolOutOfReach(_)))));
            refusals += 2;
        }
        assert_eq!(ann.records(Action::AccessDenied).await.len(), refusals);
    }

    async fn a_limited_key_cannot_put_another_secret_in_its_place(app: App) {
        let ann = app.person("ann").await;
        ann.store(secret("token", "the value").bound("linear__*", HEADER)).await;
        let narrow = ann.limited(&[Scope::Manage, Scope::Use], &["linear__get_*"]).await;
        narrow.store(secret("token", "planted value").bound("linear__get_*", HEADER)).await;
        assert!(narrow.try_store(secret("token", "planted value")).await.is_err());
        assert!(narrow.try_store(secret("token", "planted value").bound("linear__*", HEADER)).await.is_err());
        let given = narrow.credentials("linear__", &TOKEN).await.unwrap();
        assert_eq!(texts(&given.values), ["the value"]);
        // A key over the whole server stops the server rather than turning it.
        let whole = ann.limited(&[Scope::Manage, Scope::Use], &["linear__*"]).await;
        whole.store(secret("token", "planted value").bound("linear__*", HEADER)).await;
        assert_eq!(problems(whole.credentials("linear__", &TOKEN).await)[0].0, "secret_ambiguous");
    }

    async fn only_use_is_handed_credentials(app: App) {
        let ann = app.person("ann").await;
        ann.store(secret("token", "the value")).await;
        let other = ann.delegate(key("o", &[Scope::Manage, Scope::Resolve, Scope::Audit])).await;
        let missing = Denial::MissingScope(Scope::Use);
        let refused = other.credentials("linear__", &TOKEN).await.err();
        assert!(matches!(refused, Some(Error::Denied(denial)) if denial == missing));
        let refused = other.vault.credential_stamp(&other.caller, &tool("linear__"), &[]).await.err();
        assert!(matches!(refused, Some(Error::Denied(denial)) if denial == missing));
    }

    async fn what_a_key_reaches_of_a_server(app: App) {
        let ann = app.person("ann").await;
        assert!(ann.caller.reaches_all_of("linear__") && ann.caller.reaches_some_of("linear__"));
        for (patterns, all, some, one) in [
            (&["linear__*"][..], true, true, true),
            (&["*"], true, true, true),
            (&["l*", "github__*"], true, true, true),
            (&["linear__g*", "linear__s*"], false, true, true),
            (&["linear__set"], false, true, false),
            (&["*get"], false, true, true),
            (&["github__*"], false, false, false),
        ] {
            let limited = ann.limited(&[Scope::Use], patterns).await;
            let (caller, get) = (&limited.caller, tool("linear__get"));
            let reached = (caller.reaches_all_of("linear__"), caller.reaches_some_of("linear__"), caller.reaches_tool(&get));
            assert_eq!(reached, (all, some, one), "{patterns:?}");
        }
    }
}
