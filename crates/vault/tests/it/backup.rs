//! Backups: what is in one, how it is restored, and what is refused.

mod schemas;

use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use toolvault_core::audit::record::Action;
use toolvault_core::confidential::Wiped;
use toolvault_core::digest::sha256;
use toolvault_core::policy::Need;
use toolvault_core::scope::Scope;
use toolvault_vault::{
    AskedCall, Clock as _, Denial, Error, Keys, NewKey, OnBehalf, OpenDatabaseError, OpenError,
    Reader, RestoreError, SeenTool, SessionLimits, SystemEntropy, TaskAt, Vault,
};

use crate::harness::app::{key, open, patient, root_key_of};
use crate::harness::backups::{empty_places, restore_at, sqlite_place};
use crate::harness::connections::client;
use crate::harness::databases::Place;
use crate::harness::rows::{Rows, TABLES};
use crate::harness::{Actor, App, DAY, HOUR, NewSecretExt as _, secret};

/// A store in which every table has rows, and everything that waits is saved.
async fn furnished(app: &App) -> Actor {
    let ann = app.person("ann").await;
    let new = secret("token", "first-value").default_for("tool", "api_token");
    let stored = ann.store(new).await;
    ann.set_value(stored.secret_id, "second-value").await;
    ann.store(secret("other", "other-value")).await;
    let deleted = ann.store(secret("gone", "gone-value")).await;
    ann.delete(deleted.secret_id).await.unwrap();
    let answered = app.vault.create_secret(
        &ann.caller,
        secret("again", "again-value"),
        Some("a key of a request that may be sent again"),
    );
    answered.await.unwrap();
    let expiring = NewKey {
        expires_at: Some(app.clock.now().plus(HOUR)),
        ..key("expiring", &[Scope::Use])
    };
    ann.delegate(expiring).await;
    let revoked = ann.delegate(key("revoked", &[Scope::Use])).await;
    let limits = SessionLimits {
        idle: HOUR,
        total: HOUR,
    };
    let session = app.vault.begin_session(&ann.key, limits);
    app.vault
        .end_session(&session.await.unwrap())
        .await
        .unwrap();
    let (local, user) = (app.local(), ann.caller.user());
    app.vault.end_sessions(&local.caller, user).await.unwrap();
    let id = revoked.key_id();
    app.vault.revoke_key(&ann.caller, id).await.unwrap();
    use_the_gateway(app, &ann).await;
    assert_eq!(ann.token("tool").await, "second-value");
    // The writer takes the times of use in order, so they are saved before this.
    app.person("bea").await;
    ann
}

/// Adds what the gateway keeps: pins, tasks, connections, registrations and approvals.
async fn use_the_gateway(app: &App, ann: &Actor) {
    ann.connect("linear", "ann").await;
    app.vault
        .keep_client_registration(
            "https://auth.example",
            "http://127.0.0.1:1/callback",
            &client(),
        )
        .await
        .unwrap();
    for definition in ["as first seen", "as it changed"] {
        let seen = SeenTool {
            name: "read".to_owned(),
            hash: sha256(definition.as_bytes()),
            definition: Some(definition.to_owned()),
        };
        let noted = app.vault.note_tools(&ann.caller, "files", vec![seen]);
        noted.await.unwrap();
    }
    let task = TaskAt {
        server: "files",
        id: "t-1",
    };
    ann.vault
        .note_task(&ann.caller, task, "read")
        .await
        .unwrap();
    let asked = AskedCall {
        server: "files".to_owned(),
        tool: "write".to_owned(),
        title: None,
        definition: None,
        need: Need::Each,
        secret_name: None,
        arguments: Wiped::new(b"{}".to_vec()),
        shown: Wiped::new(b"{}".to_vec()),
        lasts: Duration::from_mins(10),
        has_waited: false,
    };
    ann.vault.ask_approval(&ann.caller, &asked).await.unwrap();
}

/// Every row of these tables.
async fn dump(app: &App, tables: &[&str]) -> Vec<(String, Vec<String>)> {
    let rows = Rows::of(app).await;
    let mut dumped = Vec::new();
    for table in tables {
        dumped.push(((*table).to_owned(), rows.dump(table).await));
    }
    rows.close().await;
    dumped
}

