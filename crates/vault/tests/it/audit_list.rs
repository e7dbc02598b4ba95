//! Listing the trail: filters, pages, cursors, and the user's own part.

use toolvault_core::audit::record::Action;
use toolvault_core::scope::Scope;
use toolvault_vault::{AuditFilter, Clock as _, Error};

use crate::harness::actor::any_record;
use crate::harness::app::key;
use crate::harness::{Actor, App, MINUTE, NewSecretExt as _, secret};

/// All records, read in pages of `limit`, with `between` run after each page.
async fn read_all(reader: &Actor, limit: usize, between: impl AsyncFn()) -> Vec<i64> {
    let mut filter = AuditFilter {
        limit,
        ..any_record()
    };
    let mut sequences = Vec::new();
    loop {
        let page = reader.audit(&filter).await;
        assert!(page.records.len() <= limit);
        sequences.extend(page.records.iter().map(|record| record.sequence));
        between().await;
        match page.next_cursor {
            Some(cursor) => filter.cursor = Some(cursor),
            None => return sequences,
        }
    }
}

on_both! {
    async fn pages_have_no_gap_and_no_repetition_while_others_write(app: App) {
        let operator = app.operator().await;
        for number in 0..20 {
            operator.store(secret(&number.to_string(), "value").default_for("t", "k")).await;
        }
        let newest = operator.audit(&any_record()).await.records[0].sequence;
        for limit in [1, 3, 7, 1_000] {
            let sequences = read_all(&operator, limit, async || {
                operator.store(secret("more", "value")).await;
            }).await;
            let from = sequences[0];
            assert!(from >= newest);
            assert_eq!(sequences, (1..=from).rev().collect::<Vec<_>>());
        }
    }

    async fn many_records_of_one_commit_are_paged_too(app: App) {
        let operator = app.operator().await;
        for number in 0..30 {
            operator.store(secret("s", "the value").default_for("t", &format!("arg{number}"))).await;
        }
        operator.resolve("t").await.unwrap();
        let sequences = read_all(&operator, 4, async || ()).await;
        assert_eq!(sequences, (1..=sequences[0]).rev().collect::<Vec<_>>());
    }

    async fn filters_keep_what_they_say(app: App) {
        let operator = app.operator().await;
        let first = operator.store(secret("a", "the value").default_for("t1", "k")).await;
        let middle = app.clock.now().plus(MINUTE / 2);
        app.clock.advance(MINUTE);
        operator.store(secret("b", "the value").default_for("t2", "k")).await;
        operator.resolve("t1").await.unwrap();
        operator.resolve("t2").await.unwrap();
        let count = async |filter: AuditFilter| operator.audit(&filter).await.records.len();
        assert_eq!(count(AuditFilter { action: Some(Action::SecretUsed), ..any_record() }).await, 2);
        assert_eq!(count(AuditFilter { secret: Some(first.secret_id), ..any_record() }).await, 2);
        assert_eq!(count(AuditFilter { tool: Some("t2".into()), ..any_record() }).await, 2);
        assert_eq!(count(AuditFilter { since: Some(middle), ..any_record() }).await, 3);
        assert_eq!(count(AuditFilter { until: Some(middle), ..any_record() }).await, 5);
        let both = AuditFilter { since: Some(middle), until: Some(middle), ..any_record() };
        assert_eq!(count(both).await, 0);
    }

    async fn a_trail_is_its_users_own(app: App) {
        let (alice, bob) = (app.person("alice").await, app.person("bob").await);
        alice.store(secret("a", "the value")).await;
        bob.store(secret("b", "the value")).await;
        let seen = alice.audit(&any_record()).await.records;
        assert!(seen.iter().all(|record| record.user_id == Some(alice.caller.user())));
        assert!(seen.iter().any(|record| record.action == Action::SecretCreated));
        let operator = app.operator().await;
        assert!(operator.audit(&any_record()).await.records.len() > seen.len());
        let manager = alice.delegate(key("m", &[Scope::Manage])).await;
        let refused = app.vault.list_audit(&manager.caller, &any_record()).await;
        assert!(matches!(refused, Err(Error::Denied(_))));
    }

    async fn a_cursor_serves_only_the_one_who_got_it(app: App) {
        let (alice, bob) = (app.person("alice").await, app.person("bob").await);
        for person in [&alice, &bob] {
            person.store(secret("a", "the value")).await;
            person.store(secret("b", "the value")).await;
        }
        let first = AuditFilter { limit: 1, ..any_record() };
        let cursor = alice.audit(&first).await.next_cursor.unwrap();
        let next = AuditFilter { cursor: Some(cursor.clone()), ..first.clone() };
        assert_eq!(alice.audit(&next).await.records.len(), 1);
        let mut bent = cursor.clone();
        bent.replace_range(20..21, if &cursor[20..21] == "0" { "1" } else { "0" });
        for (person, cursor) in [(&bob, cursor), (&alice, bent), (&alice, "x".into()), (&alice, String::new())] {
            let filter = AuditFilter { cursor: Some(cursor), ..first.clone() };
            let refused = app.vault.list_audit(&person.caller, &filter).await;
            assert!(matches!(refused, Err(Error::Invalid(_))));
        }
    }

    async fn a_limited_auditor_sees_its_tools_only(app: App) {
        let operator = app.operator().await;
        operator.store(secret("a", "the value").default_for("linear__*", "k")).await;
        operator.store(secret("b", "the value").default_for("github__*", "k")).await;
        operator.store(secret("c", "the value")).await;
        operator.resolve("linear__x").await.unwrap();
        operator.resolve("github__x").await.unwrap();
        let limited = operator.limited(&[Scope::Audit], &["linear__*"]).await;
        let seen = limited.audit(&any_record()).await.records;
        let tools: Vec<_> = seen.iter().map(|record| record.tool.as_deref().unwrap()).collect();
        assert_eq!(tools, ["linear__x", "linear__*"]);
    }
}
