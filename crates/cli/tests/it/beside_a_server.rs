//! Local commands while a server has the data directory open.

use insta::assert_snapshot;

use crate::installation::{Installation, Server};

fn api(installation: &Installation, server: &Server, key: &str, arguments: &[&str]) -> String {
    let mut command = installation.command(arguments);
    command
        .env("TOOLVAULT_URL", &server.url)
        .env("TOOLVAULT_API_KEY", key);
    installation.transcript(&mut command, "")
}

#[test]
fn what_a_command_changes_holds_for_the_next_request() {
    let installation = Installation::empty();
    let server = installation.serve(&[]);
    let made = installation.json(&[
        "key", "create", "--user", "default", "--scope", "manage", "--json",
    ]);
    let (id, key) = (
        made["key_id"].as_str().unwrap(),
        made["key"].as_str().unwrap(),
    );

    let listed = api(&installation, &server, key, &["secret", "list"]);
    assert!(listed.starts_with("exit status 0\n"), "{listed}");
    installation.output(&["key", "revoke", id]);
    assert_snapshot!(api(&installation, &server, key, &["secret", "list"]), @r"
    exit status 1
    error: Missing or invalid credentials.
    hint: check the key in TOOLVAULT_API_KEY, or sign in with: toolvault login
    ");

    let operator = installation.first_key("operator_key");
    let listed = api(&installation, &server, &operator, &["secret", "list"]);
    assert!(listed.starts_with("exit status 0\n"), "{listed}");
    installation.output(&["user", "disable", "default"]);
    let listed = api(&installation, &server, &operator, &["secret", "list"]);
    assert!(listed.starts_with("exit status 1\n"), "{listed}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn commands_answer_the_same_with_and_without_a_server() {
    let installation = Installation::empty();
    let server = installation.serve(&[]);
    let commands: [&[&str]; 6] = [
        &["user", "list"],
        &["key", "list", "--json"],
        &["audit", "verify", "--json"],
        &["audit", "tail"],
        &["user", "create", "default"],
        &["key", "revoke", "12345678"],
    ];
    let through_the_server: Vec<String> = commands
        .iter()
        .map(|command| installation.run(command))
        .collect();
    assert_eq!(server.stop(), Some(0));
    let by_themselves: Vec<String> = commands
        .iter()
        .map(|command| installation.run(command))
        .collect();
    assert_eq!(through_the_server, by_themselves);
}

#[test]
fn the_socket_and_its_token_are_the_owners_only_and_go_with_the_server() {
    use std::os::unix::fs::PermissionsExt as _;
    let installation = Installation::empty();
    let server = installation.serve(&[]);
    let files = ["control.sock", "control.token"].map(|name| installation.data_dir().join(name));
    for file in &files {
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
    assert_eq!(server.stop(), Some(0));
    assert!(!files.iter().any(|file| file.exists()));
}

#[test]
fn a_command_without_the_servers_token_is_refused() {
    let installation = Installation::empty();
    let server = installation.serve(&[]);
    let token = installation.data_dir().join("control.token");
    let text = std::fs::read_to_string(&token).unwrap();
    std::fs::write(&token, "0".repeat(64)).unwrap();
    assert_snapshot!(installation.run(&["user", "create", "intruder"]), @r"
    exit status 1
    error: the command lacks the token from control.token; check that the command line and the server are the same version
    ");
    std::fs::remove_file(&token).unwrap();
    assert_snapshot!(installation.run(&["user", "create", "intruder"]), @r"
    exit status 2
    error: cannot read control.token in the data directory, which the server writes when it starts: No such file or directory (os error 2)
    hint: restart the server with this version
    ");
    std::fs::write(&token, text).unwrap();
    let listed = installation.run(&["user", "list"]);
    assert!(
        listed.starts_with("exit status 0") && !listed.contains("intruder"),
        "{listed}"
    );
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn the_socket_of_a_server_that_was_killed_is_in_nobodys_way() {
    let installation = Installation::empty();
    drop(installation.serve(&[]));
    assert!(installation.data_dir().join("control.sock").exists());
    assert!(installation.data_dir().join("control.token").exists());
    assert!(
        installation
            .run(&["user", "list"])
            .starts_with("exit status 0")
    );
    let server = installation.serve(&[]);
    assert!(
        installation
            .run(&["user", "list"])
            .starts_with("exit status 0")
    );
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_second_server_on_the_same_directory_is_refused() {
    let installation = Installation::empty();
    let server = installation.serve(&[]);
    assert_snapshot!(installation.run(&["serve", "--listen", "127.0.0.1:0"]), @r"
    exit status 1
    error: the data directory [directory]/data is in use by another process
    hint: only one server at a time can use a data directory; with --database-url, several can share one database
    ");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn several_commands_at_once_take_turns() {
    let installation = Installation::set_up();
    let processes: Vec<_> = (0..4)
        .map(|number| {
            let name = format!("user-{number}");
            let mut command = installation.command(&["user", "create", &name]);
            command.stdout(std::process::Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!(
        installation
            .json(&["user", "list", "--json"])
            .as_array()
            .unwrap()
            .len(),
        5
    );
}
