//! `rotate`: the root key of a store and the keys of its users, with and without a server.

use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;

use crate::installation::Installation;

#[test]
fn a_new_root_key_file_is_created_and_only_it_opens_the_store() {
    let installation = Installation::set_up();
    let file = installation.path().join("new.key");
    assert_snapshot!(installation.run(&["rotate", "root-key", "--new-root-key-file", "new.key"]), @r"
    exit status 0
    Created new.key with a random root key. Back it up.
    Only the root key in new.key opens this store from now on.
    Running servers go on without a restart, but need this key at their next start: see --root-key-file and [root_key].
    Give it to them now, then toolvault doctor says whether their next start will work.
    Keep the old key as long as you keep earlier backups: only it opens them.
    ");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_snapshot!(installation.run(&["user", "list"]), @r"
    exit status 1
    error: the root key does not open this store; nothing was changed
    hint: name the store's own root key with --root-key-file (after a rotation the new one), or its own directory with --data-dir
    ");
    let again = [
        "rotate",
        "root-key",
        "--new-root-key-file",
        "new.key",
        "--root-key-file",
        "new.key",
    ];
    assert_snapshot!(installation.run(&again), @r"
    exit status 0
    The root key in new.key opens this store already. Nothing was changed.
    ");
    std::fs::rename(&file, installation.path().join("data.root.key")).unwrap();
    assert_eq!(installation.serve(&[]).stop(), Some(0));
}

#[test]
fn doctor_tells_while_the_server_runs_that_its_next_start_would_fail() {
    let installation = Installation::empty();
    let server = installation.serve(&[]);
    let told = |line: &str| {
        let report = installation.run(&["doctor"]);
        let mut lines = report.lines().skip_while(|told| !told.contains(line));
        (
            report.lines().next().unwrap().to_owned(),
            lines.next().unwrap().to_owned(),
        )
    };
    let sound = (
        "exit status 0".to_owned(),
        "ok  store: it opens with this root key".to_owned(),
    );
    assert_eq!(told("store: "), sound);
    let wrong = "WRONG  store: the server has the store open, but its next start would fail: ";
    installation.output(&["rotate", "root-key", "--new-root-key-file", "new.key"]);
    let (status, line) = told("store: ");
    assert_eq!(status, "exit status 1");
    assert_eq!(
        line,
        format!("{wrong}the root key in the configuration is not the store's")
    );
    let old = installation.path().join("data.root.key");
    std::fs::remove_file(&old).unwrap();
    let (_, line) = told("store: ");
    assert!(
        line.starts_with(&format!(
            "{wrong}the root key file [directory]/data.root.key is missing"
        )),
        "{line}"
    );
    std::fs::rename(installation.path().join("new.key"), &old).unwrap();
    assert_eq!(told("store: "), sound);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_running_server_goes_on_and_starts_again_with_the_new_key() {
    let installation = Installation::empty();
    let server = installation.serve(&[]);
    let old = installation.path().join("data.root.key");
    std::fs::remove_file(&old).unwrap();
    let rotated = installation.json(&[
        "rotate",
        "root-key",
        "--new-root-key-file",
        "new.key",
        "--json",
    ]);
    assert_eq!(
        rotated,
        serde_json::json!({ "rotated": true, "root_key_file": "new.key", "created": true })
    );
    installation.output(&["user", "create", "later"]);
    assert_eq!(server.stop(), Some(0));
    assert_snapshot!(installation.run(&["serve", "--listen", "127.0.0.1:0"]), @r"
    exit status 1
    error: the root key file [directory]/data.root.key is missing; the store cannot be opened without it
    hint: restore the file from your backup, or name it with --root-key-file; a new key cannot open an old store
    ");
    let server = installation.serve(&["--root-key-file", "new.key"]);
    assert!(installation.output(&["user", "list"]).contains("later"));
    assert!(
        installation
            .output(&["audit", "tail"])
            .contains("root_key.rotated by local:")
    );
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_file_that_holds_no_root_key_is_refused_and_kept() {
    let installation = Installation::set_up();
    let file = installation.path().join("new.key");
    for (content, mode) in [
        ("too short", 0o600),
        (&*"00".repeat(32), 0o600),
        (&*"8f1d0c5b".repeat(8), 0o644),
    ] {
        std::fs::write(&file, content).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let refused = installation.run(&["rotate", "root-key", "--new-root-key-file", "new.key"]);
        assert!(
            refused.starts_with("exit status 1\nerror: the root key"),
            "{refused}"
        );
        assert_eq!(std::fs::read_to_string(&file).unwrap(), content);
    }
    installation.output(&["user", "list"]);
}

#[test]
fn no_file_is_created_for_a_store_that_does_not_open() {
    let installation = Installation::set_up();
    std::fs::write(
        installation.path().join("data.root.key"),
        "8f1d0c5b".repeat(8),
    )
    .unwrap();
    let refused = installation.run(&["rotate", "root-key", "--new-root-key-file", "new.key"]);
    assert!(
        refused.starts_with("exit status 1\nerror: the root key does not open"),
        "{refused}"
    );
    assert!(!installation.path().join("new.key").exists());
}

#[test]
fn user_keys_are_replaced_with_and_without_a_server() {
    let installation = Installation::empty();
    let server = installation.serve(&[]);
    installation.output(&["user", "create", "second"]);
    assert_snapshot!(installation.run(&["rotate", "user-keys"]), @r"
    exit status 0
    New user keys: 2. Data keys wrapped with them: 0. The old user keys are destroyed.
    ");
    assert_eq!(server.stop(), Some(0));
    let rotated = installation.json(&["rotate", "user-keys", "--json"]);
    let expected = serde_json::json!({ "resumed": false, "users": 2, "data_keys": 0, "left": [] });
    assert_eq!(rotated, expected);
    assert!(
        installation
            .run(&["audit", "verify"])
            .starts_with("exit status 0")
    );
}

#[test]
fn the_commands_explain_themselves() {
    let installation = Installation::empty();
    let help = installation.output(&["rotate", "--help"]);
    for command in ["root-key", "user-keys"] {
        assert!(help.contains(command), "{help}");
        let help = installation.output(&["rotate", command, "--help"]);
        assert!(
            help.contains("--json") && help.contains("--data-dir"),
            "{help}"
        );
    }
}
