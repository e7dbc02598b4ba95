//! Shipping: every record leaves once in order, and only shipping moves the position.

use toolvault_core::audit::record::Record;
use toolvault_core::scope::Scope;
use toolvault_vault::{Clock as _, Error, Keys, Reader, Settings, Unshipped};

use crate::harness::app::key;
use crate::harness::backups::empty_places;
use crate::harness::rows::Rows;
use crate::harness::{App, DAY, NewSecretExt as _, secret};

async fn unshipped(app: &App) -> Unshipped {
    app.vault
        .unshipped(&app.local().caller, Reader::Shipping)
        .await
        .unwrap()
}

async fn note(app: &App, shipped: Unshipped) -> Result<(), Error> {
    app.vault.note_shipped(&app.local().caller, shipped).await
}

fn records(portion: &Unshipped) -> Vec<Record> {
    let pages = portion.pages.iter().flat_map(|page| &page.records);
    let records = pages.map(|(record, line)| {
        assert_eq!(serde_json::from_str::<Record>(line).unwrap(), *record);
        record.clone()
    });
    records.collect()
}

fn sequences(portion: &Unshipped) -> Vec<i64> {
    let records = records(portion);
    records.iter().map(|record| record.sequence).collect()
}

/// Ships everything, and returns the sequences in the order in which they left.
async fn ship(app: &App) -> Vec<i64> {
    let mut shipped = Vec::new();
    loop {
        let portion = unshipped(app).await;
        if portion.pages.is_empty() {
            assert_eq!(portion.waiting, 0);
            return shipped;
        }
        shipped.extend(sequences(&portion));
        note(app, portion).await.unwrap();
    }
}

async fn create(app: &App, names: std::ops::Range<i32>) {
    for name in names {
        let local = app.local().caller;
        app.vault
            .create_user(&local, &name.to_string())
            .await
            .unwrap();
    }
}

async fn newest(app: &App) -> i64 {
    app.vault.verify_audit(None).await.unwrap().records
}

fn shipping(app: &App) -> Settings {
    Settings {
        ships_audit: true,
        ..app.settings()
    }
}

async fn assert_found(app: &App) {
    let refused = app
        .vault
        .unshipped(&app.local().caller, Reader::Shipping)
        .await;
    assert!(matches!(refused, Err(Error::Integrity)), "{refused:?}");
}

