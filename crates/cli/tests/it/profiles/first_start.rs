//! The profile that the first start of a server makes, on a terminal.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use insta::assert_snapshot;

use super::{file, login, run};
use crate::secrets::Client;

/// Starts a server on a terminal and a fresh store, ends it, and returns what it told after the address.
fn first_start(client: &Client, data: &str) -> String {
    let serve = client.installation.command(&[]);
    let serve = format!(
        "{} serve --listen 127.0.0.1:0",
        serve.get_program().to_str().unwrap()
    );
    let mut terminal = Command::new("script");
    let mut terminal = terminal
        .args(["--quiet", "--return", "--command", &serve, "/dev/null"])
        .env("HOME", client.installation.path().join("home"))
        .env("TOOLVAULT_DATA_DIR", client.installation.path().join(data))
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("XDG_CONFIG_HOME")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(terminal.stdout.take().unwrap()).lines();
    let lines = lines
        .map_while(Result::ok)
        .skip_while(|line| !line.contains("Toolvault listens"));
    let told: Vec<String> = lines.take_while(|line| !line.starts_with("Next")).collect();
    // Ctrl-C.
    terminal.stdin.take().unwrap().write_all(b"\x03").unwrap();
    terminal.wait().unwrap();
    let text = told.join("\n").replace(&client.server.url, "[server]");
    let (first, rest) = text.split_once('\n').unwrap();
    let url = first.split(' ').nth(3).unwrap();
    rest.replace(url, "[new]").replace('\r', "")
}

#[test]
fn the_first_start_makes_a_profile_and_replaces_none() {
    let client = Client::new();
    assert_snapshot!(first_start(&client, "one"), @"Commands on this machine use the profile 'default', which has your key and the agent's.");
    let made = fs::read(file(&client)).unwrap();
    let taken = first_start(&client, "two");
    let url = taken.split_once("is in use for ").unwrap().1;
    let url = url.split_once("/.").unwrap().0;
    assert_snapshot!(taken.replace(url, "[first]"), @r"
    No profile was made: 'default' is in use for [first]/.
    Sign in with your key, and again with the agent's: toolvault login [new] --profile NAME
    ");
    assert_eq!(fs::read(file(&client)).unwrap(), made);
    run(&client, &["logout"], "");
    login(&client, &["--profile", "work"]);
    let made = fs::read(file(&client)).unwrap();
    assert_snapshot!(first_start(&client, "three"), @r"
    No profile was made: 'work' is in use for [server]/.
    Sign in with your key, and again with the agent's: toolvault login [new] --profile NAME
    ");
    assert_eq!(fs::read(file(&client)).unwrap(), made);
}
