//! A store under another root key: only that one opens it, and whoever has it open goes on.

use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use toolvault_core::audit::record::Action;
use toolvault_core::confidential::{Confidential, Key};
use toolvault_core::digest::hexadecimal;
use toolvault_core::scope::Scope;
use toolvault_vault::{Caller, OpenError, RootKeySource, Vault};

use crate::harness::app::{key, root_key_of};
use crate::harness::entropy::SeededEntropy;
use crate::harness::rows::Rows;
use crate::harness::{App, NewSecretExt as _, secret};

fn root(digit: u8) -> Key {
    let mut bytes = [digit; Key::LENGTH];
    bytes[0] = 99;
    Key::from_slice(&bytes).unwrap()
}

async fn open(app: &App, root: &Key) -> Result<Vault, OpenError> {
    let text = hexadecimal(root.expose());
    let source = RootKeySource::Text(Confidential::from(text.as_str()));
    open_from(app, &source).await
}

async fn open_from(app: &App, source: &RootKeySource) -> Result<Vault, OpenError> {
    let (clock, entropy) = (
        Arc::new(app.clock.clone()),
        Arc::new(SeededEntropy::new(77)),
    );
    Vault::open_existing(app.settings(), source, clock, entropy).await
}

fn is_wrong(opened: &Result<Vault, OpenError>) -> bool {
    matches!(opened, Err(OpenError::WrongRootKey))
}

/// How many rotations the trail has.
async fn rotations(app: &App) -> usize {
    let found = app.local().records(Action::RootKeyRotated).await;
    for record in &found {
        assert_eq!(
            (record.actor.as_str(), record.user_id),
            ("local:1000", None)
        );
    }
    found.len()
}

on_both! {
    async fn the_old_root_key_opens_nothing_and_the_new_one_everything(app: App) {
        let operator = app.operator().await;
        operator.store(secret("s", "the value").default_for("t", "api_token")).await;
        let local = Caller::local(1_000, None);
        assert!(app.vault.rotate_root_key(&local, root(1)).await.unwrap());
        // The running process has the keys already.
        assert_eq!(operator.token("t").await, "the value");
        operator.store(secret("later", "later value").default_for("u", "api_token")).await;
        assert_eq!(rotations(&app).await, 1);
        app.vault.close().await;
        assert!(is_wrong(&open_from(&app, &root_key_of(&app.place)).await));
        let vault = open(&app, &root(1)).await.unwrap();
        let app = app.with(&vault);
        let operator = app.operator().await;
        assert_eq!(operator.token("t").await, "the value");
        assert_eq!(operator.token("u").await, "later value");
        let verified = vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
        vault.close().await;
    }

    async fn the_same_root_key_again_changes_nothing(app: App) {
        let local = Caller::local(1_000, None);
        assert!(app.vault.rotate_root_key(&local, root(1)).await.unwrap());
        assert!(!app.vault.rotate_root_key(&local, root(1)).await.unwrap());
        assert!(app.vault.rotate_root_key(&local, root(2)).await.unwrap());
        assert_eq!(rotations(&app).await, 2);
        app.vault.close().await;
        assert!(is_wrong(&open(&app, &root(1)).await));
        open(&app, &root(2)).await.unwrap().close().await;
    }

    async fn a_keyring_row_that_was_put_back_or_is_missing_is_refused(app: App) {
        let rows = Rows::of(&app).await;
        let old = rows.blob("SELECT wrapped FROM keyring WHERE key_id = 1").await;
        let local = Caller::local(1_000, None);
        app.vault.rotate_root_key(&local, root(1)).await.unwrap();
        let new = rows.blob("SELECT wrapped FROM keyring WHERE key_id = 1").await;
        let put = |wrapped: &[u8]| {
            format!("UPDATE keyring SET wrapped = {} WHERE key_id = 1", rows.bytes(wrapped))
        };
        rows.run(&put(&old)).await;
        app.vault.close().await;
        assert!(is_wrong(&open(&app, &root(1)).await));
        assert!(is_wrong(&open_from(&app, &root_key_of(&app.place)).await));
        rows.run(&put(&new)).await;
        let vault = open(&app, &root(1)).await.unwrap();
        rows.run("DELETE FROM keyring WHERE key_id = 5").await;
        assert!(vault.rotate_root_key(&local, root(2)).await.is_err());
        vault.close().await;
        // Nothing was half done.
        assert_eq!(rows.blob("SELECT wrapped FROM keyring WHERE key_id = 1").await, new);
        rows.close().await;
    }

    async fn only_admins_replace_it(app: App) {
        let operator = app.operator().await;
        for scope in [Scope::Manage, Scope::Use, Scope::Resolve, Scope::Audit] {
            let holder = operator.delegate(key("k", &[scope])).await;
            assert!(app.vault.rotate_root_key(&holder.caller, root(1)).await.is_err(), "{scope}");
        }
        assert_eq!(rotations(&app).await, 0);
    }
}

#[tokio::test]
async fn a_root_key_file_is_given_to_its_owner_only_when_it_is_created() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can give files away");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("root.key");
    let source = RootKeySource::File(path.clone());
    let entropy = SeededEntropy::new(1);
    for asked in [65_534, 65_533] {
        let owner = Some((asked, asked));
        let made = source.load_or_create(&[], &entropy, owner).await;
        assert!(made.is_ok());
        let found = std::fs::metadata(&path).unwrap();
        assert_eq!(
            (found.uid(), found.gid(), found.mode() & 0o777),
            (65_534, 65_534, 0o600)
        );
    }
}
