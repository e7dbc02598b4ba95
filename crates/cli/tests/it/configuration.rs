//! `config`, and the sources of the configuration.

use std::path::PathBuf;

use insta::assert_snapshot;

use crate::installation::Installation;

fn file_with(installation: &Installation, text: &str) -> PathBuf {
    let file = installation.path().join("vault.toml");
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
#[expect(clippy::too_many_lines, reason = "all settings are one text")]
fn each_value_is_shown_with_where_it_came_from() {
    let installation = Installation::empty();
    let text = "listen = '127.0.0.1:1'\ncolour = 'canary'\n[limits]\nsecrets = 5\n";
    let file = file_with(&installation, text);
    let arguments = ["config", "--root-key-file", "/etc/key", "--insecure-http"];
    let mut command = installation.command(&arguments);
    command
        .env("TOOLVAULT_CONFIG", file)
        .env("TOOLVAULT_LIMITS__BODY_BYTES", "2048")
        .env("TOOLVAULT_DATABASE_URL", "postgres://v:canary@localhost/v")
        .env("TOOLVAULT_SERVICE_HOST", "canary");
    let transcript = installation.transcript(&mut command, "");
    assert!(!transcript.contains("canary"), "{transcript}");
    assert_snapshot!(transcript, @r#"
    exit status 0
    alarms.allow_private_network = false  # default
    alarms.failures = 20  # default
    audit.checkpoints.s3.allow_private_network = false  # default
    audit.ship.allow_private_network = false  # default
    audit.ship.allow_unclean_end = false  # default
    audit.uses = "system"  # default
    backup.keep = 7  # default
    cache_bytes = 268435456  # default
    consistency = "bounded"  # default
    dashboard.enabled = true  # default
    dashboard.idle_minutes = 30  # default
    dashboard.session_hours = 12  # default
    data_dir = "[directory]/data"  # TOOLVAULT_DATA_DIR
    database_url = <set>  # TOOLVAULT_DATABASE_URL
    gateway.allow_broad_patterns = false  # default
    gateway.allowed_hosts = []  # default
    gateway.limits.approval_timeout_seconds = 600  # default
    gateway.limits.approval_wait_seconds = 50  # default
    gateway.limits.message_bytes = 16777216  # default
    gateway.limits.process_idle_seconds = 900  # default
    gateway.limits.processes = 256  # default
    gateway.limits.processes_per_caller = 32  # default
    gateway.limits.session_idle_seconds = 3600  # default
    gateway.limits.sessions = 4096  # default
    gateway.limits.sessions_per_caller = 64  # default
    gateway.limits.silence_seconds = 300  # default
    gateway.sandbox = "auto"  # default
    insecure_http = true  # --insecure-http
    limits.body_bytes = 2048  # TOOLVAULT_LIMITS__BODY_BYTES
    limits.body_seconds = 30  # default
    limits.bytes = 1048576  # default
    limits.connections = 1024  # default
    limits.header_seconds = 10  # default
    limits.requests_per_second = 0  # default
    limits.secrets = 5  # [directory]/vault.toml
    limits.shutdown_seconds = 30  # default
    limits.sign_in_failures_per_minute = 600  # default
    limits.versions = 10  # default
    listen = "[address]"  # [directory]/vault.toml
    log_format = "auto"  # default
    root_key.file = "/etc/key"  # --root-key-file
    traces.allow_private_network = false  # default
    traces.continue = false  # default
    traces.percent = 100  # default
    trusted_proxies = []  # default
    warning: colour ([directory]/vault.toml) is not a setting of toolvault
    warning: TOOLVAULT_SERVICE_HOST is not a variable of toolvault
    "#);
}

#[test]
fn a_misspelt_setting_is_told_with_the_one_that_is_near() {
    let installation = Installation::empty();
    let file = file_with(
        &installation,
        "lisen = '127.0.0.1:1'\n[tls]\ncert = 'x'\n[gateway.servers.a]\ncommnad = ['b']\nurl = 'http://127.0.0.1'\n[auth.issuers.b]\nclientid = 'c'\n",
    );
    let mut command = installation.command(&["config", "--config", file.to_str().unwrap()]);
    let output = command
        .env("TOOLVAULT_LIMITS__SECRET", "1")
        .output()
        .unwrap();
    let warnings = String::from_utf8(output.stderr).unwrap();
    let meant: Vec<&str> = warnings
        .lines()
        .filter_map(|line| Some(line.split_once("; did you mean ")?.1))
        .collect();
    assert_eq!(
        meant,
        [
            "auth.issuers.b.client_id?",
            "gateway.servers.a.command?",
            "listen?",
            "tls.certificate?",
            "TOOLVAULT_LIMITS__SECRETS?",
        ],
        "{warnings}"
    );
}

#[test]
fn what_may_hold_a_credential_of_a_server_is_hidden() {
    let installation = Installation::empty();
    let file = file_with(
        &installation,
        "[gateway.servers.linear]
url = 'https://mcp.example/canary'
headers = { Authorization = 'Bearer canary' }
[gateway.servers.files]
command = ['mcp-files', 'canary']
env = { API_TOKEN = 'secret://canary' }
allow_override = true
",
    );
    let transcript = installation.run(&["config", "--config", file.to_str().unwrap()]);
    assert!(!transcript.contains("canary"), "{transcript}");
    let servers = |line: &&str| line.contains("gateway.servers.");
    let lines: Vec<&str> = transcript.lines().filter(servers).collect();
    assert_snapshot!(lines.join("\n"), @r#"
    gateway.servers.files.allow_override = true  # [directory]/vault.toml
    gateway.servers.files.command = ["mcp-files","<set>"]  # [directory]/vault.toml
    gateway.servers.files.env.API_TOKEN = <set>  # [directory]/vault.toml
    gateway.servers.linear.headers.Authorization = <set>  # [directory]/vault.toml
    gateway.servers.linear.url = <set>  # [directory]/vault.toml
    warning: gateway.servers.linear.headers.Authorization ([directory]/vault.toml) holds a literal credential; store it with toolvault secret create and write a reference
    "#);
}

#[test]
fn the_root_key_of_the_environment_is_hidden() {
    let installation = Installation::empty();
    let mut command = installation.command(&["config", "--json"]);
    command.env("TOOLVAULT_ROOT_KEY", "canary");
    let output = command.output().unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        shown["root_key"],
        serde_json::json!({"value": "<set>", "from": "TOOLVAULT_ROOT_KEY"})
    );
    assert!(shown.get("root_key.file").is_none());
}

#[test]
fn the_platforms_file_is_read_if_no_other_is_named() {
    let installation = Installation::empty();
    let directory = installation.path().join("home/.config/toolvault");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("toolvault.toml"), "cache_bytes = 7").unwrap();
    assert_eq!(
        installation.json(&["config", "--json"])["cache_bytes"]["value"],
        7
    );
    let other = installation.path().join("other.toml");
    std::fs::write(&other, "cache_bytes = 8").unwrap();
    let mut command = installation.command(&["config", "--json"]);
    let output = command.env("TOOLVAULT_CONFIG", &other).output().unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["cache_bytes"]["value"], 8);
    assert_eq!(shown["cache_bytes"]["from"], other.to_str().unwrap());
}

