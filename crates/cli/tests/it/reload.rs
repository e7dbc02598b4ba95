//! `reload`: settings that take effect, settings that need a restart, and refusals.

use insta::assert_snapshot;

use crate::installation::{Installation, Server};

/// A server that reads `vault.toml`.
fn served(installation: &Installation, text: &str) -> Server {
    write(installation, text);
    let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("TOOLVAULT_CONFIG", installation.path().join("vault.toml"));
    Server::start(&mut command)
}

fn write(installation: &Installation, text: &str) {
    std::fs::write(installation.path().join("vault.toml"), text).unwrap();
}

#[test]
fn it_tells_what_is_applied_and_what_needs_a_restart() {
    let installation = Installation::empty();
    let server = served(&installation, "cache_bytes = 1000000\n");
    assert_snapshot!(installation.run(&["reload"]), @r"
    exit status 0
    Nothing has changed.
    ");
    let text = "cache_bytes = 2000000\n[gateway.servers.files]\ncommand = ['sh', 'canary']\n";
    write(&installation, text);
    let expected =
        "exit status 0\napplied: gateway.servers.files.command\nneeds a restart: cache_bytes";
    assert_eq!(installation.run(&["reload"]), expected);
    // A setting that needs a restart is reported until the restart.
    assert_snapshot!(installation.run(&["reload"]), @r"
    exit status 0
    needs a restart: cache_bytes
    ");
    let report = installation.json(&["reload", "--json"]);
    assert_eq!(report["restart"], serde_json::json!(["cache_bytes"]));
    assert_eq!(report["applied"], serde_json::json!([]));
    assert_eq!(report["certificate"], false);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_configuration_that_cannot_be_used_changes_nothing_and_is_refused_with_the_reason() {
    let installation = Installation::empty();
    let server = served(&installation, "");
    write(&installation, "[gateway.servers.files]\ncommand = []\n");
    let refused = installation.run(&["reload"]);
    assert!(refused.starts_with("exit status 1\nerror: "), "{refused}");
    assert!(
        refused.contains("gateway.servers.files.command"),
        "{refused}"
    );
    write(&installation, "");
    assert!(
        installation
            .run(&["reload"])
            .contains("Nothing has changed.")
    );
    assert_eq!(server.stop(), Some(0));
}

/// Whether agents find the server at its path.
fn knows(server: &Server, installation: &Installation, name: &str) -> bool {
    use std::io::{Read as _, Write as _};
    let address = server.url.strip_prefix("http://").unwrap();
    let key = installation.first_key("agent_key");
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let length = body.len();
    let mut connection = std::net::TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /mcp/{name} HTTP/1.0\r\nhost: {address}\r\nx-api-key: {key}\r\naccept: application/json, text/event-stream\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    connection.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(!answer.contains(" 401 "), "{answer}");
    !answer.contains("\"code\":1004")
}

#[test]
fn a_hang_up_reads_it_again_and_a_file_that_cannot_be_used_changes_nothing() {
    use rustix::process::Signal;
    let installation = Installation::empty();
    let server_of = |name: &str, settings: &str| format!("[gateway.servers.{name}]\n{settings}\n");
    let mut server = served(&installation, &server_of("first", "command = ['sh']"));
    let known =
        |server: &Server| ["first", "second"].map(|name| knows(server, &installation, name));
    assert_eq!(known(&server), [true, false]);
    for (bad, reason) in [
        ("[[[".to_owned(), "vault.toml"),
        (
            server_of("second", "command = []"),
            "gateway.servers.second.command",
        ),
        (
            server_of("second", "command = ['sh']") + "[gateway]\nsandbox = 'perhaps'\n",
            "gateway.sandbox",
        ),
    ] {
        write(&installation, &bad);
        server.signal(Signal::HUP);
        let told = server.wait_for("the old one stays in use");
        assert!(told.contains("ERROR") && told.contains(reason), "{told}");
        assert_eq!(known(&server), [true, false], "{bad}");
    }
    write(&installation, &server_of("second", "command = ['sh']"));
    server.signal(Signal::HUP);
    let told = server.wait_for("the configuration was reloaded");
    assert!(
        told.contains("gateway.servers.first.command gateway.servers.second.command"),
        "{told}"
    );
    assert_eq!(known(&server), [false, true]);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn without_a_server_there_is_nothing_to_reload() {
    let installation = Installation::set_up();
    assert_snapshot!(installation.run(&["reload"]), @r"
    exit status 1
    error: no server runs on this data directory
    hint: a server reads its configuration when it starts: toolvault serve
    ");
    // Nothing connects to the database: no server there would hear of it.
    let mut command = installation.command(&["reload"]);
    command.env(
        "TOOLVAULT_DATABASE_URL",
        "postgres://nobody@127.0.0.1:1/none",
    );
    assert_snapshot!(installation.transcript(&mut command, ""), @r"
    exit status 1
    error: this reaches the server on an embedded database; those on PostgreSQL reload on SIGHUP, each on its own
    hint: on each machine: systemctl reload toolvault; or: kill -HUP and the ID of its process
    ");
}

#[test]
fn sighup_reads_the_configuration_again_and_a_bad_file_ends_nothing() {
    use rustix::process::Signal;

    let installation = Installation::empty();
    let mut server = served(&installation, "");
    for (text, logged) in [
        (
            "[gateway]\nsandbox = 'off'\n",
            "\"applied\":\"gateway.sandbox\"",
        ),
        (
            "[gateway.limits]\nprocesses = 1\n",
            "gateway.limits.processes",
        ),
        ("this is not TOML", "the old one stays in use"),
        (
            "[gateway.limits]\nprocesses = 0\n",
            "the old one stays in use",
        ),
        (
            "[gateway.limits]\nprocesses = 2\n",
            "\"applied\":\"gateway.limits.processes\"",
        ),
    ] {
        write(&installation, text);
        server.signal(Signal::HUP);
        let line = server.wait_for("configuration");
        assert!(line.contains(logged), "{text} {line}");
    }
    assert_eq!(server.stop(), Some(0));
}
