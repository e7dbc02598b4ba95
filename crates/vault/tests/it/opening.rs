//! Opening a store: exclusive on SQLite, with the right root key, and set up only once.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use toolvault_core::confidential::Confidential;
use toolvault_vault::{OpenDatabaseError, OpenError, RootKeyError, RootKeySource, Vault};

use crate::harness::app::{open, patient, root_key_of};
use crate::harness::databases::postgres_place;
use crate::harness::entropy::SeededEntropy;
use crate::harness::rows::{Rows, TABLES};
use crate::harness::{App, secret};

async fn open_with(app: &App, root_key: &RootKeySource) -> Result<Vault, OpenError> {
    let entropy = Arc::new(SeededEntropy::new(55));
    let opened = Vault::open(
        app.settings(),
        root_key,
        Arc::new(app.clock.clone()),
        entropy,
    )
    .await;
    opened.map(|opened| {
        assert!(opened.first_keys.is_none());
        opened.vault
    })
}

async fn counts(rows: &Rows) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in TABLES {
        counts.push(rows.number(&format!("SELECT COUNT(*) FROM {table}")).await);
    }
    counts
}

on_both! {
    async fn a_wrong_or_missing_root_key_is_refused_and_nothing_changes(app: App) {
        app.operator().await.store(secret("s", "the value")).await;
        app.vault.close().await;
        let rows = Rows::of(&app).await;
        let before = counts(&rows).await;
        let wrong = RootKeySource::Text(Confidential::from("8f1d0c5b".repeat(8).as_str()));
        assert!(matches!(open_with(&app, &wrong).await, Err(OpenError::WrongRootKey)));
        let elsewhere = app.place.directory.path().join("other.key");
        let missing = RootKeySource::File(elsewhere.clone());
        let refused = open_with(&app, &missing).await;
        assert!(matches!(refused, Err(OpenError::RootKey(RootKeyError::Missing(_)))));
        assert!(!elsewhere.exists());
        assert_eq!(counts(&rows).await, before);
        rows.close().await;
        let vault = open_with(&app, &root_key_of(&app.place)).await.unwrap();
        assert_eq!(app.with(&vault).operator().await.list().await.len(), 1);
        vault.close().await;
    }

    async fn a_root_key_that_others_may_read_is_refused(app: App) {
        app.vault.close().await;
        let path = app.place.directory.path().join("root.key");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = open_with(&app, &root_key_of(&app.place)).await;
        assert!(matches!(refused, Err(OpenError::RootKey(RootKeyError::Exposed { .. }))));
    }

    async fn the_same_key_from_the_environment_or_a_command_opens(app: App) {
        app.vault.close().await;
        let path = app.place.directory.path().join("root.key");
        let text = std::fs::read_to_string(&path).unwrap();
        let text = RootKeySource::Text(Confidential::from(text.as_str()));
        open_with(&app, &text).await.unwrap().close().await;
        let command = RootKeySource::Command(vec!["cat".into(), path.into()]);
        open_with(&app, &command).await.unwrap().close().await;
        let failing = RootKeySource::Command(vec!["false".into()]);
        let refused = open_with(&app, &failing).await;
        assert!(matches!(refused, Err(OpenError::RootKey(RootKeyError::Command(_)))));
        for example in ["00".repeat(32), "00112233445566778899aabbccddeeff".repeat(2)] {
            let example = RootKeySource::Text(Confidential::from(example.as_str()));
            assert!(open_with(&app, &example).await.is_err());
        }
    }
}

