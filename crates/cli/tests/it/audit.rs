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
fn a_trail_that_was_put_back_is_found_by_a_checkpoint() {
    let installation = Installation::set_up();
    let kept = installation.path().join("kept.db");
    let database = installation.data_dir().join("toolvault.db");
    std::fs::copy(&database, &kept).unwrap();
    installation.output(&["user", "create", "forgotten"]);
    let checkpoint = installation.path().join("checkpoint.json");
    std::fs::write(
        &checkpoint,
        installation.output(&["audit", "verify", "--json"]),
    )
    .unwrap();
    let verify = [
        "audit",
        "verify",
        "--checkpoint",
        checkpoint.to_str().unwrap(),
    ];
    assert!(installation.run(&verify).starts_with("exit status 0"));

    std::fs::copy(&kept, &database).unwrap();
    assert!(
        installation
            .run(&["audit", "verify"])
            .starts_with("exit status 0")
    );
    assert_snapshot!(installation.run(&verify), @r"
    exit status 1
    fault: checkpoint 2: the trail does not contain the page that the checkpoint names
    The audit trail is NOT sound.
    records  4
    pages  1
    head  [hash]
    public key  [hash]
    ");

    let signed = format!(
        "{{\"page\": 1, \"hash\": \"{}\", \"epoch\": 1}}",
        "ab".repeat(32)
    );
    std::fs::write(&checkpoint, signed).unwrap();
    assert!(
        installation
            .run(&verify)
            .starts_with("exit status 1\nfault: checkpoint 1:")
    );

    std::fs::write(&checkpoint, "{}").unwrap();
    assert_snapshot!(installation.run(&verify), @r"
    exit status 1
    error: cannot use the checkpoint [directory]/checkpoint.json: missing field `pages` at line 1 column 2
    hint: a checkpoint is the output of: toolvault audit verify --json
    ");
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