on_both! {
    async fn every_record_leaves_once_and_in_order(app: App) {
        let operator = app.operator().await;
        let value = "a value that must not leave";
        operator.store(secret("s", value).default_for("t", "k")).await;
        operator.resolve("t").await.unwrap();
        create(&app, 0..40).await;
        let all = newest(&app).await;
        let first = unshipped(&app).await;
        assert_eq!((first.waiting, first.lost), (all, 0));
        assert!(first.pages.len() < 40, "a portion is bounded");
        assert!(records(&first).iter().any(|record| record.action.name() == "secret.used"));
        assert!(!format!("{first:?}").contains(value));
        assert_eq!(ship(&app).await, (1..=all).collect::<Vec<_>>());
        // Another process goes on where the last one stopped.
        let app = app.reopen().await;
        create(&app, 40..43).await;
        let next = newest(&app).await;
        assert_eq!(ship(&app).await, (all + 1..=next).collect::<Vec<_>>());
        assert!(app.vault.verify_audit(None).await.unwrap().ok);
        app.vault.close().await;
    }

    async fn what_was_not_acknowledged_comes_again_and_only_one_process_moves_the_position(app: App) {
        create(&app, 0..3).await;
        let (one, other) = (unshipped(&app).await, unshipped(&app).await);
        assert_eq!(one, other);
        note(&app, one).await.unwrap();
        let refused = note(&app, other.clone()).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
        create(&app, 3..4).await;
        let later = unshipped(&app).await;
        assert_eq!(later.waiting, 1);
        // A process that slept meanwhile does not put the position back.
        assert!(note(&app, other).await.is_err());
        assert_eq!(unshipped(&app).await, later);
    }

    async fn only_an_administrator_ships(app: App) {
        let operator = app.operator().await;
        let other = operator.delegate(key("k", &[Scope::Manage, Scope::Audit])).await;
        let refused = app.vault.unshipped(&other.caller, Reader::Shipping).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        let portion = unshipped(&app).await;
        let refused = app.vault.note_shipped(&other.caller, portion).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    }

    async fn a_position_that_was_changed_ships_nothing_and_is_found(app: App) {
        let app = app.reopen_with(shipping(&app)).await;
        create(&app, 0..3).await;
        ship(&app).await;
        create(&app, 3..6).await;
        let rows = Rows::of(&app).await;
        rows.run("CREATE TABLE kept AS SELECT * FROM audit_shipped").await;
        let zeros = rows.bytes(&[0; 32]);
        for change in [
            "page = page + 1".to_owned(),
            "page = page + 1, sequence = sequence + 1".to_owned(),
            "page = 0".to_owned(),
            "sequence = -1".to_owned(),
            "shipped_at = shipped_at + 1".to_owned(),
            format!("hash = {zeros}"),
            format!("mac = {zeros}"),
        ] {
            rows.run(&format!("UPDATE audit_shipped SET {change}")).await;
            assert_found(&app).await;
            let verified = app.vault.verify_audit(None).await.unwrap();
            assert_eq!(verified.faults[0].subject, "shipping", "{change}");
            let status = app.vault.status(&app.local().caller).await.unwrap();
            assert!(status.shipping.unwrap().is_changed);
            rows.run("DELETE FROM audit_shipped; INSERT INTO audit_shipped SELECT * FROM kept").await;
        }
        assert_eq!(unshipped(&app).await.waiting, 3);
        // Without it, everything is shipped again.
        rows.run("DELETE FROM audit_shipped").await;
        let all = newest(&app).await;
        assert_eq!(ship(&app).await, (1..=all).collect::<Vec<_>>());
        rows.close().await;
        app.vault.close().await;
    }

    async fn pages_that_were_changed_are_not_shipped(app: App) {
        create(&app, 0..3).await;
        ship(&app).await;
        let rows = Rows::of(&app).await;
        let last = rows.number("SELECT MAX(page) FROM audit_pages").await;
        create(&app, 3..6).await;
        rows.run("CREATE TABLE whole AS SELECT * FROM audit_pages").await;
        let whole = "DELETE FROM audit_pages; INSERT INTO audit_pages SELECT * FROM whole";
        let zeros = rows.bytes(&[0; 64]);
        for change in [
            format!("UPDATE audit_pages SET records = replace(records, 'user', 'User') WHERE page = {}", last + 1),
            format!("UPDATE audit_pages SET signature = {zeros} WHERE page = {}", last + 2),
            format!("DELETE FROM audit_pages WHERE page = {}", last + 1),
            format!("DELETE FROM audit_pages WHERE page > {last}"),
            // The trail and its head are put back to an earlier state than the one that was shipped.
            format!("DELETE FROM audit_pages WHERE page > {}; UPDATE audit_head SET page = {}", last - 1, last - 1),
        ] {
            assert!(rows.run(&change).await > 0, "{change}");
            assert_found(&app).await;
            rows.run(whole).await;
        }
        rows.close().await;
    }

    async fn what_was_not_shipped_is_not_pruned(app: App) {
        let app = app.reopen_with(shipping(&app)).await;
        create(&app, 0..3).await;
        let local = app.local().caller;
        let before = app.clock.now().plus(DAY);
        app.clock.advance(3 * DAY);
        create(&app, 3..4).await;
        let pruned = app.vault.prune_audit(&local, before).await.unwrap();
        assert_eq!((pruned.pages, pruned.waits_for_shipping), (0, true));
        let portion = unshipped(&app).await;
        let waiting = portion.waiting;
        note(&app, portion).await.unwrap();
        create(&app, 4..5).await;
        let pruned = app.vault.prune_audit(&local, before).await.unwrap();
        assert_eq!((pruned.records, pruned.waits_for_shipping), (waiting - 1, false));
        assert_eq!(sequences(&unshipped(&app).await)[0], waiting + 1);
        assert!(app.vault.verify_audit(None).await.unwrap().ok);
        app.vault.close().await;
    }

    async fn records_that_were_pruned_before_shipping_began_are_counted(app: App) {
        create(&app, 0..3).await;
        let before = app.clock.now().plus(DAY);
        app.clock.advance(3 * DAY);
        create(&app, 3..4).await;
        let pruned = app.vault.prune_audit(&app.local().caller, before).await.unwrap();
        let portion = unshipped(&app).await;
        assert_eq!((portion.lost, sequences(&portion)[0]), (pruned.records, pruned.records + 1));
        note(&app, portion).await.unwrap();
        create(&app, 4..5).await;
        assert_eq!(unshipped(&app).await.lost, 0);
    }

    async fn a_restored_store_goes_on_where_the_backup_was(app: App) {
        create(&app, 0..3).await;
        ship(&app).await;
        create(&app, 3..5).await;
        let waits = sequences(&unshipped(&app).await);
        let file = app.backup().await;
        for place in empty_places().await {
            let (there, _) = app.restore(place, &file, Keys::Keep).await;
            let shipped = ship(&there).await;
            assert_eq!(shipped[..2], waits);
            assert_eq!(shipped.last(), Some(&newest(&there).await));
            there.remove().await;
        }
    }

    async fn the_status_tells_how_far_it_is(app: App) {
        let status = app.vault.status(&app.local().caller).await.unwrap();
        assert_eq!(status.shipping, None);
        let app = app.reopen_with(shipping(&app)).await;
        create(&app, 0..2).await;
        let all = newest(&app).await;
        let status = app.vault.status(&app.local().caller).await.unwrap();
        let waits = status.shipping.unwrap();
        assert_eq!((waits.waiting, waits.last, waits.is_changed), (all, None, false));
        assert!(waits.oldest.is_some());
        ship(&app).await;
        let status = app.vault.status(&app.local().caller).await.unwrap();
        let done = status.shipping.unwrap();
        assert_eq!((done.waiting, done.oldest), (0, None));
        assert!(done.last.is_some());
        app.vault.close().await;
    }
}