#[test]
fn the_data_directory_defaults_to_the_platforms() {
    let installation = Installation::empty();
    let mut command = installation.command(&["config", "--json"]);
    let output = command.env_remove("TOOLVAULT_DATA_DIR").output().unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = installation.path().join("home/.local/share/toolvault");
    assert_eq!(shown["data_dir"]["value"], expected.to_str().unwrap());
    assert_eq!(
        shown["root_key.file"]["value"],
        format!("{}.root.key", expected.display())
    );
}

#[test]
fn what_cannot_be_used_is_told_all_at_once() {
    let installation = Installation::empty();
    let mut command = installation.command(&["serve"]);
    command
        .env("TOOLVAULT_LISTEN", "canary")
        .env("TOOLVAULT_AUDIT__USES", "canary")
        .env("TOOLVAULT_LIMITS__VERSIONS", "0");
    assert_snapshot!(installation.transcript(&mut command, ""), @r#"
    exit status 1
    error: listen (TOOLVAULT_LISTEN): expected an address and a port, as in [address] or [::1]:8710; limits.versions (TOOLVAULT_LIMITS__VERSIONS): expected a whole number from 1 on; audit.uses (TOOLVAULT_AUDIT__USES): expected "system" or "disk"
    hint: toolvault config shows where each value came from
    "#);
    assert_snapshot!(installation.run(&["user", "list", "--config", "/nowhere/vault.toml"]), @r"
    exit status 1
    error: cannot read the configuration file /nowhere/vault.toml: No such file or directory (os error 2)
    hint: toolvault config shows where each value came from
    ");
    assert!(!installation.data_dir().exists());
}

#[test]
fn a_root_key_from_a_command_and_from_a_passphrase_open_the_store() {
    for setting in ["command", "passphrase_file"] {
        let installation = Installation::empty();
        let secret = installation.path().join("secret");
        let (text, value) = match setting {
            "command" => {
                let text = "8f1e2d3c4b5a69788796a5b4c3d2e1f00112233445566778899aabbccddeeff7";
                (text, format!("[\"cat\", \"{}\"]", secret.display()))
            }
            _ => (
                "correct horse battery staple\n",
                format!("\"{}\"", secret.display()),
            ),
        };
        std::fs::write(&secret, text).unwrap();
        let file = installation.path().join("vault.toml");
        std::fs::write(&file, format!("[root_key]\n{setting} = {value}\n")).unwrap();
        let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
        let path = crate::installation::variable("PATH").unwrap();
        command.env("TOOLVAULT_CONFIG", &file).env("PATH", &path);
        assert_eq!(
            crate::installation::Server::start(&mut command).stop(),
            Some(0)
        );
        assert!(!installation.path().join("data.root.key").exists());
        let mut command = installation.command(&["user", "list"]);
        command.env("TOOLVAULT_CONFIG", &file).env("PATH", &path);
        let listed = installation.transcript(&mut command, "");
        assert!(listed.starts_with("exit status 0"), "{setting}: {listed}");
    }
}
