//! `login`, `logout` and `profile`: a server and a key that commands use without variables.

#[cfg(target_os = "linux")]
mod approval;
#[cfg(target_os = "linux")]
mod first_start;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use insta::assert_snapshot;

use crate::secrets::Client;

const HELLO: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"me","version":"1"}}}
"#;

/// A command of a user who has set no variable.
fn command(client: &Client, arguments: &[&str]) -> Command {
    client.installation.command(arguments)
}

fn run(client: &Client, arguments: &[&str], input: &str) -> String {
    let transcript = client
        .installation
        .transcript(&mut command(client, arguments), input);
    assert!(!transcript.contains(&client.key), "{transcript}");
    transcript
}

fn login(client: &Client, options: &[&str]) -> String {
    let arguments = [&["login", &client.server.url], options].concat();
    run(client, &arguments, &format!("{}\n", client.key))
}

fn file(client: &Client) -> PathBuf {
    let home = client.installation.path().join("home");
    let folder = if cfg!(target_os = "macos") {
        "Library/Application Support/toolvault"
    } else {
        ".config/toolvault"
    };
    home.join(folder).join("profiles.toml")
}

#[test]
fn commands_use_the_profile_until_its_user_signs_out() {
    let client = Client::new();
    assert_snapshot!(login(&client, &[]), @r"
    exit status 0
    Signed in to http://[address]/ with the key operator (manage, use, resolve, audit, admin).
    The profile default is in [directory]/home/.config/toolvault/profiles.toml, and its key in that file.
    ");
    let mode = fs::metadata(file(&client)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_snapshot!(run(&client, &["secret", "list"], ""), @r"
    exit status 0
    There are no secrets yet. Store one with: toolvault secret create NAME --tool PATTERN --arg ARGUMENT --default
    ");
    let id = &client.key[4..12];
    let shown = run(&client, &["profile", "show"], "");
    assert_snapshot!(shown.replace(id, "[key id]"), @r"
    exit status 0
    name  default
    url  http://[address]/
    key  [key id]
    kept in  file
    in use  yes
    ");
    let out = run(&client, &["logout"], "");
    assert_snapshot!(out.replace(id, "[key id]"), @r"
    exit status 0
    Removed the profile default (http://[address]/).
    Its key still works. To end it, run on the server's machine: toolvault key revoke [key id]
    ");
    assert!(!fs::read_to_string(file(&client)).unwrap().contains("tvk_"));
    assert!(
        run(&client, &["secret", "list"], "")
            .starts_with("exit status 1\nerror: no API key is set")
    );
    assert_snapshot!(run(&client, &["logout"], ""), @r"
    exit status 1
    error: there is no profile in use
    hint: toolvault profile list shows them, and toolvault logout NAME removes one
    ");
}

#[test]
fn a_key_is_kept_only_if_the_server_takes_it() {
    let client = Client::new();
    let url = &client.server.url;
    assert_snapshot!(run(&client, &["login", url], "tvk_wrong\n"), @r"
    exit status 1
    error: http://[address]/ does not accept this key
    hint: check that the whole key was given, and that it is of this server and not revoked; on the server's machine, toolvault key create makes a new one
    ");
    assert_snapshot!(run(&client, &["login", url], ""), @r"
    exit status 1
    error: no key was given
    hint: toolvault key create creates one
    ");
    assert_snapshot!(run(&client, &["login", "http://vault.example.com"], "tvk_x"), @r"
    exit status 1
    error: URL: plain http is refused, except to this machine: use https
    hint: a key goes to another machine only if its server has HTTPS
    ");
    assert_snapshot!(run(&client, &["login", url, "tvk_as-an-argument"], ""), @r"
    exit status 1
    error: there is one argument too many
    hint: --help shows which arguments there are
    ");
    for name in ["", "a b", "a\u{1b}", "../x"] {
        let refused = login(&client, &["--profile", name]);
        assert!(refused.starts_with("exit status 1\n"), "{refused}");
    }
    assert!(!file(&client).exists());
}

#[test]
fn several_profiles_are_kept_and_chosen() {
    let client = Client::new();
    login(&client, &[]);
    let keys = client.installation.path().join("data.first-keys");
    let second = [
        "--profile",
        "work",
        "--key-file",
        keys.to_str().unwrap(),
        "--json",
    ];
    let made: serde_json::Value = {
        let arguments = [&["login", client.server.url.as_str()], &second[..]].concat();
        let output = command(&client, &arguments).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert_eq!(made["profile"], "work");
    assert_eq!(made["keyring"], false);
    let id = &client.key[4..12];
    let listed = run(&client, &["profile", "list"], "");
    assert_snapshot!(listed.replace(id, "[key id]"), @r"
    exit status 0
    NAME  URL  KEY  KEPT IN  IN USE
    default  http://[address]/  [key id]  file  no
    work  http://[address]/  [key id]  file  yes
    ");
    let mut with_variable = command(&client, &["profile", "show", "--json"]);
    let output = with_variable
        .env("TOOLVAULT_PROFILE", "default")
        .output()
        .unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&shown["name"], &shown["in_use"]),
        (&"default".into(), &true.into())
    );
    assert!(run(&client, &["profile", "use", "default"], "").starts_with("exit status 0"));
    assert_snapshot!(run(&client, &["profile", "use", "other"], ""), @r"
    exit status 1
    error: there is no profile 'other'
    hint: toolvault profile list shows them, and toolvault login makes one
    ");
}

#[test]
fn the_gateway_is_asked_with_the_agents_key() {
    let client = Client::new();
    let keys = client.installation.path().join("data.first-keys");
    login(&client, &["--key-file", keys.to_str().unwrap()]);
    let answer = run(&client, &["mcp", "stdio"], HELLO);
    assert!(answer.contains("\"result\""), "{answer}");
    let agent = client.installation.first_key("agent_key");
    let used = client.installation.json(&["key", "list", "--json"]);
    let used = used.as_array().unwrap().iter();
    let used = used.filter(|key| agent.contains(key["key_id"].as_str().unwrap()));
    let last: Vec<bool> = used.map(|key| key["last_used_at"].is_string()).collect();
    assert_eq!(last, [true]);
}

#[test]
fn the_gateway_is_never_asked_with_the_operators_key() {
    let client = Client::new();
    login(&client, &[]);
    let bridge = || run(&client, &["mcp", "stdio"], HELLO);
    assert_snapshot!(bridge(), @r"
    exit status 1
    error: the profile 'default' has no key for an agent, and yours can do too much
    hint: create one with: toolvault key create --user NAME --scope use; then keep it with: toolvault login http://[address]/ --profile default; or set TOOLVAULT_API_KEY
    ");
    assert!(run(&client, &["mcp", "test", "issues"], "").contains("has no key for an agent"));
    let arguments = [
        "key", "create", "--user", "default", "--scope", "use", "--json",
    ];
    let agent = client.installation.json(&arguments);
    let agent = agent["key"].as_str().unwrap();
    let arguments = ["login", client.server.url.as_str()];
    let added = run(&client, &arguments, agent);
    assert!(added.contains("with the key cli (use)"), "{added}");
    assert!(bridge().contains("\"result\""));
    let listed = run(&client, &["secret", "list"], "");
    assert!(
        listed.starts_with("exit status 0"),
        "it keeps the operator's: {listed}"
    );
    login(&client, &[]);
    assert!(bridge().contains("\"result\""), "it keeps the agent's");
    let id = &agent[4..12];
    client.installation.output(&["key", "revoke", id]);
    assert_snapshot!(login(&client, &[]), @r"
    exit status 0
    Signed in to http://[address]/ with the key operator (manage, use, resolve, audit, admin).
    The profile default is in [directory]/home/.config/toolvault/profiles.toml, and its key in that file.
    warning: the profile's other key is not kept: http://[address]/ does not accept this key
    ");
    assert!(bridge().contains("has no key for an agent"));
}

#[test]
fn a_profile_whose_keys_were_revoked_is_named() {
    let client = Client::new();
    let keys = client.installation.path().join("data.first-keys");
    login(&client, &["--key-file", keys.to_str().unwrap()]);
    let agent = client.installation.first_key("agent_key");
    for key in [&client.key, &agent] {
        client.installation.output(&["key", "revoke", &key[4..12]]);
    }
    assert_snapshot!(run(&client, &["secret", "list"], ""), @r"
    exit status 1
    error: Missing or invalid credentials.
    hint: the server no longer accepts the key of the profile 'default': sign in again with: toolvault login --profile default
    ");
    // It has another key of the profile, and another client.
    assert_snapshot!(run(&client, &["mcp", "test", "issues"], ""), @r"
    exit status 1
    error: the gateway does not accept this key
    hint: the server no longer accepts the key of the profile 'default': sign in again with: toolvault login --profile default
    ");
}

#[test]
fn a_profile_of_another_server_is_not_replaced() {
    let client = Client::new();
    login(&client, &[]);
    let before = fs::read(file(&client)).unwrap();
    assert_snapshot!(run(&client, &["login", "https://vault.example.com"], &client.key), @r"
    exit status 1
    error: the profile 'default' is for http://[address]/
    hint: name another with --profile NAME, or remove it with: toolvault logout default
    ");
    assert_eq!(fs::read(file(&client)).unwrap(), before);
}

#[test]
fn a_profile_beside_a_key_in_a_variable_is_refused() {
    let client = Client::new();
    let with = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = command(&client, arguments);
        command.envs(variables.iter().copied());
        client.installation.transcript(&mut command, &client.key)
    };
    let key = ("TOOLVAULT_API_KEY", client.key.as_str());
    let signed_in = with(&["login", &client.server.url], &[key]);
    assert_snapshot!(signed_in, @r"
    exit status 0
    Signed in to http://[address]/ with the key operator (manage, use, resolve, audit, admin).
    The profile default is in [directory]/home/.config/toolvault/profiles.toml, and its key in that file.
    warning: commands use the key in TOOLVAULT_API_KEY and not this profile; unset TOOLVAULT_API_KEY
    ");
    let list = ["secret", "list"];
    let profile = ("TOOLVAULT_PROFILE", "default");
    assert_snapshot!(with(&list, &[profile, key]), @r"
    exit status 1
    error: TOOLVAULT_PROFILE and TOOLVAULT_API_KEY are both set, and each has a key
    hint: unset one of them
    ");
    let file = ("TOOLVAULT_API_KEY_FILE", "key");
    assert!(with(&list, &[profile, file]).contains("and TOOLVAULT_API_KEY_FILE are both set"));
    assert!(with(&list, &[profile]).starts_with("exit status 0"));
}

#[test]
fn variables_win_and_a_key_goes_only_to_its_server() {
    let client = Client::new();
    login(&client, &[]);
    let with = |variables: &[(&str, &str)]| {
        let mut command = command(&client, &["secret", "list"]);
        command.envs(variables.iter().copied());
        client.installation.transcript(&mut command, "")
    };
    let url = ("TOOLVAULT_URL", client.server.url.as_str());
    assert!(with(&[url, ("TOOLVAULT_API_KEY", "tvk_wrong")]).contains("invalid credentials"));
    // A key of the environment may be of another server than the profile.
    let ca_file = ("TOOLVAULT_CA_FILE", "/nonexist");
    assert!(with(&[ca_file]).contains("no certificate in the CA file"));
    fs::set_permissions(file(&client), fs::Permissions::from_mode(0o644)).unwrap();
    let without = with(&[ca_file, ("TOOLVAULT_API_KEY", &client.key)]);
    assert!(
        without.contains("no certificate in the CA file"),
        "{without}"
    );
    fs::set_permissions(file(&client), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(with(&[("TOOLVAULT_URL", &client.server.url)]).starts_with("exit status 0"));
    assert_snapshot!(with(&[("TOOLVAULT_URL", "https://evil.example")]), @r"
    exit status 1
    error: the profile 'default' is for http://[address]/, and TOOLVAULT_URL is https://evil.example/
    hint: unset TOOLVAULT_URL, set TOOLVAULT_API_KEY too, or sign in there with: toolvault login
    ");
    assert_snapshot!(with(&[("TOOLVAULT_PROFILE", "other")]), @r"
    exit status 1
    error: there is no profile 'other'
    hint: toolvault profile list shows them, and toolvault login makes one
    ");
}

#[test]
fn a_file_that_others_can_read_or_that_is_none_is_refused() {
    let client = Client::new();
    login(&client, &[]);
    let path = file(&client);
    let list = || run(&client, &["secret", "list"], "");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert_snapshot!(list(), @r"
    exit status 1
    error: [directory]/home/.config/toolvault/profiles.toml can be read or changed by others
    hint: run: chmod 600 '[directory]/home/.config/toolvault/profiles.toml'; if others may have read it, replace its keys with: toolvault key rotate
    ");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, "key = tvk_canary").unwrap();
    assert_snapshot!(list(), @r"
    exit status 1
    error: [directory]/home/.config/toolvault/profiles.toml is not a file of profiles
    hint: delete it, and sign in again with: toolvault login
    ");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(list().contains("is not a file of your own"));
}
