//! `audit`: verification with a public key and a checkpoint, and the newest records.

use insta::assert_snapshot;

use crate::installation::Installation;

#[test]
fn a_sound_trail_is_verified_with_its_first_public_key() {
    let installation = Installation::set_up();
    let public_key = installation.first_key("audit_public_key");
    assert_snapshot!(installation.run(&["audit", "verify", "--public-key", &public_key]), @r"
    exit status 0
    The audit trail is sound.
    records  4
    pages  1
    head  [hash]
    public key  [hash]
    ");
    assert_snapshot!(installation.run(&["audit", "verify"]), @r"
    exit status 0
    The audit trail is sound.
    records  4
    pages  1
    head  [hash]
    public key  [hash]
    hint: pass --public-key with the key from set-up to prove that the whole trail was not replaced
    ");
    let other = "ab".repeat(32);
    assert_snapshot!(installation.run(&["audit", "verify", "--public-key", &other]), @r"
    exit status 1
    fault: trail 1: the first public key is not the expected one
    The audit trail is NOT sound.
    records  0
    pages  0
    head  -
    public key  [hash]
    ");
    assert_snapshot!(installation.run(&["audit", "verify", "--public-key", "ab"]), @r"
    exit status 1
    error: A public key is 64 hexadecimal digits.
    ");
}

#[test]
fn a_prune_needs_a_confirmation_and_leaves_the_last_day() {
    let installation = Installation::set_up();
    let prune = |before: &str, more: &[&str]| {
        let words = [&["audit", "prune", "--before", before], more].concat();
        installation.run(&words)
    };
    let old = "2020-01-02T03:04:05Z";
    assert_snapshot!(prune(old, &[]), @r"
    exit status 1
    error: not done: it needs confirmation, and there is no terminal
    hint: add --yes
    ");
    assert_snapshot!(prune("2999-01-02T03:04:05Z", &["--yes"]), @r"
    exit status 1
    error: The records of the last day cannot be pruned. Name an earlier time.
    ");
    assert!(prune("yesterday", &["--yes"]).starts_with("exit status 1\nerror: invalid value"));
    let nothing = "exit status 0\nDeleted records: 0. Deleted pages: 0.";
    assert_eq!(prune(old, &["--yes"]), nothing);
    let server = installation.serve(&[]);
    assert_eq!(prune(old, &["--yes"]), nothing);
    let report = installation.output(&["audit", "prune", "--before", old, "--yes", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let expected = serde_json::json!({"pages": 0, "records": 0, "waits_for_shipping": false});
    assert_eq!(report, expected);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_trail_that_was_put_back_is_found_by_a_checkpoint() {
    let installation = Installation::set_up();
    let kept = installation.path().join("kept.db");
    let database = installation.data_dir().join("toolvault.db");
    std::fs::copy(&database, &kept).unwrap();
    let directory = installation.path().join("checkpoints");
    std::fs::create_dir(&directory).unwrap();
    let keep = |name: &str| {
        let checkpoint = installation.output(&["audit", "checkpoint"]);
        assert_eq!(checkpoint.lines().count(), 1);
        let path = directory.join(name);
        std::fs::write(&path, checkpoint).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let first = keep("1");
    installation.output(&["user", "create", "forgotten"]);
    let second = keep("2");
    let all = directory.to_str().unwrap();
    let verify = |paths: &[&str]| {
        let mut words = vec!["audit", "verify"];
        for path in paths {
            words.extend(["--checkpoint", *path]);
        }
        installation.run(&words)
    };
    for paths in [[first.as_str(), second.as_str()], [all, all]] {
        assert!(verify(&paths).starts_with("exit status 0"));
    }

    // The database is put back.
    std::fs::copy(&kept, &database).unwrap();
    for paths in [&[first.as_str()] as &[&str], &[]] {
        assert!(verify(paths).starts_with("exit status 0"));
    }
    assert_snapshot!(verify(&[all]), @r"
    exit status 1
    fault: checkpoint 2: the trail ends before this page: it was truncated or set back to an earlier state
    The audit trail is NOT sound.
    records  4
    pages  1
    head  [hash]
    public key  [hash]
    ");

    // It goes on.
    for name in ["a", "b"] {
        installation.output(&["user", "create", name]);
    }
    assert!(verify(&[&first]).starts_with("exit status 0"));
    assert_snapshot!(verify(&[&second]), @r"
    exit status 1
    fault: checkpoint 2: the trail has another page in its place: it was set back to an earlier state and then continued
    The audit trail is NOT sound.
    records  6
    pages  3
    head  [hash]
    public key  [hash]
    ");
}

#[test]
fn a_checkpoint_of_another_store_or_a_damaged_one_is_found() {
    let installation = Installation::set_up();
    let other = Installation::set_up();
    let path = installation.path().join("checkpoint.json");
    let verify = |text: &str| {
        std::fs::write(&path, text).unwrap();
        installation.run(&["audit", "verify", "--checkpoint", path.to_str().unwrap()])
    };
    let own = installation.output(&["audit", "checkpoint"]);
    let of_other = other.output(&["audit", "checkpoint"]);
    let twice = format!("{own}{own}");
    assert!(verify(&twice).starts_with("exit status 0"));
    assert_snapshot!(verify(&of_other), @r"
    exit status 1
    fault: checkpoint 1: the checkpoint is of another store
    The audit trail is NOT sound.
    records  4
    pages  1
    head  [hash]
    public key  [hash]
    ");
    // The installation is not secret: whoever renames it still has the other store's signature.
    let id = |text: &str| {
        serde_json::from_str::<serde_json::Value>(text).unwrap()["installation"].to_string()
    };
    assert_snapshot!(verify(&of_other.replace(&id(&of_other), &id(&own))), @r"
    exit status 1
    fault: checkpoint 1: the key of this trail did not sign the checkpoint: the trail was set back to an earlier state and then continued, or the checkpoint was changed
    The audit trail is NOT sound.
    records  4
    pages  1
    head  [hash]
    public key  [hash]
    ");
    let cut = verify(&own[..own.len() / 2]);
    assert!(
        cut.starts_with(
            "exit status 1\nerror: cannot use the checkpoint [directory]/checkpoint.json: EOF"
        ),
        "{cut}"
    );
    assert_snapshot!(verify(""), @r"
    exit status 1
    error: cannot use the checkpoint [directory]/checkpoint.json: the file is empty
    hint: a checkpoint is the output of: toolvault audit checkpoint
    ");
    let report = r#"{"pages": 1, "head": "00"}"#;
    assert!(verify(report).starts_with("exit status 1\nerror: cannot use the checkpoint"));
    let empty = installation.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    assert_snapshot!(
        installation.run(&["audit", "verify", "--checkpoint", empty.to_str().unwrap()]),
        @r"
    exit status 1
    error: cannot use the checkpoint [directory]/empty: the directory has no checkpoints
    hint: a checkpoint is the output of: toolvault audit checkpoint
    "
    );
}

#[test]
fn the_newest_records_come_last() {
    let installation = Installation::set_up();
    installation.output(&["user", "create", "a"]);
    installation.output(&["user", "create", "b"]);
    let tail = installation.output(&["audit", "tail", "-n", "2", "--json"]);
    let sequences: Vec<i64> = tail
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["sequence"]
                .as_i64()
                .unwrap()
        })
        .collect();
    assert_eq!(sequences, [5, 6]);
    assert_eq!(installation.output(&["audit", "tail"]).lines().count(), 6);
    assert_eq!(installation.output(&["audit", "tail", "-n", "0"]), "");
}

#[test]
fn export_prints_all_records_and_filters_them() {
    let installation = Installation::set_up();
    for number in 0..3 {
        installation.output(&["user", "create", &format!("user-{number}")]);
    }
    let exported = |arguments: &[&str]| -> Vec<serde_json::Value> {
        let text = installation.output(&[&["audit", "export"], arguments].concat());
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let all = exported(&[]);
    let sequences: Vec<_> = all
        .iter()
        .map(|record| record["sequence"].as_i64().unwrap())
        .collect();
    assert_eq!(sequences, [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(exported(&["--action", "user.created"]).len(), 4);
    assert_eq!(
        exported(&[
            "--action",
            "user.created",
            "--since",
            "2999-01-01T00:00:00Z"
        ])
        .len(),
        0
    );
    assert_eq!(exported(&["--until", "2999-01-01T00:00:00Z"]).len(), 7);
    let newest = installation.output(&["audit", "tail", "-n", "1", "--action", "key.created"]);
    assert!(newest.contains("key.created"), "{newest}");
    let refused = installation.run(&["audit", "export", "--action", "secret.eaten"]);
    assert!(refused.starts_with("exit status 1"), "{refused}");
}

#[test]
fn a_reader_that_wants_no_more_is_no_error() {
    let installation = Installation::set_up();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut export = installation.command(&["audit", "export"]);
    let done = export.stdout(writer).output().unwrap();
    assert_eq!(done.status.code(), Some(0));
    assert!(done.stderr.is_empty());
}
