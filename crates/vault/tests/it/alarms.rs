//! Reading the trail for alarms: whoever writes to the database can have records read twice, but none left out unnoticed.

use toolvault_core::policy::Policy;
use toolvault_core::scope::Scope;
use toolvault_vault::{Clock as _, Error, Reader, Unshipped};

use crate::harness::app::key;
use crate::harness::rows::Rows;
use crate::harness::{App, DAY, HOUR, secret};

async fn unread(app: &App) -> Result<Unshipped, Error> {
    let local = app.local().caller;
    app.vault.unshipped(&local, Reader::Alarms).await
}

/// Reads everything that there is, and returns the sequences.
async fn read(app: &App) -> Vec<i64> {
    let mut read = Vec::new();
    loop {
        let portion = unread(app).await.unwrap();
        if portion.pages.is_empty() {
            return read;
        }
        let records = portion.pages.iter().flat_map(|page| &page.records);
        read.extend(records.map(|(record, _)| record.sequence));
        app.vault
            .note_shipped(&app.local().caller, portion)
            .await
            .unwrap();
    }
}

async fn create(app: &App, name: &str) -> i64 {
    app.vault
        .create_user(&app.local().caller, name)
        .await
        .unwrap();
    app.vault.verify_audit(None).await.unwrap().records
}

on_both! {
    async fn what_is_older_than_three_days_is_not_read(app: App) {
        let old = create(&app, "old").await;
        app.clock.advance(3 * DAY + HOUR);
        let new = create(&app, "new").await;
        assert_eq!(read(&app).await, (old + 1..=new).collect::<Vec<_>>());
        assert!(read(&app).await.is_empty());
        // Shipping has a position of its own.
        let shipped = app.vault.unshipped(&app.local().caller, Reader::Shipping).await.unwrap();
        assert_eq!(shipped.waiting, new);
        // Who deletes the position has records read again.
        let rows = Rows::of(&app).await;
        rows.run("DELETE FROM audit_alarmed").await;
        assert_eq!(read(&app).await, (old + 1..=new).collect::<Vec<_>>());
        let app = app.reopen().await;
        let next = create(&app, "next").await;
        assert_eq!(read(&app).await, (new + 1..=next).collect::<Vec<_>>());
        app.vault.close().await;
    }

    async fn what_was_pruned_before_it_was_first_read_is_not_lost(app: App) {
        create(&app, "old").await;
        app.clock.advance(2 * DAY);
        let new = create(&app, "new").await;
        // All that is kept is younger than three days.
        let local = app.local().caller;
        let pruned = app.vault.prune_audit(&local, app.clock.now().plus(-DAY)).await.unwrap();
        assert!(pruned.records > 0);
        let first = unread(&app).await.unwrap();
        assert_eq!(first.lost, 0);
        assert_eq!(first.pages[0].records[0].0.sequence, pruned.records + 1);
        assert!(first.waiting > new - pruned.records, "the pruning has a record, too");
        // Of what has to be shipped, each is.
        let unshipped = app.vault.unshipped(&local, Reader::Shipping).await.unwrap();
        assert_eq!(unshipped.lost, pruned.records);
        // Once there is a position, what is pruned after it is lost.
        app.vault.note_shipped(&local, first.clone().without_pages()).await.unwrap();
        let next = unread(&app).await.unwrap();
        assert!(!first.begins_like(&next) && next.begins_like(&next));
    }

    async fn a_position_that_leaves_records_out_is_found(app: App) {
        create(&app, "one").await;
        read(&app).await;
        let rows = Rows::of(&app).await;
        create(&app, "two").await;
        // All of it is shipped, but not read for alarms.
        let shipped = app.vault.unshipped(&app.local().caller, Reader::Shipping).await.unwrap();
        app.vault.note_shipped(&app.local().caller, shipped).await.unwrap();
        for change in [
            "DELETE FROM audit_alarmed; INSERT INTO audit_alarmed SELECT * FROM audit_shipped",
            "UPDATE audit_alarmed SET page = page + 1, sequence = sequence + 1",
            "DELETE FROM audit_alarmed; UPDATE audit_pages SET last_at = 0",
        ] {
            rows.run(change).await;
            assert!(matches!(unread(&app).await, Err(Error::Integrity)), "{change}");
        }
    }

    async fn after_a_changed_page_it_goes_on_with_what_is_new(app: App) {
        create(&app, "one").await;
        read(&app).await;
        create(&app, "two").await;
        let rows = Rows::of(&app).await;
        rows.run("UPDATE audit_pages SET records = replace(records, 'user.created', 'user.changed')").await;
        assert!(matches!(unread(&app).await, Err(Error::Integrity)));
        let local = app.local().caller;
        app.vault.note_all(&local, Reader::Alarms).await.unwrap();
        let before = unread(&app).await.unwrap();
        assert!(before.pages.is_empty());
        app.vault.create_user(&local, "three").await.unwrap();
        assert_eq!(unread(&app).await.unwrap().waiting, 1);
        let operator = app.operator().await;
        let other = operator.delegate(key("k", &[Scope::Manage, Scope::Audit])).await;
        let refused = app.vault.note_all(&other.caller, Reader::Alarms).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    }

    async fn secrets_are_due_once(app: App) {
        let operator = app.operator().await;
        let (vault, caller, local) = (&operator.vault, &operator.caller, app.local().caller);
        let begin = app.clock.now();
        operator.store(secret("never", "the value")).await;
        for (name, policy) in [
            ("rotated", Policy { rotate_after_days: Some(2), ..Policy::default() }),
            ("ended", Policy { expires_at: Some(begin.plus(2 * DAY)), ..Policy::default() }),
            ("later", Policy { rotate_after_days: Some(9), ..Policy::default() }),
        ] {
            let id = operator.store(secret(name, "the value")).await.secret_id;
            vault.set_policy(caller, id, policy, Vec::new()).await.unwrap();
        }
        let later = begin.plus(3 * DAY);
        let due = vault.due_between(&local, begin, later).await.unwrap();
        assert_eq!(due.len(), 1);
        assert_eq!((due[0].user, due[0].count), (caller.user(), 2));
        assert_eq!(due[0].names, ["rotated", "ended"]);
        assert_eq!(vault.due_between(&local, later, later.plus(DAY)).await.unwrap(), []);
        let refused = vault.due_between(&app.sign_in(&app.agent_key).await.caller, begin, later).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    }
}