/// The tables that a restore adds nothing to.
fn kept() -> Vec<&'static str> {
    let grows = ["audit_pages", "audit_epochs", "audit_head"];
    TABLES
        .into_iter()
        .filter(|table| !grows.contains(table))
        .collect()
}

async fn assert_empty(place: &Place, app: &App) {
    let (clock, entropy) = (Arc::new(app.clock.clone()), Arc::new(SystemEntropy));
    let root_key = root_key_of(place);
    let opened = Vault::open_existing(patient(place), &root_key, clock, entropy).await;
    assert!(matches!(opened, Err(OpenError::Empty)), "{opened:?}");
}

/// A file that cannot be read beyond some point.
struct Torn<'a>(&'a [u8]);

impl Read for Torn<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(io::Error::other("the disk is gone"));
        }
        self.0.read(buffer)
    }
}

on_both! {
    async fn every_row_goes_to_the_other_engine_and_back(app: App) {
        let ann = furnished(&app).await;
        app.clock.advance(2 * DAY);
        let before = app.clock.now().plus(-DAY);
        let pruned = app.vault.prune_audit(&app.local().caller, before).await;
        assert!(pruned.unwrap().records > 0);
        let local = app.local().caller;
        for reader in [Reader::Shipping, Reader::Alarms] {
            let portion = app.vault.unshipped(&local, reader).await.unwrap();
            app.vault.note_shipped(&local, portion).await.unwrap();
        }
        let file = app.backup().await;
        let trail = dump(&app, &["audit_pages", "audit_epochs"]).await;
        let rows = dump(&app, &kept()).await;
        assert!(rows.iter().all(|(_, rows)| !rows.is_empty()), "{rows:?}");
        for place in empty_places().await {
            let (there, restored) = app.restore(place, &file, Keys::Keep).await;
            assert_eq!(dump(&there, &kept()).await, rows);
            for ((table, before), (_, after)) in
                trail.iter().zip(dump(&there, &["audit_pages", "audit_epochs"]).await)
            {
                assert!(before.iter().all(|row| after.contains(row)), "{table}");
            }
            let contents = &restored.contents;
            assert_eq!(contents.rows("users"), 3);
            let pruned = restored.verification.pruned.as_ref().unwrap().pages;
            assert_eq!(contents.audit_pages - pruned, i64::try_from(trail[0].1.len()).unwrap());
            assert_eq!(restored.revoked_keys, 0);
            let second = there.backup().await;
            let (back, _) = there.restore(sqlite_place(), &second, Keys::Keep).await;
            assert_eq!(dump(&back, &kept()).await, rows);
            let key = &ann.key;
            assert_eq!(back.sign_in(key).await.token("tool").await, "second-value");
            let verified = back.vault.verify_audit(None).await.unwrap();
            assert_eq!(verified.public_key, app.audit_public_key);
            assert!(verified.ok, "{verified:?}");
            back.remove().await;
            there.remove().await;
        }
    }

    async fn keys_are_revoked_and_the_trail_says_so(app: App) {
        let ann = furnished(&app).await;
        let file = app.backup().await;
        for place in empty_places().await {
            let (there, restored) = app.restore(place, &file, Keys::Revoke).await;
            for key in [&ann.key, &app.operator_key, &app.agent_key] {
                let refused = there.vault.authenticate_key(key, OnBehalf::Unnamed, false).await;
                assert!(matches!(refused, Err(Error::Unauthenticated)));
            }
            let local = there.local();
            let issued = local.issue(NewKey {
                user: Some(ann.caller.user()),
                ..key("new", &[Scope::Resolve])
            });
            let issued = issued.await.unwrap();
            let new = there.sign_in(issued.key.expose()).await;
            assert_eq!(new.token("tool").await, "second-value");

            let revoked = local.records(Action::KeyRevoked).await;
            let by_restore = revoked.iter().filter(|record| record.reason.as_deref() == Some("restored"));
            assert_eq!(i64::try_from(by_restore.count()).unwrap(), restored.revoked_keys);
            // The operator's, the agent's, two persons' and the one that expires; another was revoked before.
            assert_eq!((restored.revoked_keys, revoked.len()), (5, 6));
            let records = local.records(Action::StoreRestored).await;
            let [record] = records.as_slice() else { panic!("{records:?}") };
            assert!(record.actor.starts_with("local:"), "{record:?}");
            assert_eq!(record.reason.as_deref(), Some("keys_revoked"));
            assert_eq!(local.records(Action::StoreBackedUp).await.len(), 1);
            let verified = there.vault.verify_audit(None).await.unwrap();
            assert!(verified.ok, "{verified:?}");
            there.remove().await;
        }
    }

    async fn a_changed_row_is_restored_as_it_is_and_reported(app: App) {
        let ann = furnished(&app).await;
        let rows = Rows::of(&app).await;
        rows.run(&format!("UPDATE api_keys SET scopes = '[\"admin\"]' WHERE key_id = '{}'", ann.key_id())).await;
        rows.close().await;
        let file = app.backup().await;
        for place in empty_places().await {
            let restored = app.try_restore(&place, file.as_slice(), Keys::Revoke).await.unwrap();
            let faults: Vec<_> = restored.verification.faults.iter().map(|fault| &fault.subject).collect();
            assert_eq!(faults, [&ann.key_id().to_string()]);
            let opened = open(&place, patient(&place), &app.clock).await.unwrap();
            let key = opened.vault.authenticate_key(&ann.key, OnBehalf::Unnamed, false).await;
            assert!(matches!(key, Err(Error::Unauthenticated | Error::Integrity)), "{key:?}");
            opened.vault.close().await;
            place.remove().await;
        }
    }

    async fn an_older_row_that_was_put_back_is_revoked_and_reported(app: App) {
        let ann = furnished(&app).await;
        let holder = ann.delegate(key("holder", &[Scope::Use])).await;
        let id = holder.key_id();
        let rows = Rows::of(&app).await;
        rows.run(&format!("CREATE TABLE kept AS SELECT * FROM api_keys WHERE key_id = '{id}'")).await;
        app.vault.revoke_key(&ann.caller, id).await.unwrap();
        app.clock.advance(HOUR);
        rows.run(&format!(
            "UPDATE api_keys SET revoked_at = NULL, mac = (SELECT mac FROM kept) WHERE key_id = '{id}'; DROP TABLE kept"
        )).await;
        rows.close().await;
        let file = app.backup().await;
        for place in empty_places().await {
            let restored = app.try_restore(&place, file.as_slice(), Keys::Revoke).await.unwrap();
            let faults: Vec<_> = restored.verification.faults.iter().map(|fault| &fault.subject).collect();
            assert_eq!(faults, [&id.to_string()]);
            let opened = open(&place, patient(&place), &app.clock).await.unwrap();
            let refused = opened.vault.authenticate_key(&holder.key, OnBehalf::Unnamed, false).await;
            assert!(matches!(refused, Err(Error::Unauthenticated)), "{refused:?}");
            opened.vault.close().await;
            place.remove().await;
        }
    }

    async fn only_an_empty_place_is_restored_to(app: App) {
        let file = app.backup().await;
        let restoring = async |keys| {
            restore_at(&app.place, &app.clock, file.as_slice(), keys, &mut |_, _| ()).await
        };
        let before = dump(&app, &TABLES).await;
        let refused = restoring(Keys::Revoke).await;
        if app.is_sqlite() {
            let in_use = matches!(&refused, Err(RestoreError::Database(OpenDatabaseError::InUse(_))));
            assert!(in_use, "{refused:?}");
        } else {
            assert!(matches!(refused, Err(RestoreError::NotEmpty)), "{refused:?}");
        }
        app.vault.close().await;
        let refused = restoring(Keys::Keep).await;
        assert!(matches!(refused, Err(RestoreError::NotEmpty)), "{refused:?}");
        assert_eq!(dump(&app, &TABLES).await, before);
        if app.is_sqlite() {
            // The database is lost, and uses that it may not have had are still there.
            let data = app.place.directory.path().join("data");
            std::fs::remove_file(data.join("toolvault.db")).unwrap();
            let refused = restoring(Keys::Keep).await;
            let journal = data.join("uses.journal");
            assert!(matches!(&refused, Err(RestoreError::JournalLeft(path)) if *path == journal), "{refused:?}");
            std::fs::remove_file(journal).unwrap();
            restoring(Keys::Keep).await.unwrap();
        }
    }

    async fn what_is_cut_or_changed_leaves_an_empty_place(app: App) {
        let ann = furnished(&app).await;
        for number in 0..300 {
            ann.store(secret(&format!("s{number}"), "some-value-to-keep")).await;
        }
        let file = app.backup().await;
        let mut changed = file.clone();
        let last = changed.len() - 1;
        changed[last] ^= 1;
        for place in empty_places().await {
            let torn = app.try_restore(&place, Torn(&file[..last]), Keys::Keep).await;
            assert!(matches!(torn, Err(RestoreError::File(_))), "{torn:?}");
            assert_empty(&place, &app).await;
            for damaged in [&file[..last], &file[..last / 2], &changed, b"", b"something else"] {
                let refused = app.try_restore(&place, damaged, Keys::Keep).await;
                assert!(matches!(refused, Err(RestoreError::Format(_))), "{refused:?}");
            }
            assert_empty(&place, &app).await;
            let (there, _) = app.restore(place, &file, Keys::Keep).await;
            assert_eq!(there.sign_in(&ann.key).await.list().await.len(), 303);
            there.remove().await;
        }
    }

    async fn everything_acknowledged_before_a_backup_is_in_it(app: App) {
        let ann = app.person("ann").await;
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let mut writers = Vec::new();
        for writer in 0..8 {
            let (ann, stop, acknowledged) = (ann.clone(), Arc::clone(&stop), Arc::clone(&acknowledged));
            writers.push(tokio::spawn(async move {
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let name = format!("w{writer}-{number}");
                    let new = secret(&name, "value-of-a-writer").default_for(&format!("t{writer}_{number}"), "api_token");
                    let stored = ann.store(new).await;
                    ann.token(&format!("t{writer}_{number}")).await;
                    acknowledged.lock().unwrap().push((stored.secret_id, name));
                }
            }));
        }
        for _ in 0..3 {
            while acknowledged.lock().unwrap().len() < 20 {
                tokio::task::yield_now().await;
            }
            let before = std::mem::take(&mut *acknowledged.lock().unwrap());
            let file = app.backup().await;
            let (there, _) = app.restore(sqlite_place(), &file, Keys::Keep).await;
            let restored = there.sign_in(&ann.key).await.list().await;
            let uses = there.local().records(Action::SecretUsed).await;
            for (id, name) in &before {
                assert!(restored.iter().any(|secret| secret.secret_id == *id), "{name}");
                assert!(uses.iter().any(|used| used.secret_id == Some(*id)), "no use of {name}");
            }
            there.remove().await;
        }
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.await.unwrap();
        }
    }

    async fn only_an_administrator_gets_one_and_it_holds_no_name(app: App) {
        let ann = furnished(&app).await;
        let refused = app.vault.back_up(&ann.caller).await;
        assert!(matches!(refused, Err(Error::Denied(Denial::MissingScope(Scope::Admin)))));
        let file = app.backup().await;
        let holds = |text: &str| file.windows(text.len()).any(|window| window == text.as_bytes());
        // The magic is found, so the search works.
        assert!(holds("toolvault/backup/v1"));
        // None is so short that it could be in the ciphertext by chance.
        for text in ["second-value", "token", "tool\"", "secret.used", "operator"] {
            assert!(!holds(text), "{text}");
        }
    }

    async fn another_root_key_is_refused_and_none_is_made(app: App) {
        let file = app.backup().await;
        for place in empty_places().await {
            let path = place.directory.path().join("root.key");
            let restoring = async || {
                restore_at(&place, &app.clock, file.as_slice(), Keys::Keep, &mut |_, _| ()).await
            };
            let missing = restoring().await;
            assert!(matches!(missing, Err(RestoreError::RootKey(_))), "{missing:?}");
            assert!(!path.exists());
            std::fs::write(&path, "4e".repeat(31) + "07").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            let wrong = restoring().await;
            assert!(matches!(wrong, Err(RestoreError::WrongRootKey)), "{wrong:?}");
            assert!(!place.directory.path().join("data").exists());
            place.remove().await;
        }
    }

    async fn every_table_of_the_schema_is_in_a_backup(app: App) {
        let rows = Rows::of(&app).await;
        let mut tables = rows.tables().await;
        rows.close().await;
        let backup = app.vault.back_up(&app.local().caller).await.unwrap();
        let mut copied: Vec<String> = backup.contents.tables.iter().map(|table| table.name.clone()).collect();
        let mut known = TABLES.map(str::to_owned).to_vec();
        for names in [&mut tables, &mut copied, &mut known] {
            names.sort();
        }
        assert_eq!(copied, tables);
        // The other tests look at these.
        assert_eq!(known, tables);
    }
}
