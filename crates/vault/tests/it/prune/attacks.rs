//! A database writer deletes records, or puts an old trail back.

use toolvault_core::audit::record::Action;
use toolvault_vault::{Clock as _, Error, Pruned};

use super::{TRAIL, assert_sound, copy, dump, fault, furnish, prune, prune_old, pruned, verify};
use crate::harness::rows::Rows;
use crate::harness::{App, DAY};

on_both! {
    async fn times_that_a_database_writer_changed_do_not_prune(app: App) {
        furnish(&app, "ann").await;
        app.clock.advance(3 * DAY);
        furnish(&app, "bea").await;
        let rows = Rows::of(&app).await;
        rows.run("UPDATE audit_pages SET first_at = 1, last_at = 1").await;
        let before = dump(&rows).await;
        let refused = prune(&app, app.clock.now().plus(-DAY)).await;
        assert!(matches!(refused, Err(Error::Integrity)), "{refused:?}");
        // The refusal is recorded; all pages of before are there.
        let after = dump(&rows).await;
        assert!(before[0].iter().all(|page| after[0].contains(page)));
        assert_eq!(before[3..], after[3..]);
        rows.close().await;
        assert_eq!(app.operator().await.records(Action::TamperingDetected).await.len(), 1);
    }

    async fn a_database_writer_who_prunes_more_is_found(app: App) {
        pruned(&app).await;
        let rows = Rows::of(&app).await;
        let back = copy(&rows, "kept", &TRAIL).await;
        let first = rows.number("SELECT MIN(page) FROM audit_pages").await;
        for page in [first, first + 3] {
            // Only pages.
            rows.run(&format!("DELETE FROM audit_pages WHERE page <= {page}")).await;
            assert!(fault(&app).await.contains("is missing or out of order"));
            // And the cut moves with them.
            rows.run(&back).await;
            rows.run(&format!("UPDATE audit_cut SET page = {page}, \
                sequence = (SELECT last_sequence FROM audit_pages WHERE page = {page}), \
                hash = (SELECT hash FROM audit_pages WHERE page = {page}); \
                DELETE FROM audit_pages WHERE page <= {page}")).await;
            assert!(fault(&app).await.contains("does not begin where"));
            let refused = prune(&app, app.clock.now().plus(-DAY)).await;
            assert!(!matches!(refused, Ok(Pruned { records: 1.., .. })), "{refused:?}");
            rows.run(&back).await;
        }
        // What is kept says something else, or is gone.
        for statement in [
            "UPDATE audit_kept SET content = 'other' WHERE object LIKE 'user:%'",
            "DELETE FROM audit_kept WHERE object LIKE 'secret:%'",
            "INSERT INTO audit_kept VALUES ('epoch:99', '00')",
            "DELETE FROM audit_kept",
            "DELETE FROM audit_cut",
            "DELETE FROM audit_cut; DELETE FROM audit_kept",
            "UPDATE audit_cut SET sequence = sequence + 1",
        ] {
            assert!(rows.run(statement).await > 0, "{statement}");
            fault(&app).await;
            rows.run(&back).await;
        }
        // The fault is where the rest begins.
        rows.run("DELETE FROM audit_kept").await;
        assert_eq!(verify(&app).await.faults[0].subject, first.to_string());
        rows.run(&back).await;
        rows.close().await;
        assert_sound(&app).await;
    }

    async fn an_old_prune_that_is_put_back_is_found(app: App) {
        pruned(&app).await;
        let rows = Rows::of(&app).await;
        let cut = copy(&rows, "old", &["audit_cut", "audit_kept"]).await;
        rows.run("CREATE TABLE old_pages AS SELECT * FROM audit_pages").await;
        app.clock.advance(3 * DAY);
        furnish(&app, "cid").await;
        prune_old(&app).await;
        assert_sound(&app).await;
        let back = copy(&rows, "new", &TRAIL).await;
        // With the pages that were between the two.
        let pages = "INSERT INTO audit_pages SELECT * FROM old_pages \
            WHERE page < (SELECT MIN(page) FROM audit_pages)";
        rows.run(&format!("{pages}; {cut}")).await;
        assert!(fault(&app).await.contains("does not begin where"));
        rows.run(&back).await;
        // And without them.
        rows.run(&cut).await;
        assert!(fault(&app).await.contains("is missing or out of order"));
        rows.run(&back).await;
        rows.run(pages).await;
        fault(&app).await;
        rows.run(&back).await;
        rows.close().await;
        assert_sound(&app).await;
    }

    async fn a_forged_cut_does_not_let_a_trail_that_was_put_back_have_new_checkpoints(app: App) {
        let local = app.local().caller;
        let rows = Rows::of(&app).await;
        pruned(&app).await;
        let old = copy(&rows, "old", &TRAIL).await;
        furnish(&app, "cid").await;
        let newest = app.vault.checkpoint(&local, None).await.unwrap().unwrap();
        rows.run(&old).await;
        assert!(app.vault.checkpoint(&local, Some(&newest)).await.unwrap().is_none());
        rows.run(&format!("UPDATE audit_cut SET page = {}", newest.page + 1)).await;
        let refused = app.vault.checkpoint(&local, Some(&newest)).await;
        assert!(matches!(refused, Err(Error::Integrity)), "{refused:?}");
        rows.close().await;
    }

    async fn a_trail_that_was_put_back_before_its_cut_has_no_new_checkpoints(app: App) {
        let local = app.local().caller;
        let rows = Rows::of(&app).await;
        furnish(&app, "ann").await;
        let old = copy(&rows, "old", &["audit_pages", "audit_epochs", "audit_head"]).await;
        let pages = rows.number("SELECT MAX(page) FROM audit_pages").await;
        furnish(&app, "bea").await;
        let newest = app.vault.checkpoint(&local, None).await.unwrap().unwrap();
        app.clock.advance(3 * DAY);
        furnish(&app, "cid").await;
        assert!(prune_old(&app).await.pages > pages);
        // The cut and what is kept are genuine.
        rows.run(&old).await;
        let refused = app.vault.checkpoint(&local, Some(&newest)).await;
        assert!(matches!(refused, Err(Error::Integrity)), "{refused:?}");
        let refused = app.vault.status(&local).await;
        assert!(matches!(refused, Err(Error::Integrity)), "{refused:?}");
        rows.close().await;
    }
}
