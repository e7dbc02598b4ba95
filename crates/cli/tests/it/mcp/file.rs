//! `mcp add`, `list` and `remove`: the configuration file.

use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;

use crate::installation::Installation;

/// A file as an operator writes it.
const KEPT: &str = "# Ours.
listen = '127.0.0.1:9'   # not the default

[gateway]
sandbox = \"on\" # always

[gateway.servers.old]
url = 'https://old.example/mcp'

[limits]
secrets = 5
";

const LINEAR: [&str; 6] = [
    "mcp",
    "add",
    "linear",
    "https://mcp.linear.app/mcp",
    "--header",
    "Authorization: Bearer {{ secret://linear-prod }}",
];

const FILES: [&str; 11] = [
    "mcp",
    "add",
    "files",
    "--env",
    "API_TOKEN=secret://files-token",
    "--credential-argument",
    "api_token",
    "--",
    "mcp-files",
    "--root",
    "/srv/docs",
];

fn with_file(text: &str) -> (Installation, std::path::PathBuf) {
    let installation = Installation::empty();
    let path = installation.path().join("vault.toml");
    std::fs::write(&path, text).unwrap();
    (installation, path)
}

fn run(installation: &Installation, arguments: &[&str]) -> String {
    let mut command = installation.command(arguments);
    command.env("TOOLVAULT_CONFIG", installation.path().join("vault.toml"));
    installation.transcript(&mut command, "")
}

