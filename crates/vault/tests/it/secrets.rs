//! Secrets: store, show without the value, list, delete.

use toolvault_core::confidential::Confidential;
use toolvault_core::identity::SecretId;
use toolvault_core::scope::Scope;
use toolvault_vault::{Denial, Error, ListFilter, SecretChange};
use uuid::Uuid;

use crate::harness::app::key;
use crate::harness::rows::Rows;
use crate::harness::{Actor, App, NewSecretExt as _, secret};

/// A value that cannot be guessed.
const STRONG: &str = "lin_api_8fK2mQ9xWz4Lr7TpNc3Yh";

fn listing() -> ListFilter {
    ListFilter {
        limit: 1_000,
        ..ListFilter::default()
    }
}

async fn names(actor: &Actor, filter: &ListFilter) -> (Vec<String>, usize) {
    let list = actor
        .vault
        .list_secrets(&actor.caller, filter)
        .await
        .unwrap();
    let names = list.secrets.into_iter().map(|secret| secret.secret_name);
    (names.collect(), list.total)
}

on_both! {
    async fn what_is_stored_is_told_without_its_value(app: App) {
        let operator = app.operator().await;
        let new = secret("linear", "lin_api_0123456789abcdef").default_for("agno__linear__*", "api_token");
        let info = operator.store(new).await;
        assert_eq!(info.user_id, app.user);
        assert_eq!(info.secret_name, "linear");
        assert_eq!(info.display.as_deref(), Some("lin********cdef"));
        assert_eq!(info.tool_name.as_deref(), Some("agno__linear__*"));
        assert_eq!(info.tool_arg.as_deref(), Some("api_token"));
        assert!(info.is_default_for_tool);
        assert_eq!(info.created_at, info.updated_at);
        let found = operator.vault.get_secret(&operator.caller, info.secret_id).await.unwrap();
        assert_eq!(found, info);
    }

    async fn the_list_is_oldest_first_and_paged(app: App) {
        let operator = app.operator().await;
        for number in 0..7 {
            operator.store(secret(&format!("s{number}"), "value")).await;
        }
        let page = ListFilter { limit: 3, offset: 2, ..ListFilter::default() };
        assert_eq!(names(&operator, &page).await, (vec!["s2".into(), "s3".into(), "s4".into()], 7));
        let beyond = ListFilter { limit: 3, offset: 7, ..ListFilter::default() };
        assert_eq!(names(&operator, &beyond).await, (vec![], 7));
    }

    async fn filters_keep_exact_names_matching_patterns_and_parts_of_names(app: App) {
        let operator = app.operator().await;
        operator.store(secret("prod", "value").bound("linear__*", "token")).await;
        operator.store(secret("prod2", "value").bound("github__*", "token")).await;
        operator.store(secret("Prod", "value")).await;
        let by_name = ListFilter { name: Some("prod".into()), ..listing() };
        assert_eq!(names(&operator, &by_name).await, (vec!["prod".into()], 1));
        let by_tool = ListFilter { tool: Some("github__get".into()), ..listing() };
        assert_eq!(names(&operator, &by_tool).await, (vec!["prod2".into()], 1));
        let by_part = ListFilter { query: Some("rod".into()), ..listing() };
        assert_eq!(names(&operator, &by_part).await.1, 3);
        let no_tool = ListFilter { tool: Some("*".into()), ..listing() };
        assert_eq!(names(&operator, &no_tool).await.1, 0);
    }

    async fn an_unknown_secret_and_a_foreign_one_are_equally_not_found(app: App) {
        let (alice, bob) = (app.person("alice").await, app.person("bob").await);
        let id = alice.store(secret("a", "value")).await.secret_id;
        for id in [id, SecretId(Uuid::from_u128(7))] {
            let got = bob.vault.get_secret(&bob.caller, id).await;
            assert!(matches!(got, Err(Error::NotFound)));
            assert!(matches!(bob.delete(id).await, Err(Error::NotFound)));
            let changed = bob.change(id, toolvault_vault::SecretChange::default()).await;
            assert!(matches!(changed, Err(Error::NotFound)));
        }
        assert!(bob.list().await.is_empty());
        assert_eq!(alice.list().await.len(), 1);
    }

    async fn only_manage_manages(app: App) {
        let operator = app.operator().await;
        let id = operator.store(secret("a", "value")).await.secret_id;
        for scope in [Scope::Resolve, Scope::Audit, Scope::Admin] {
            let holder = operator.delegate(key("other", &[scope])).await;
            let missing = Denial::MissingScope(Scope::Manage);
            let refused = [
                holder.try_store(secret("b", "value")).await.err(),
                holder.vault.get_secret(&holder.caller, id).await.err(),
                holder.vault.list_secrets(&holder.caller, &listing()).await.err(),
                holder.delete(id).await.err(),
                holder.change(id, toolvault_vault::SecretChange::default()).await.err(),
                holder.vault.usage(&holder.caller).await.err(),
                holder.vault.list_versions(&holder.caller, id).await.err(),
                holder.vault.get_policy(&holder.caller, id).await.err(),
            ];
            for error in refused {
                assert!(matches!(error, Some(Error::Denied(denial)) if denial == missing), "{scope}");
            }
        }
        assert_eq!(operator.list().await.len(), 1);
    }

    async fn a_limited_key_reaches_what_lies_inside_its_patterns(app: App) {
        let operator = app.operator().await;
        let inside = operator.store(secret("in", "value").bound("linear__get_*", "t")).await;
        let wider = operator.store(secret("wide", "value").bound("lin*", "t")).await;
        let unbound = operator.store(secret("loose", "value")).await;
        let limited = operator.limited(&[Scope::Manage], &["linear__*"]).await;
        assert_eq!(limited.list().await, std::slice::from_ref(&inside));
        for hidden in [wider.secret_id, unbound.secret_id] {
            let got = limited.vault.get_secret(&limited.caller, hidden).await;
            assert!(matches!(got, Err(Error::NotFound)));
            assert!(matches!(limited.delete(hidden).await, Err(Error::NotFound)));
        }
        let outside = limited.try_store(secret("x", "value").bound("github__*", "t")).await;
        assert!(matches!(outside, Err(Error::Denied(Denial::ToolOutOfReach(_)))));
        let loose = limited.try_store(secret("x", "value")).await;
        assert!(matches!(loose, Err(Error::Denied(Denial::UnboundOutOfReach))));
        limited.delete(inside.secret_id).await.unwrap();
    }

    async fn what_is_erased_is_gone_with_all_its_versions(app: App) {
        let operator = app.operator().await;
        let id = operator.store(secret("a", "first value")).await.secret_id;
        operator.set_value(id, "second value").await;
        operator.delete(id).await.unwrap();
        assert!(matches!(operator.delete(id).await, Err(Error::NotFound)));
        let rows = Rows::of(&app).await;
        assert_eq!(rows.number("SELECT COUNT(*) FROM secrets").await, 0);
        assert_eq!(rows.number("SELECT COUNT(*) FROM secret_versions").await, 0);
        rows.close().await;
        let usage = operator.vault.usage(&operator.caller).await.unwrap();
        assert_eq!((usage.secrets, usage.bytes), (0, 0));
    }

    async fn a_surprising_secret_is_stored_with_a_warning(app: App) {
        let operator = app.operator().await;
        let warned = async |new| operator.try_store(new).await.unwrap().warnings;
        let short = warned(secret("a", "1234567").default_for("t*", "k")).await;
        assert_eq!(short, ["a default of fewer than 8 characters cannot be redacted"]);
        let shadowing = warned(secret("b", STRONG).default_for("tool", "k")).await;
        assert_eq!(shadowing, ["this default takes precedence over another one"]);
        let quiet = warned(secret("c", STRONG).default_for("tool", "other")).await;
        assert!(quiet.is_empty());
        let guessable = warned(secret("d", "Password123!").default_for("d", "k")).await;
        let [guessable] = guessable.as_slice() else { panic!("{guessable:?}") };
        assert!(guessable.contains("2^50"));
        let namesake = warned(secret("c", STRONG).bound("e", "k")).await;
        let [namesake] = namesake.as_slice() else { panic!("{namesake:?}") };
        assert!(namesake.contains("another secret has this name"));
        let mut without_argument = secret("f", STRONG).bound("f", "k");
        without_argument.argument = None;
        for loose in [secret("g", STRONG), without_argument] {
            let loose = warned(loose).await;
            let [loose] = loose.as_slice() else { panic!("{loose:?}") };
            assert!(loose.contains("only if a reference names it"));
        }
        assert!(warned(secret("h", STRONG).default_for("h*", "/params/key")).await.is_empty());
        assert!(warned(secret("i", STRONG).default_for("h1", "other")).await.is_empty());
        let holder = warned(secret("j", STRONG).default_for("h1", "params")).await;
        let [holder] = holder.as_slice() else { panic!("{holder:?}") };
        assert!(holder.contains("the pointer wins"));
    }

    async fn a_new_value_and_a_new_name_are_judged_too(app: App) {
        let operator = app.operator().await;
        operator.store(secret("taken", STRONG).bound("t", "k")).await;
        let id = operator.store(secret("a", STRONG).bound("t", "k")).await.secret_id;
        let value = Some(Confidential::from("Password123!"));
        let change = SecretChange { value, ..SecretChange::default() };
        let answer = operator.change(id, change).await.unwrap();
        assert!(answer.warnings[0].contains("2^50"), "{:?}", answer.warnings);
        let change = SecretChange { name: Some("taken".into()), ..SecretChange::default() };
        let answer = operator.change(id, change).await.unwrap();
        assert!(answer.warnings[0].contains("another secret has this name"));
    }

    async fn a_warning_tells_nothing_of_what_the_key_cannot_reach(app: App) {
        let operator = app.operator().await;
        operator.store(secret("hidden", STRONG).default_for("slack__*", "k")).await;
        let limited = operator.limited(&[Scope::Manage], &["github__*"]).await;
        let stored = limited.try_store(secret("hidden", STRONG).bound("github__*", "k")).await.unwrap();
        assert!(stored.warnings.is_empty(), "{:?}", stored.warnings);
    }

    async fn usage_is_told_in_whole_kibibytes(app: App) {
        let operator = app.operator().await;
        let usage = operator.vault.usage(&operator.caller).await.unwrap();
        assert_eq!((usage.secrets, usage.bytes), (0, 0));
        operator.store(secret("a", "1234")).await;
        operator.store(secret("b", &"x".repeat(1_021))).await;
        let usage = operator.vault.usage(&operator.caller).await.unwrap();
        assert_eq!((usage.secrets, usage.bytes), (2, 2_048));
        assert_eq!((usage.secrets_limit, usage.bytes_limit), (10_000, 1 << 20));
    }
}
