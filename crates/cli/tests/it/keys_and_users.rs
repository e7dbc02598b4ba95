//! `user` and `key` on a store without a running server.

use insta::assert_snapshot;

use crate::installation::Installation;

#[test]
fn users_are_made_listed_disabled_and_deleted() {
    let installation = Installation::set_up();
    assert_snapshot!(installation.run(&["user", "create", "planner"]), @r"
    exit status 0
    Created the user planner ([id]).
    ");
    assert_snapshot!(installation.run(&["user", "create", "planner"]), @r"
    exit status 1
    error: A user with this name exists.
    ");
    assert_snapshot!(installation.run(&["user", "create", "team", "--json"]), @r#"
    exit status 0
    {
      "user_id": "[id]",
      "name": "team"
    }
    "#);
    assert_snapshot!(installation.run(&["user", "disable", "planner"]), @r"
    exit status 0
    Disabled the user planner ([id]).
    ");
    assert_snapshot!(installation.run(&["user", "list"]), @r"
    exit status 0
    NAME  ID  ORIGIN  STATE  CREATED
    default  [id]  local  enabled  [time]
    planner  [id]  local  disabled  [time]
    team  [id]  local  enabled  [time]
    ");
    assert_snapshot!(installation.run(&["user", "delete", "planner"]), @r"
    exit status 0
    Deleted the user planner ([id]).
    ");
    assert_snapshot!(installation.run(&["user", "disable", "planner"]), @r"
    exit status 1
    error: there is no user 'planner'
    hint: toolvault user list shows them
    ");
}

#[test]
fn a_disabled_user_is_enabled_again() {
    let installation = Installation::set_up();
    installation.output(&["user", "create", "planner"]);
    installation.output(&["user", "disable", "planner"]);
    assert_snapshot!(installation.run(&["user", "enable", "planner"]), @r"
    exit status 0
    Enabled the user planner ([id]).
    ");
    let users = installation.json(&["user", "list", "--json"]);
    assert_eq!(users[1]["disabled"], false);
}

#[test]
fn a_user_is_signed_out_of_all_browsers() {
    let installation = Installation::set_up();
    assert_snapshot!(installation.run(&["user", "sign-out", "default"]), @r"
    exit status 0
    Signed out the user default ([id]).
    ");
    let records = installation.output(&["audit", "tail", "-n", "1"]);
    assert!(records.contains("session.ended by local:"), "{records}");
    assert!(records.contains("reason=all"), "{records}");
    assert_snapshot!(installation.run(&["user", "sign-out", "missing"]), @r"
    exit status 1
    error: there is no user 'missing'
    hint: toolvault user list shows them
    ");
}

#[test]
fn the_quota_of_a_user_is_set_and_taken_back() {
    let installation = Installation::set_up();
    installation.output(&["user", "create", "planner"]);
    assert_snapshot!(installation.run(&["user", "quota", "planner", "--secrets", "20", "--bytes", "5000"]), @r"
    exit status 0
    secrets  20
    bytes  5000
    ");
    let quota = ["user", "quota", "planner", "--secrets", "default", "--json"];
    let user = installation.json(&quota);
    assert_eq!(
        (user["secrets_limit"].as_i64(), user["bytes_limit"].as_i64()),
        (None, Some(5_000))
    );
    assert_snapshot!(installation.run(&["user", "quota", "planner"]), @r"
    exit status 0
    secrets  default
    bytes  5000
    ");
    for text in ["-1", "many", ""] {
        let option = format!("--secrets={text}");
        let refused = installation.run(&["user", "quota", "planner", &option]);
        assert!(
            refused.contains("a limit is a number up to 4294967295, or `default`"),
            "{refused}"
        );
    }
}

#[test]
fn users_are_listed_for_machines() {
    let installation = Installation::set_up();
    installation.output(&["user", "create", "team"]);
    let users = installation.json(&["user", "list", "--json"]);
    let names: Vec<&str> = users
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["default", "team"]);
}

#[test]
fn a_new_key_is_shown_once() {
    let installation = Installation::set_up();
    let create = [
        "key", "create", "--user", "default", "--scope", "use", "--scope", "manage", "--tool",
        "agno__*", "--name", "agent-2",
    ];
    assert_snapshot!(installation.run(&create), @r"
    exit status 0
    key  [key]
    id  [key id]
    name  agent-2
    user  [id]
    scopes  manage,use
    tools  agno__*
    expires  never
    The key is not shown again.
    ");
}

#[test]
fn keys_are_made_listed_rotated_and_revoked() {
    let installation = Installation::set_up();
    let made = installation.json(&[
        "key",
        "create",
        "--user",
        "default",
        "--scope",
        "resolve",
        "--expires",
        "90d",
        "--any-user",
        "--json",
    ]);
    let members: Vec<&String> = made.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "any_user",
            "created_at",
            "expires_at",
            "key",
            "key_id",
            "last_used_at",
            "name",
            "revoked_at",
            "scopes",
            "tools",
            "user_id"
        ]
    );
    let id = made["key_id"].as_str().unwrap();
    assert!(
        made["key"]
            .as_str()
            .unwrap()
            .starts_with(&format!("tvk_{id}_"))
    );

    let rotated = installation.json(&["key", "rotate", id, "--overlap", "1h", "--json"]);
    assert_ne!(rotated["key_id"], made["key_id"]);
    assert_eq!(rotated["expires_at"], made["expires_at"]);
    assert_eq!(
        installation.run(&["key", "revoke", id]),
        format!("exit status 0\nRevoked the key {id}.")
    );

    let keys = installation.json(&["key", "list", "--user", "default", "--json"]);
    let keys = keys.as_array().unwrap();
    assert_eq!(keys.len(), 4);
    let of = |id: &str| keys.iter().find(|key| key["key_id"] == id).unwrap();
    assert!(of(id)["revoked_at"].is_string());
    assert!(of(rotated["key_id"].as_str().unwrap())["revoked_at"].is_null());
    assert!(keys.iter().all(|key| key.get("key").is_none()));
}

#[test]
fn keys_are_listed_with_their_user_and_times_without_fractions() {
    let installation = Installation::set_up();
    installation.output(&[
        "key",
        "create",
        "--user",
        "default",
        "--scope",
        "resolve",
        "--name",
        "runtime",
        "--expires",
        "90d",
        "--any-user",
    ]);
    let listed = installation.output(&["key", "list"]);
    let row = listed
        .lines()
        .find(|line| line.contains("runtime"))
        .unwrap();
    let cells: Vec<&str> = row
        .split("  ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect();
    assert_eq!(cells[1..3], ["runtime", "default (any)"], "{row}");
    assert_eq!(cells[6].len(), "2027-01-31T00:00:00Z".len(), "{row}");
}

#[test]
fn what_cannot_be_is_refused() {
    let installation = Installation::set_up();
    assert_snapshot!(installation.run(&["key", "create", "--user", "missing", "--scope", "use"]), @r"
    exit status 1
    error: there is no user 'missing'
    hint: toolvault user list shows them
    ");
    assert_snapshot!(installation.run(&["key", "create", "--user", "default", "--scope", "admin", "--expires", "1d", "--any-user"]), @r"
    exit status 1
    error: A key cannot grant more than its creator has: a key with 'any_user' cannot have 'admin'.
    ");
    assert_snapshot!(installation.run(&["key", "create", "--user", "default", "--scope", "use", "--tool", ""]), @r"
    exit status 1
    error: tools.0: String should have at least 1 character
    ");
    assert_snapshot!(installation.run(&["key", "revoke", "12345678"]), @r"
    exit status 1
    error: there is no key '12345678'
    hint: the ID of a key is the 8 letters and digits after tvk_; toolvault key list shows them
    ");
    assert_snapshot!(installation.run(&["key", "revoke", "tvk_1"]), @r"
    exit status 1
    error: that is not the ID of a key
    hint: the ID of a key is the 8 letters and digits after tvk_; toolvault key list shows them
    ");
    assert_snapshot!(installation.run(&["key", "revoke", "tvk_00000000_x"]), @r"
    exit status 1
    error: there is no key '00000000'
    hint: the ID of a key is the 8 letters and digits after tvk_; toolvault key list shows them
    ");
    assert_snapshot!(installation.run(&["key", "rotate", "12345678", "--overlap", "8d"]), @r"
    exit status 1
    error: overlap_seconds: Input should be less than or equal to 604800
    ");
}

#[test]
fn a_name_with_control_characters_is_shown_and_not_obeyed() {
    let installation = Installation::set_up();
    let made = installation.run(&["user", "create", "evil\u{1b}[2J\nname"]);
    assert!(made.contains("evil\\u{1b}[2J\\nname"), "{made}");
    let listed = installation.output(&["user", "list", "--json"]);
    assert!(!listed.contains('\u{1b}'));
    assert!(
        installation
            .output(&["user", "list"])
            .contains("evil\\u{1b}[2J\\nname")
    );
}

#[test]
fn a_command_never_makes_a_store() {
    let installation = Installation::empty();
    assert_snapshot!(installation.run(&["user", "list"]), @r"
    exit status 1
    error: there is no store in [directory]/data
    hint: start one with: toolvault serve, or name another with --data-dir
    ");
    assert!(!installation.data_dir().exists());
    assert!(!installation.path().join("data.root.key").exists());
}

#[test]
fn without_its_root_key_a_store_stays_closed() {
    let installation = Installation::set_up();
    let key = installation.path().join("data.root.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    assert_snapshot!(installation.run(&["user", "list"]), @r"
    exit status 1
    error: the root key file [directory]/data.root.key is missing; the store cannot be opened without it
    hint: restore the file from your backup, or name it with --root-key-file; a new key cannot open an old store
    ");
    assert!(!key.exists());

    let other = installation.path().join("other.key");
    std::fs::write(
        &other,
        "0f1e2d3c4b5a69788796a5b4c3d2e1f00112233445566778899aabbccddeeff1",
    )
    .unwrap();
    set_mode(&other, 0o600);
    assert_snapshot!(installation.run(&["user", "list", "--root-key-file", other.to_str().unwrap()]), @r"
    exit status 1
    error: the root key does not open this store; nothing was changed
    hint: name the store's own root key with --root-key-file (after a rotation the new one), or its own directory with --data-dir
    ");

    std::fs::write(&key, kept).unwrap();
    set_mode(&key, 0o644);
    assert_snapshot!(installation.run(&["user", "list"]), @r"
    exit status 1
    error: the root key file [directory]/data.root.key is readable by others (mode 0644); run: chmod 600 [directory]/data.root.key
    ");
    set_mode(&key, 0o600);
    assert!(
        installation
            .run(&["user", "list"])
            .starts_with("exit status 0")
    );
}

fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn scopes_may_stand_in_one_list() {
    let installation = Installation::set_up();
    for scopes in [
        &["--scope", "manage,use"][..],
        &["--scope", "manage", "--scope", "use"],
    ] {
        let mut create = vec!["key", "create", "--user", "default", "--json"];
        create.extend(scopes);
        let made = installation.json(&create);
        assert_eq!(made["scopes"], serde_json::json!(["manage", "use"]));
    }
    let all = "manage,use,resolve,audit,admin";
    let made = installation.json(&[
        "key", "create", "--user", "default", "--scope", all, "--json",
    ]);
    assert_eq!(made["scopes"].as_array().unwrap().len(), 5);
    let refused = installation.run(&[
        "key",
        "create",
        "--user",
        "default",
        "--scope",
        "manage,root",
    ]);
    assert!(refused.starts_with("exit status 1\n"), "{refused}");
}

#[test]
fn a_whole_key_names_itself_by_its_id() {
    let installation = Installation::set_up();
    let key = installation.first_key("operator_key");
    let rotated = installation.output(&["key", "rotate", &key, "--overlap", "1d"]);
    assert!(!rotated.contains(&key), "{rotated}");
    let id = &key[4..12];
    assert_eq!(
        installation.run(&["key", "revoke", &key]),
        format!("exit status 0\nRevoked the key {id}.")
    );
}

#[test]
fn changes_are_told_as_json_too() {
    let installation = Installation::set_up();
    installation.json(&["user", "create", "alice", "--json"]);
    for (command, disabled) in [("disable", true), ("enable", false)] {
        let user = installation.json(&["user", command, "alice", "--json"]);
        assert_eq!(
            (&user["name"], &user["disabled"]),
            (&"alice".into(), &disabled.into())
        );
    }
    let deleted = installation.json(&["user", "delete", "alice", "--yes", "--json"]);
    assert_eq!(deleted["name"], "alice");
    let key = installation.first_key("agent_key");
    let revoked = installation.json(&["key", "revoke", &key, "--json"]);
    assert_eq!(revoked["key_id"], key[4..12]);
}