/// Opens a store in this directory, and returns the refusal if there is one.
async fn refusal(data: &std::path::Path) -> Option<OpenDatabaseError> {
    let settings =
        toolvault_vault::Settings::new(toolvault_vault::DatabaseLocation::Directory(data.into()));
    let root_key = RootKeySource::File(data.with_extension("key"));
    let clock = Arc::new(crate::harness::clock::TestClock::new());
    match Vault::open(settings, &root_key, clock, Arc::new(SeededEntropy::new(1))).await {
        Ok(opened) => {
            opened.vault.close().await;
            None
        }
        Err(OpenError::Database(error)) => Some(error),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_data_directory_that_others_may_write_to_is_refused() {
    let place = tempfile::tempdir().unwrap();
    for (mode, is_refused) in [
        (0o777, true),
        (0o1777, true),
        (0o775, true),
        (0o702, true),
        (0o755, false),
        (0o700, false),
    ] {
        let data = place.path().join(format!("{mode:o}"));
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(mode)).unwrap();
        match refusal(&data).await {
            Some(error) => {
                let path = data.display();
                let expected = format!(
                    "the data directory {path} has mode {mode:04o}: other users can replace its files; run: chmod 700 {path}"
                );
                assert_eq!(error.to_string(), expected);
                assert!(is_refused);
                assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
            }
            None => assert!(!is_refused, "{mode:o}"),
        }
    }
}

#[tokio::test]
async fn a_data_directory_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can make one");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::os::unix::fs::chown(&data, Some(65_534), None).unwrap();
    let error = refusal(&data).await.unwrap();
    let path = data.display();
    let expected = format!(
        "the data directory {path} belongs to user 65534, but this process runs as user 0; run it as user 65534, or: chown -R 0 {path}"
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn the_lock_is_its_owners_only() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let mode = || {
        std::fs::metadata(data.join("lock"))
            .unwrap()
            .permissions()
            .mode()
            & 0o7777
    };
    assert!(refusal(&data).await.is_none());
    assert_eq!(mode(), 0o600);
    // As an earlier version created it.
    std::fs::set_permissions(data.join("lock"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(refusal(&data).await.is_none());
    assert_eq!(mode(), 0o600);
}

async fn the_second_is_refused(app: App) {
    let refused = open(&app.place, app.settings(), &app.clock).await;
    let in_use = OpenDatabaseError::InUse(app.place.directory.path().join("data"));
    assert_eq!(refused.unwrap_err().to_string(), in_use.to_string());
    app.vault.close().await;
}

#[tokio::test]
async fn sqlite_belongs_to_one_process() {
    crate::harness::databases::on_sqlite(the_second_is_refused).await;
}

#[tokio::test]
async fn an_empty_store_is_not_set_up_by_those_who_want_an_existing_one() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let settings =
        toolvault_vault::Settings::new(toolvault_vault::DatabaseLocation::Directory(data));
    let root_key = RootKeySource::File(directory.path().join("root.key"));
    let clock = Arc::new(crate::harness::clock::TestClock::new());
    let opened =
        Vault::open_existing(settings, &root_key, clock, Arc::new(SeededEntropy::new(1))).await;
    assert!(matches!(opened, Err(OpenError::Empty)));
    assert!(!directory.path().join("root.key").exists());
}

#[tokio::test]
async fn a_passphrase_opens_what_it_set_up() {
    let directory = tempfile::tempdir().unwrap();
    let open = async |passphrase: &str| {
        let data = directory.path().join("data");
        let settings =
            toolvault_vault::Settings::new(toolvault_vault::DatabaseLocation::Directory(data));
        let root_key = RootKeySource::Passphrase(Confidential::from(passphrase));
        let clock = Arc::new(crate::harness::clock::TestClock::new());
        let entropy = Arc::new(SeededEntropy::new(1));
        let opened = Vault::open(settings, &root_key, clock, entropy).await?;
        opened.vault.close().await;
        Ok::<bool, OpenError>(opened.first_keys.is_some())
    };
    let weak = open("short").await;
    assert!(matches!(
        weak,
        Err(OpenError::RootKey(RootKeyError::WeakPassphrase))
    ));
    assert!(open("correct horse battery").await.unwrap());
    assert!(!open("correct horse battery\n").await.unwrap());
    assert!(matches!(
        open("correct horse batterY").await,
        Err(OpenError::WrongRootKey)
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_is_set_up_once_though_eight_try() {
    let Some(place) = postgres_place().await else {
        return;
    };
    let place = Arc::new(place);
    let clock = crate::harness::clock::TestClock::new();
    let openers = (0..8).map(|_| open(&place, patient(&place), &clock));
    let openers: Vec<_> = openers.collect();
    let openers = futures_util::future::join_all(openers).await;
    let mut first = 0;
    for opener in openers {
        let opened = opener.unwrap();
        first += usize::from(opened.first_keys.is_some());
        let verified = opened.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok);
        opened.vault.close().await;
    }
    assert_eq!(first, 1);
    place.remove().await;
}
