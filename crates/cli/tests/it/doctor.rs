//! `doctor`: a sound installation, and each problem.

use insta::assert_snapshot;

use crate::installation::{Installation, Server};

#[test]
fn a_sound_installation_is_sound() {
    let installation = Installation::set_up();
    std::fs::remove_file(installation.path().join("data.first-keys")).unwrap();
    assert_snapshot!(installation.run(&["doctor"]), @r"
    exit status 0
    ok  configuration: every setting can be used
    ok  root key file: only the owner can read [directory]/data.root.key
    ok  clock: the time is [time]
    ok  store: it opens with this root key
    note  server: no server is running on this data directory
           fix: toolvault serve
    ok  engine: SQLite 3.51.3
    ok  keys: 2 are active, and none expires within 14 days
    ok  names: no user has two secrets with the same name
    ");
    let server = installation.serve(&[]);
    let report = installation.json(&["doctor", "--json"]);
    assert_eq!(report["ok"], true);
    assert!(
        report
            .to_string()
            .contains("it is running, and local commands go through it")
    );
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_store_without_a_valid_key_is_told() {
    let installation = Installation::set_up();
    for name in ["operator_key", "agent_key"] {
        let key = installation.first_key(name);
        installation.output(&["key", "revoke", &key]);
    }
    let report = installation.run(&["doctor"]);
    assert!(
        report.contains(
            "note  keys: no key is active, so no agent and no command over the network can do anything
       fix: toolvault key create --user NAME --scope SCOPE"
        ),
        "{report}"
    );
}

#[test]
fn an_exposed_or_missing_or_different_root_key_is_found_with_its_fix() {
    use std::os::unix::fs::PermissionsExt as _;
    let installation = Installation::set_up();
    let key = installation.path().join("data.root.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let exposed = installation.run(&["doctor"]);
    assert!(exposed.starts_with("exit status 1"), "{exposed}");
    assert!(
        exposed.contains("is open to everybody (mode 0644)"),
        "{exposed}"
    );
    assert!(
        exposed.contains("fix: chmod 600 [directory]/data.root.key"),
        "{exposed}"
    );

    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(
        &key,
        "0f1e2d3c4b5a69788796a5b4c3d2e1f00112233445566778899aabbccddeeff1",
    )
    .unwrap();
    let different = installation.run(&["doctor"]);
    assert!(different.starts_with("exit status 1"), "{different}");
    assert!(
        different.contains("the root key does not open this store"),
        "{different}"
    );

    std::fs::remove_file(&key).unwrap();
    let missing = installation.run(&["doctor"]);
    assert!(missing.starts_with("exit status 1"), "{missing}");
    assert!(missing.contains("restore it from your backup"), "{missing}");
}

#[test]
fn a_database_that_cannot_be_reached_is_found() {
    let installation = Installation::set_up();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("postgres://vault:canary-password@{free}/vault");
    let transcript = installation.run(&["doctor", "--database-url", &url]);
    assert!(transcript.starts_with("exit status 1"), "{transcript}");
    assert!(
        transcript.contains("store: cannot reach the database"),
        "{transcript}"
    );
    assert!(!transcript.contains("canary"), "{transcript}");
    let listed = installation.run(&["user", "list", "--database-url", &url]);
    assert!(
        listed.starts_with("exit status 2\nerror: cannot reach the database"),
        "{listed}"
    );
    assert!(!listed.contains("canary"), "{listed}");
}

#[test]
fn keys_that_end_soon_and_names_of_several_secrets_are_told() {
    let installation = Installation::empty();
    let server = installation.serve(&[]);
    let ending = installation.json(&[
        "key",
        "create",
        "--user",
        "default",
        "--scope",
        "use",
        "--expires",
        "3d",
        "--json",
    ]);
    let operator = installation.first_key("operator_key");
    for value in ["value-one", "value-two"] {
        let mut command = installation.command(&["secret", "create", "twin"]);
        command
            .env("TOOLVAULT_URL", &server.url)
            .env("TOOLVAULT_API_KEY", &operator);
        let made = installation.transcript(&mut command, value);
        assert!(made.starts_with("exit status 0"), "{made}");
    }
    let transcript = installation.run(&["doctor"]);
    assert!(transcript.starts_with("exit status 0"), "{transcript}");
    let id = ending["key_id"].as_str().unwrap();
    assert!(
        transcript.contains(&format!("note  keys: {id} (cli) expires at")),
        "{transcript}"
    );
    assert!(
        transcript.contains("the user default has 1 names that several secrets share"),
        "{transcript}"
    );
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_configuration_that_cannot_be_used_is_found() {
    let installation = Installation::set_up();
    let mut command = installation.command(&["doctor"]);
    command.env("TOOLVAULT_CACHE_BYTES", "many");
    assert_snapshot!(installation.transcript(&mut command, ""), @r"
    exit status 1
    WRONG  configuration: cache_bytes (TOOLVAULT_CACHE_BYTES): expected a whole number
           fix: fix the settings; toolvault config shows where each came from
    ");
}

#[test]
fn servers_that_are_programs_are_looked_for_and_what_shuts_them_in_is_told() {
    let installation = Installation::set_up();
    let file = installation.path().join("vault.toml");
    let text = "[gateway.servers.files]\ncommand = ['mcp-files']\n[gateway.servers.shell]\ncommand = ['sh']\n";
    std::fs::write(&file, text).unwrap();
    let doctor = |path: &str| {
        let mut command = installation.command(&["doctor"]);
        command.env("TOOLVAULT_CONFIG", &file).env("PATH", path);
        installation.transcript(&mut command, "")
    };
    let transcript = doctor("/usr/bin:/bin");
    assert!(transcript.starts_with("exit status 0"), "{transcript}");
    assert!(
        transcript.contains("note  tool servers: files: cannot start 'mcp-files': not found\n"),
        "{transcript}"
    );
    assert!(!transcript.contains("'sh'"), "{transcript}");
    assert!(
        doctor("/nowhere").contains("note  tool servers: shell: cannot start 'sh': not found\n")
    );
    // The message for a machine without a sandbox is tested next to the check.
    if cfg!(target_os = "linux") {
        assert!(
            transcript.contains("ok  sandbox: tool servers run in a sandbox ("),
            "{transcript}"
        );
    }
    std::fs::write(&file, format!("gateway.sandbox = 'off'\n{text}")).unwrap();
    assert!(doctor("/bin").contains("note  sandbox: it is off: tool servers can read"));
}

#[test]
fn a_key_that_a_rotation_replaced_is_in_order() {
    let installation = Installation::set_up();
    let made = installation.json(&[
        "key", "create", "--user", "default", "--scope", "use", "--json",
    ]);
    let id = made["key_id"].as_str().unwrap();
    let rotated = installation.json(&["key", "rotate", id, "--json"]);
    let transcript = installation.run(&["doctor"]);
    assert!(transcript.starts_with("exit status 0\n"), "{transcript}");
    assert!(!transcript.contains(id), "{transcript}");
    // Includes one that is still valid for a while, and one that was replaced twice.
    let id = rotated["key_id"].as_str().unwrap();
    let again = installation.json(&["key", "rotate", id, "--overlap", "1d", "--json"]);
    let transcript = installation.run(&["doctor"]);
    assert!(transcript.starts_with("exit status 0\n"), "{transcript}");
    assert!(!transcript.contains("note  keys"), "{transcript}");
    // Without its successor it counts as expired.
    let ended = installation.json(&[
        "key",
        "create",
        "--user",
        "default",
        "--scope",
        "audit",
        "--name",
        "alone",
        "--expires",
        "1s",
        "--json",
    ]);
    installation.output(&["key", "revoke", again["key_id"].as_str().unwrap()]);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let transcript = installation.run(&["doctor"]);
    assert!(transcript.starts_with("exit status 1\n"), "{transcript}");
    assert!(
        transcript.contains(ended["key_id"].as_str().unwrap()),
        "{transcript}"
    );
}

#[test]
fn a_directory_is_no_file() {
    let installation = Installation::set_up();
    let report = installation.run(&["doctor", "--root-key-file", "/"]);
    assert!(
        report.contains("WRONG  root key file: / is a directory"),
        "{report}"
    );
    assert!(!report.contains("chmod"), "{report}");
    assert_snapshot!(installation.run(&["user", "list", "--root-key-file", "/"]), @r"
    exit status 1
    error: cannot use the root key file /: is a directory
    ");
    assert_snapshot!(installation.run(&["backup", "--check", "/"]), @r"
    exit status 1
    error: cannot read /: is a directory
    ");
    assert_snapshot!(installation.run(&["backup", "-"]), @r"
    exit status 1
    error: a backup is not written to standard output
    hint: name a file; one called - is ./-
    ");
}

#[test]
fn systemd_and_health_checks_are_told_when_the_server_is_ready() {
    let installation = Installation::set_up();
    let socket = installation.path().join("notify");
    let told = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
    let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
    let server = Server::start(command.env("NOTIFY_SOCKET", &socket));
    let mut message = [0; 64];
    let length = told.recv(&mut message).unwrap();
    assert_eq!(message[..length].trim_ascii(), b"READY=1");

    let url = server.url.clone();
    let ready = || {
        let mut command = installation.command(&["ready"]);
        installation.transcript(command.env("TOOLVAULT_URL", &url), "")
    };
    assert_eq!(ready(), "exit status 0\nready");
    assert_eq!(server.stop(), Some(0));
    assert!(ready().starts_with("exit status 2\nerror: the server at"));
}

#[test]
fn a_server_below_a_path_is_asked_there_whether_it_is_ready() {
    use std::io::{BufRead as _, BufReader, Write as _};
    let installation = Installation::empty();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = std::thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        let lines = BufReader::new(peer.try_clone().unwrap()).lines();
        let lines = lines.map_while(Result::ok);
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .unwrap();
        head[0].clone()
    });
    let mut command = installation.command(&["ready"]);
    command.env("TOOLVAULT_URL", format!("http://{address}/vault/"));
    assert_eq!(
        installation.transcript(&mut command, ""),
        "exit status 0\nready"
    );
    assert_eq!(proxy.join().unwrap(), "GET /vault/readyz HTTP/1.1");
}
