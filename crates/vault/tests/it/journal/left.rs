//! What becomes of a journal that a stopped process left, whatever was done to it and to the trail meanwhile.

use toolvault_core::audit::epoch::Signer;
use toolvault_core::audit::page::{Head, Page};
use toolvault_core::audit::record::{Action, Record};
use toolvault_core::confidential::Key;
use toolvault_core::envelope::NumberedKey;

use super::{after_kill, ahead, journal, killed, opened, uses};
use crate::harness::databases::on_sqlite;
use crate::harness::entropy::SeededEntropy;
use crate::harness::rows::Rows;
use crate::harness::{App, MINUTE, secret};

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_use_is_left_out() {
    on_sqlite(async |app: App| {
        let (_, rows) = ahead(&app).await;
        let mut torn = journal(&app);
        torn.truncate(torn.len() - 1);
        let (copy, again) = after_kill(&app, &torn).await;
        rows.run("ROLLBACK").await;
        rows.close().await;
        let operator = again.operator().await;
        assert_eq!(uses(&operator).await, 2);
        assert!(operator.records(Action::TamperingDetected).await.is_empty());
        assert!(!copy.path().join("uses.journal.changed").exists());
        let kept = std::fs::read(copy.path().join("uses.journal.torn")).unwrap();
        assert_eq!(kept, torn);
        operator.resolve("t").await.unwrap();
        assert_eq!(uses(&operator).await, 3);
        again.vault.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_journal_is_reported_and_kept() {
    on_sqlite(async |app: App| {
        let (_, rows) = ahead(&app).await;
        let mut changed = journal(&app);
        *changed.last_mut().unwrap() ^= 1;
        let (copy, again) = after_kill(&app, &changed).await;
        rows.run("ROLLBACK").await;
        rows.close().await;
        let operator = again.operator().await;
        assert_eq!(uses(&operator).await, 2);
        let found = operator.records(Action::TamperingDetected).await;
        assert_eq!(found.first().unwrap().reason.as_deref(), Some("journal"));
        assert_eq!(found.len(), 1);
        let kept = std::fs::read(copy.path().join("uses.journal.changed")).unwrap();
        assert_eq!(kept, changed);
        let verified = again.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
        again.vault.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_whose_blocks_were_not_written_is_kept_and_no_sign_of_tampering() {
    on_sqlite(async |app: App| {
        let (_, rows) = ahead(&app).await;
        let whole = journal(&app);
        let mut end = whole.clone();
        let length = end.len();
        end[length - 100..].fill(0);
        for (left, kept) in [(vec![0; whole.len()], 0), (end, 2)] {
            let (copy, again) = after_kill(&app, &left).await;
            let operator = again.operator().await;
            assert_eq!(uses(&operator).await, kept);
            assert!(operator.records(Action::TamperingDetected).await.is_empty());
            let found = std::fs::read(copy.path().join("uses.journal.torn")).unwrap();
            assert_eq!(found, left);
            again.vault.close().await;
        }
        rows.run("ROLLBACK").await;
        rows.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_are_not_added_again_after_the_signing_key_changed() {
    on_sqlite(async |app: App| {
        let (operator, rows) = ahead(&app).await;
        let before = journal(&app);
        rows.run("ROLLBACK").await;
        assert_eq!(uses(&operator).await, 3);
        app.clock.advance(11 * MINUTE);
        operator.store(secret("later", "the value")).await;
        let epochs = rows
            .number("SELECT COUNT(DISTINCT epoch) FROM audit_pages")
            .await;
        assert_eq!(epochs, 2);
        rows.close().await;
        let (_copy, again) = after_kill(&app, &before).await;
        assert_eq!(uses(&again.operator().await).await, 3);
        again.vault.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_this_installation_did_not_sign_hides_no_use() {
    on_sqlite(async |app: App| {
        let (_, rows) = ahead(&app).await;
        let left = journal(&app);
        let copy = killed(&app, &left);
        rows.run("ROLLBACK").await;
        rows.close().await;
        let text = String::from_utf8_lossy(&left).into_owned();
        let mut records: Vec<Record> = text
            .lines()
            .filter_map(|line| serde_json::from_str(&line[line.find(r#"{"sequence""#)?..]).ok())
            .collect();
        assert_eq!(records.len(), 3);
        // The page is right in all but its key, and the head of the trail names it.
        let forged = Rows::in_directory(copy.path()).await;
        let head = Head {
            page: forged.number("SELECT page FROM audit_head").await,
            sequence: forged.number("SELECT sequence FROM audit_head").await,
            hash: forged.blob("SELECT hash FROM audit_head").await.try_into().unwrap(),
        };
        let (installation, entropy) = (app.vault.installation(), SeededEntropy::new(0));
        let wrap = NumberedKey {
            id: 0,
            key: Key::generate(&entropy).unwrap(),
        };
        let epoch = Signer::begin(installation, &wrap, None, &head, &entropy).unwrap();
        let pair = epoch.signer.pair();
        let page = Page::append(installation, &head, 1, pair, &mut records).unwrap();
        let [text, hash, signature] = [page.records.as_bytes(), &page.hash, &page.signature]
            .map(|bytes| forged.bytes(bytes));
        let (number, first, last) = (page.number, page.first_sequence, page.last_sequence);
        forged
            .run(&format!(
                "INSERT INTO audit_pages SELECT {number}, {first}, {last}, last_at, last_at, epoch, \
                 CAST({text} AS TEXT), {hash}, {signature} \
                 FROM audit_pages ORDER BY page DESC LIMIT 1; \
                 UPDATE audit_head SET page = {number}, sequence = {last}, hash = {hash};"
            ))
            .await;
        let again = opened(&app, &copy).await;
        assert_eq!(uses(&again.operator().await).await, 6, "forged and true");
        let newest = "SELECT last_sequence - first_sequence + 1 FROM audit_pages \
                      ORDER BY page DESC LIMIT 1";
        assert_eq!(forged.number(newest).await, 3);
        forged.close().await;
        let verified = again.vault.verify_audit(None).await.unwrap();
        assert!(!verified.ok);
        again.vault.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_cannot_be_read_does_not_stop_the_start() {
    on_sqlite(async |app: App| {
        let (operator, rows) = ahead(&app).await;
        let before = journal(&app);
        rows.run("ROLLBACK").await;
        assert_eq!(uses(&operator).await, 3);
        let pages = "SELECT COUNT(*) FROM audit_pages";
        let count = rows.number(pages).await;
        rows.close().await;
        for text in ["'x'", "CAST(X'FF' AS TEXT)"] {
            let changed = killed(&app, &before);
            let rows = Rows::in_directory(changed.path()).await;
            rows.run(&format!(
                "UPDATE audit_pages SET records = {text} \
                 WHERE page = (SELECT MAX(page) FROM audit_pages)"
            ))
            .await;
            let again = opened(&app, &changed).await;
            let now = rows.number(pages).await;
            assert_eq!(now, count + 1, "its records are in another page");
            rows.close().await;
            again.operator().await.resolve("t").await.unwrap();
            again.vault.close().await;
        }
    })
    .await;
}
