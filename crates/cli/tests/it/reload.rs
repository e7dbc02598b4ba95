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

#[test]
fn without_a_server_there_is_nothing_to_reload() {
    let installation = Installation::set_up();
    assert_snapshot!(installation.run(&["reload"]), @r"
    exit status 1
    error: no server with a control socket uses this store
    hint: toolvault serve starts one; a server on PostgreSQL reloads on SIGHUP
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
        ("this is not TOML", "everything stays as it was"),
        (
            "[gateway.limits]\nprocesses = 0\n",
            "everything stays as it was",
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