#[test]
fn what_is_added_is_shown_and_the_file_is_its_owners_only() {
    let installation = Installation::empty();
    let path = installation.path().join("vault.toml");
    assert_snapshot!(run(&installation, &LINEAR), @r#"
    exit status 0
    Wrote to [directory]/vault.toml:
    [gateway.servers.linear]
    url = "https://mcp.linear.app/mcp"
    headers = { Authorization = "Bearer {{ secret://linear-prod }}" }
    Restart the server, or run `toolvault reload`, to apply this.
    Then test it with: toolvault mcp test linear
    "#);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_snapshot!(run(&installation, &FILES), @r#"
    exit status 0
    Wrote to [directory]/vault.toml:
    [gateway.servers.files]
    command = ["mcp-files", "--root", "/srv/docs"]
    env = { API_TOKEN = "secret://files-token" }
    credential_arguments = ["api_token"]
    Restart the server, or run `toolvault reload`, to apply this.
    Then test it with: toolvault mcp test files
    "#);
}

#[test]
fn servers_are_listed_without_values_and_removed() {
    let installation = Installation::empty();
    run(&installation, &LINEAR);
    run(&installation, &FILES);
    assert_snapshot!(run(&installation, &["mcp", "list"]), @r"
    exit status 0
    NAME  TRANSPORT  TARGET  SECRETS  CREDENTIAL ARGUMENTS
    files  stdio  mcp-files  secret://files-token  api_token
    linear  http  https://mcp.linear.app  secret://linear-prod  -
    ");
    assert_snapshot!(run(&installation, &["mcp", "remove", "linear"]), @r"
    exit status 0
    Removed the server linear from [directory]/vault.toml. Its secrets are kept.
    Restart the server, or run `toolvault reload`, to apply this.
    ");
    assert_snapshot!(run(&installation, &["mcp", "list", "--json"]), @r#"
    exit status 0
    [
      {
        "name": "files",
        "transport": "stdio",
        "target": "mcp-files",
        "secrets": [
          "secret://files-token"
        ],
        "credential_arguments": [
          "api_token"
        ]
      }
    ]
    "#);
    assert_snapshot!(run(&installation, &["mcp", "remove", "linear"]), @r"
    exit status 1
    error: there is no server 'linear' in [directory]/vault.toml
    hint: toolvault mcp list shows them
    ");
}

#[test]
fn comments_order_and_mode_of_the_file_stay() {
    let (installation, path) = with_file(KEPT);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let added = run(
        &installation,
        &[
            "mcp",
            "add",
            "new",
            "http://127.0.0.1:9/mcp",
            "--allow-private-network",
        ],
    );
    assert!(added.starts_with("exit status 0"), "{added}");
    let text = std::fs::read_to_string(&path).unwrap();
    assert_snapshot!(text, @r#"
    # Ours.
    listen = '127.0.0.1:9'   # not the default

    [gateway]
    sandbox = "on" # always

    [gateway.servers.old]
    url = 'https://old.example/mcp'

    [gateway.servers.new]
    url = "http://127.0.0.1:9/mcp"
    allow_private_network = true

    [limits]
    secrets = 5
    "#);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    run(&installation, &["mcp", "remove", "new"]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), KEPT);
}

#[test]
fn inline_and_dotted_tables_are_added_to() {
    for text in [
        "gateway = { sandbox = 'off' }\n",
        "gateway.servers.old.url = 'https://old.example/mcp'\n",
        "[gateway]\nservers = { old = { url = 'https://old.example/mcp' } }\n",
    ] {
        let (installation, path) = with_file(text);
        let added = run(
            &installation,
            &["mcp", "add", "new", "https://new.example/mcp"],
        );
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(added.starts_with("exit status 0"), "{added}{text}");
        let listed = run(&installation, &["mcp", "list"]);
        assert!(
            listed.contains("new  http  https://new.example"),
            "{text}{listed}"
        );
        let removed = run(&installation, &["mcp", "remove", "new"]);
        assert!(removed.starts_with("exit status 0"), "{removed}");
    }
}

#[test]
fn a_name_that_exists_is_replaced_only_when_that_is_asked_for() {
    let (installation, path) = with_file(KEPT);
    let mut arguments = vec!["mcp", "add", "old", "https://new.example/mcp"];
    assert_snapshot!(run(&installation, &arguments), @r"
    exit status 1
    error: there is a server 'old' in [directory]/vault.toml
    hint: add --replace
    ");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), KEPT);
    arguments.push("--replace");
    run(&installation, &arguments);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("new.example") && !text.contains("old.example"),
        "{text}"
    );
}

#[test]
fn a_literal_credential_is_refused_with_how_to_store_it() {
    let (installation, path) = with_file(KEPT);
    let url = "https://mcp.example/mcp";
    assert_snapshot!(run(&installation, &["mcp", "add", "s", url, "--header", "Authorization: Bearer canary"]), @r"
    exit status 1
    error: the header Authorization seems to hold a credential; a configuration file must not hold one
    hint: store it (you are asked for the value): toolvault secret create s-key --tool 's__*' --arg headers.Authorization; then write secret://s-key, or inside other text {{ secret://s-key }}
    ");
    for arguments in [
        &["s", url, "--header", "X-API-Key: canary"][..],
        &[
            "s",
            url,
            "--header",
            "Authorization: Bearer secret://canary",
        ],
        &["s", "https://mcp.example/mcp?api_key=canary"],
        &["s", "--env", "API_TOKEN=canary", "--", "x"],
        &["s", "--", "x", "--api-key=canary"],
        &["s", "--", "x", "--api-key", "canary"],
        &["s", "--", "x", "--env=API_KEY=canary"],
        &["s", "--", "x", "--config", r#"{"apiKey": "canary"}"#],
        &[
            "s",
            "--env",
            r#"HEADERS={"Authorization": "Bearer canary"}"#,
            "--",
            "x",
        ],
        &[
            "s",
            "--env",
            "DATABASE=Server=db;Password=canary;",
            "--",
            "x",
        ],
        &["s", "https://mcp.example/s/Zm4Kq81LxP0dTn7RwYb2canary"],
    ] {
        let arguments = [&["mcp", "add"], arguments].concat();
        let transcript = run(&installation, &arguments);
        assert!(transcript.starts_with("exit status 1\n"), "{transcript}");
        assert!(transcript.contains("credential"), "{transcript}");
        assert!(!transcript.contains("canary"), "{transcript}");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), KEPT);
}

#[test]
fn a_program_of_this_folder_can_be_started_from_another() {
    let (installation, path) = with_file("");
    std::fs::write(installation.path().join("run.sh"), "").unwrap();
    let added = run(
        &installation,
        &["mcp", "add", "s", "--", "./run.sh", "run.sh"],
    );
    assert!(added.starts_with("exit status 0\n"), "{added}");
    let text = std::fs::read_to_string(path).unwrap();
    let here = installation.path().display();
    assert_eq!(
        text,
        format!(
            "[gateway.servers.s]\ncommand = [\"{here}/run.sh\", \"run.sh\"]\ndirectory = \"{here}\"\n"
        )
    );
}

#[test]
fn settings_are_written_whatever_they_are_called() {
    let (installation, _) = with_file(KEPT);
    for setting in [
        "AUTH_MODE=production",
        "API_KEY_HEADER=X-Key",
        "TOKEN_ENDPOINT=https://login.example/token",
        "GOOGLE_APPLICATION_CREDENTIALS=/srv/account.json",
        "MAX_TOKENS=4096",
    ] {
        let arguments = ["mcp", "add", "s", "--replace", "--env", setting, "--", "x"];
        let transcript = run(&installation, &arguments);
        assert!(transcript.starts_with("exit status 0\n"), "{transcript}");
    }
}

#[test]
fn what_the_server_would_not_start_with_is_not_written() {
    let (installation, path) = with_file(KEPT);
    assert_snapshot!(run(&installation, &["mcp", "add", "s", "http://127.0.0.1:1/canary"]), @r"
    exit status 1
    error: gateway.servers.s.url: the host has a private, local or reserved address; allow_private_network = true permits a private or loopback address
    ");
    assert_snapshot!(run(&installation, &["mcp", "add", "s", "https://h/", "--header", "Host: canary"]), @r"
    exit status 1
    error: gateway.servers.s.headers.Host: this header belongs to the protocol and cannot be set
    ");
    assert_snapshot!(run(&installation, &["mcp", "add", "S", "https://h/"]).lines().nth(1).unwrap(), @"error: invalid value 'S' for '<NAME>': a server's name has 1 to 32 characters, of a-z, 0-9 and '-', and does not begin with '-'");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), KEPT);

    std::fs::write(&path, "listen = canary").unwrap();
    assert_snapshot!(run(&installation, &["mcp", "add", "s", "https://h/"]), @r"
    exit status 1
    error: [directory]/vault.toml is not a TOML document
    hint: toolvault config names the line
    ");
}

/// Whoever can store a secret would decide which code the program runs.
#[test]
fn a_variable_that_decides_which_code_runs_gets_no_secret() {
    let installation = Installation::empty();
    let add = |variable: &str| {
        let arguments = ["mcp", "add", "x", "--env", variable, "--", "true"];
        run(&installation, &arguments)
    };
    let refused = add("LD_PRELOAD=secret://a");
    assert!(refused.starts_with("exit status 1\n"), "{refused}");
    assert!(
        refused.contains("LD_PRELOAD decides which code a program runs"),
        "{refused}"
    );
    assert!(!installation.path().join("vault.toml").exists());
    for variable in ["CARGO_REGISTRY_TOKEN=secret://a", "LD_LIBRARY_PATH=/opt"] {
        let added = add(variable);
        assert!(added.starts_with("exit status "), "{added}");
        assert!(!added.contains("decides"), "{added}");
    }
}
