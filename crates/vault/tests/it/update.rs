//! Changing a secret: field by field; an equal value is not a change; times strictly increase.

use toolvault_core::confidential::Confidential;
use toolvault_core::scope::Scope;
use toolvault_vault::{Denial, Error, Field, SecretChange, SecretInfo};

use crate::harness::actor::pattern;
use crate::harness::rows::Rows;
use crate::harness::{Actor, App, NewSecretExt as _, secret};

type Edit = fn(&mut SecretInfo);

fn nothing() -> SecretChange {
    SecretChange::default()
}

async fn stored(operator: &Actor) -> SecretInfo {
    let new = secret("name", "lin_api_0123456789abcdef").default_for("tool*", "arg");
    operator.store(new).await
}

on_both! {
    async fn each_field_changes_alone(app: App) {
        let operator = app.operator().await;
        let mut expected = stored(&operator).await;
        let id = expected.secret_id;
        let changes: [(SecretChange, Edit); 7] = [
            (SecretChange { name: Some("other".into()), ..nothing() },
                |info| info.secret_name = "other".into()),
            (SecretChange { value: Some(Confidential::from("0123456789abcdef")), ..nothing() },
                |info| info.display = Some("01********ef".into())),
            (SecretChange { tool: Field::Set(pattern("x__*")), ..nothing() },
                |info| info.tool_name = Some("x__*".into())),
            (SecretChange { argument: Field::Set("key".into()), ..nothing() },
                |info| info.tool_arg = Some("key".into())),
            (SecretChange { is_default: Some(false), ..nothing() },
                |info| info.is_default_for_tool = false),
            (SecretChange { tool: Field::Clear, ..nothing() }, |info| info.tool_name = None),
            (SecretChange { argument: Field::Clear, ..nothing() }, |info| info.tool_arg = None),
        ];
        for (change, edit) in changes {
            edit(&mut expected);
            let info = operator.change(id, change).await.unwrap().info;
            assert!(info.updated_at > expected.updated_at);
            expected.updated_at = info.updated_at;
            assert_eq!(info, expected);
            let found = operator.vault.get_secret(&operator.caller, id).await.unwrap();
            assert_eq!(found, expected);
        }
    }

    async fn equal_fields_are_no_change(app: App) {
        let operator = app.operator().await;
        let before = stored(&operator).await;
        app.clock.advance(1_000);
        let same = SecretChange {
            name: Some("name".into()),
            value: Some(Confidential::from("lin_api_0123456789abcdef")),
            tool: Field::Set(pattern("tool*")),
            argument: Field::Set("arg".into()),
            is_default: Some(true),
        };
        for change in [nothing(), same] {
            let answer = operator.change(before.secret_id, change).await.unwrap();
            assert_eq!(answer.info, before);
            assert!(answer.warnings.is_empty());
        }
        let versions = operator.vault.list_versions(&operator.caller, before.secret_id).await.unwrap();
        assert_eq!(versions.len(), 1);
        let rows = Rows::of(&app).await;
        assert_eq!(rows.number("SELECT MAX(generation) FROM ledgers").await, 1);
        rows.close().await;
    }

    async fn updated_at_increases_with_each_change_of_the_user_though_the_clock_stands(app: App) {
        let operator = app.operator().await;
        let first = stored(&operator).await;
        let second = stored(&operator).await;
        assert!(second.updated_at > first.updated_at);
        let third = operator.set_value(first.secret_id, "another value").await;
        assert!(third.updated_at > second.updated_at);
        app.clock.advance(-1_000_000);
        let fourth = operator.set_value(second.secret_id, "another value").await;
        assert!(fourth.updated_at > third.updated_at);
        operator.delete(first.secret_id).await.unwrap();
        let fifth = stored(&operator).await;
        assert!(fifth.updated_at.since(fourth.updated_at) >= 2);
        app.clock.advance(60_000_000);
        let sixth = stored(&operator).await;
        assert!(sixth.updated_at.since(fifth.updated_at) > 1_000);
    }

    async fn an_entity_tag_that_no_longer_holds_stops_change_and_deletion(app: App) {
        let operator = app.operator().await;
        let (vault, caller) = (&operator.vault, &operator.caller);
        let old = stored(&operator).await;
        let id = old.secret_id;
        let new = operator.set_value(id, "another value").await;
        assert_ne!(old.entity_tag(), new.entity_tag());
        let rename = SecretChange { name: Some("x".into()), ..nothing() };
        let late = vault.update_secret(caller, id, rename.clone(), vec![old.entity_tag()]).await;
        assert!(matches!(late, Err(Error::PreconditionFailed)));
        let late = vault.delete_secret(caller, id, vec![old.entity_tag()]).await;
        assert!(matches!(late, Err(Error::PreconditionFailed)));
        let weak = format!("W/{}", new.entity_tag());
        let late = vault.update_secret(caller, id, rename.clone(), vec![weak]).await;
        assert!(matches!(late, Err(Error::PreconditionFailed)));
        let tags = vec![old.entity_tag(), new.entity_tag()];
        let renamed = vault.update_secret(caller, id, rename, tags).await.unwrap();
        assert_eq!(renamed.info.secret_name, "x");
        vault.delete_secret(caller, id, vec!["*".into()]).await.unwrap();
    }

    async fn a_changed_value_and_binding_hold_for_the_next_use(app: App) {
        let operator = app.operator().await;
        let new = secret("name", "first value").default_for("tool*", "api_token");
        let id = operator.store(new).await.secret_id;
        assert_eq!(operator.token("tool_a").await, "first value");
        operator.set_value(id, "second value").await;
        assert_eq!(operator.token("tool_a").await, "second value");
        let rebind = SecretChange { tool: Field::Set(pattern("other*")), ..nothing() };
        operator.change(id, rebind).await.unwrap();
        assert_eq!(operator.resolve("tool_a").await.unwrap().applied.len(), 0);
        assert_eq!(operator.token("other_a").await, "second value");
        operator.delete(id).await.unwrap();
        assert_eq!(operator.resolve("other_a").await.unwrap().applied.len(), 0);
    }

    async fn a_limited_key_cannot_move_a_secret_out_of_its_reach(app: App) {
        let operator = app.operator().await;
        let info = operator.store(secret("a", "value").bound("linear__x*", "t")).await;
        let limited = operator.limited(&[Scope::Manage], &["linear__*"]).await;
        let away = SecretChange { tool: Field::Set(pattern("*")), ..nothing() };
        let refused = limited.change(info.secret_id, away).await;
        assert!(matches!(refused, Err(Error::Denied(Denial::ToolOutOfReach(_)))));
        let loose = SecretChange { tool: Field::Clear, ..nothing() };
        let refused = limited.change(info.secret_id, loose).await;
        assert!(matches!(refused, Err(Error::Denied(Denial::UnboundOutOfReach))));
        let within = SecretChange { tool: Field::Set(pattern("linear__y")), ..nothing() };
        limited.change(info.secret_id, within).await.unwrap();
    }
}
