//! A profile that is made while a program runs.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::{Client, PATH, WITHOUT_NAMESPACES, behind, configure, is_effective};
use crate::installation::{Installation, Server};

#[test]
fn a_profile_that_is_made_while_a_program_runs_is_hidden_from_it() {
    let with_namespaces = is_effective(&[], "mount-namespace");
    if with_namespaces {
        assert!(signing_in("on", &[]).starts_with("failed: "));
    }
    let before: &[&str] = if with_namespaces {
        &WITHOUT_NAMESPACES
    } else {
        &[]
    };
    if is_effective(before, "landlock") && !is_effective(before, "mount-namespace") {
        assert!(signing_in("on", before).starts_with("failed: "));
    }
    let read = signing_in("off", &[]);
    assert!(read.contains("tvk_"), "it is the control: {read}");
}

/// Signs in while a program waits for a word, and returns what it reads then in the file of the profiles.
fn signing_in(sandbox: &str, before: &[&str]) -> String {
    let installation = Installation::empty();
    let lifeline = TcpListener::bind("127.0.0.1:0").unwrap();
    let configuration = configure(&installation, &lifeline);
    let text = std::fs::read_to_string(&configuration).unwrap();
    let text = text.replace("sandbox = 'on'", &format!("sandbox = '{sandbox}'"));
    let text = text.replace("API_TOKEN = 'secret://intruder-token', ", "");
    std::fs::write(&configuration, text).unwrap();
    let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("TOOLVAULT_CONFIG", configuration)
        .env("PATH", PATH);
    let server = Server::start(&mut behind(before, &command));
    let key = installation.first_key("agent_key");
    let client = Client::begin(&server, &key).unwrap();
    let (mut held, _) = lifeline.accept().unwrap();
    let folder = installation.path().join("home/.config/toolvault");
    let file = folder.join("profiles.toml");
    let read = std::thread::scope(|threads| {
        let call = || client.call("read_when_told", &json!({"path": file}));
        let call = threads.spawn(call);
        // The program has the call once it says so.
        held.read_exact(&mut [0]).unwrap();
        let mut command = installation.command(&["login", &server.url]);
        let signed_in =
            installation.transcript(&mut command, &installation.first_key("operator_key"));
        assert!(signed_in.starts_with("exit status 0"), "{signed_in}");
        held.write_all(b".").unwrap();
        call.join().unwrap()
    });
    assert!(file.exists());
    let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    read
}
