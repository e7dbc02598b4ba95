//! `login` with a key that the person approves in a browser.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{command, file, run};
use crate::secrets::Client;

/// Sends a request to an address, and returns the whole answer.
fn send(address: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let request = format!(
        "{head}\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn json_in(answer: &str) -> Value {
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn parameter<'a>(page: &'a str, name: &str) -> &'a str {
    let query = page.split_once("#/approve?").unwrap().1;
    let mut pairs = query
        .trim()
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| *known == name).unwrap().1
}

/// What the page does when a person approves who is signed in with the client's key. Returns the code.
fn approve(client: &Client, page: &str, scopes: &[&str]) -> String {
    assert!(page.starts_with(&client.server.url), "{page}");
    assert!(
        parameter(page, "name").starts_with("command+line"),
        "{page}"
    );
    let address = client.server.url.strip_prefix("http://").unwrap();
    let key = json!({"key": client.key}).to_string();
    let begun = send(address, "POST /v1/session HTTP/1.1", &key);
    let cookie = begun.split_once("set-cookie: ").unwrap().1;
    let cookie = cookie.split_once(';').unwrap().0.to_owned();
    let token = json_in(&begun)["csrf_token"].as_str().unwrap().to_owned();
    let body = json!({
        "challenge": parameter(page, "challenge"),
        "name": "laptop", "scopes": scopes, "expires_in": 3600,
    });
    let head =
        format!("POST /v1/session/approvals HTTP/1.1\r\ncookie: {cookie}\r\nx-csrf-token: {token}");
    let approved = json_in(&send(address, &head, &body.to_string()));
    approved["code"].as_str().unwrap().to_owned()
}

/// The path of programs, among which this opens URLs.
fn programs(client: &Client, opener: &str) -> String {
    let folder = client.installation.path().join("programs");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("xdg-open");
    fs::write(&path, format!("#!/bin/sh\n{opener}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:/usr/bin:/bin", folder.display())
}

/// A sign-in with a browser that shows nothing, and the page that it was to show.
fn begin(client: &Client) -> (Child, BufReader<std::process::ChildStderr>, String) {
    let mut process = command(client, &["login", &client.server.url, "--with", "browser"])
        .env("PATH", programs(client, "exit 0"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(process.stderr.take().unwrap());
    let mut lines = String::new();
    for _ in 0..3 {
        errors.read_line(&mut lines).unwrap();
    }
    let page = lines.split_once("else open: ").unwrap().1;
    let (page, rest) = page.split_once('\n').unwrap();
    let digits = parameter(page, "challenge");
    let compared = format!("{}-{}-{}", &digits[..4], &digits[4..8], &digits[8..12]);
    assert!(rest.contains(&compared), "{rest}");
    (process, errors, page.to_owned())
}

/// Signs in, and returns the ID of the key.
fn sign_in(client: &Client, scopes: &[&str]) -> String {
    let (process, mut errors, page) = begin(client);
    let code = approve(client, &page, scopes);
    let address = format!("127.0.0.1:{}", parameter(&page, "port"));
    let challenge = parameter(&page, "challenge");
    // Of another page in the browser.
    let answer = send(&address, "GET /?code=stolen HTTP/1.1", "");
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    let answer = send(
        &address,
        &format!("GET /{challenge}?code={code} HTTP/1.1"),
        "",
    );
    let back = format!("\r\nLocation: {}/#/approved\r\n", client.server.url);
    assert!(answer.contains(&back), "{answer}");
    let output = process.wait_with_output().unwrap();
    let mut rest = String::new();
    errors.read_to_string(&mut rest).unwrap();
    assert!(output.status.success() && rest.is_empty(), "{rest}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.contains(&format!("with the key laptop ({})", scopes.join(", "))),
        "{told}"
    );
    assert!(!told.contains("tvk_"));
    let shown = command(client, &["profile", "show", "--json"])
        .output()
        .unwrap();
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    shown["key_id"].as_str().unwrap().to_owned()
}

fn is_live(client: &Client, id: &str) -> bool {
    let keys = client.installation.json(&["key", "list", "--json"]);
    let mut keys = keys.as_array().unwrap().iter();
    keys.find(|key| key["key_id"] == id).unwrap()["revoked_at"].is_null()
}

#[test]
fn an_approved_key_is_kept_and_ends_with_its_profile() {
    let client = Client::new();
    let first = sign_in(&client, &["manage", "audit"]);
    assert!(run(&client, &["secret", "list"], "").starts_with("exit status 0\n"));
    assert!(is_live(&client, &first));
    // Another one ends the first.
    let second = sign_in(&client, &["manage"]);
    assert!(!is_live(&client, &first) && is_live(&client, &second));
    // The agent's key stays, and is not this command's to revoke.
    let agent = client.installation.first_key("agent_key");
    let kept = run(
        &client,
        &["login", &client.server.url],
        &format!("{agent}\n"),
    );
    assert!(kept.starts_with("exit status 0\n"), "{kept}");
    assert!(is_live(&client, &second));
    let out = run(&client, &["logout"], "");
    assert_snapshot!(out, @r"
    exit status 0
    Removed the profile default (http://[address]/).
    Its key is revoked.
    ");
    assert!(!is_live(&client, &second) && is_live(&client, &agent[4..12]));
    assert!(!fs::read_to_string(file(&client)).unwrap().contains(&second));
}

#[test]
fn a_key_that_cannot_be_revoked_keeps_its_profile() {
    let client = Client::new();
    let id = sign_in(&client, &["audit"]);
    let out = run(&client, &["logout"], "");
    assert_snapshot!(out, @r"
    exit status 1
    error: the key of the profile 'default' could not be revoked: This key lacks the scope 'manage'.
    hint: try again, or only remove the profile with: toolvault logout default --keep-key
    ");
    let out = run(&client, &["logout", "--keep-key"], "");
    assert_snapshot!(out.replace(&id, "[key id]"), @r"
    exit status 0
    Removed the profile default (http://[address]/).
    Its key still works. To end it, run on the server's machine: toolvault key revoke [key id]
    ");
    assert!(is_live(&client, &id));
    // One that was revoked elsewhere is no obstacle.
    let id = sign_in(&client, &["manage"]);
    client.installation.output(&["key", "revoke", &id]);
    let out = run(&client, &["logout"], "");
    assert!(out.contains("Its key is revoked."), "{out}");
}

#[test]
fn an_approval_for_another_command_line_is_refused() {
    let client = Client::new();
    let (process, mut errors, page) = begin(&client);
    let (other, _, elsewhere) = begin(&client);
    let code = approve(&client, &elsewhere, &["manage"]);
    let address = format!("127.0.0.1:{}", parameter(&page, "port"));
    let challenge = parameter(&page, "challenge");
    send(
        &address,
        &format!("GET /{challenge}?code={code} HTTP/1.1"),
        "",
    );
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let mut told = String::new();
    errors.read_to_string(&mut told).unwrap();
    assert_snapshot!(told, @r"
    error: the server did not accept the approval
    hint: an approval is valid for two minutes and one key: run toolvault login again
    ");
    assert!(!file(&client).exists());
    let mut other = other;
    other.kill().unwrap();
    other.wait().unwrap();
}

/// A command on a terminal of its own.
fn on_a_terminal(
    client: &Client,
    arguments: &str,
) -> (Child, impl Iterator<Item = String> + use<>) {
    let plain = client.installation.command(&[]);
    let program = plain.get_program().to_str().unwrap();
    let mut terminal = Command::new("script")
        .args(["--quiet", "--return", "--command"])
        .arg(format!("{program} {arguments}"))
        .arg("/dev/null")
        .env("HOME", client.installation.path().join("home"))
        .env("PATH", programs(client, "exit 3"))
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("XDG_CONFIG_HOME")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(terminal.stdout.take().unwrap()).lines();
    (terminal, lines.map_while(Result::ok))
}

#[test]
fn the_code_is_typed_where_the_browser_is_elsewhere() {
    let client = Client::new();
    let arguments = format!("login {} --with code", client.server.url);
    let (mut terminal, mut lines) = on_a_terminal(&client, &arguments);
    let page = lines.find(|line| line.starts_with("Open: ")).unwrap();
    let page = page.trim().strip_prefix("Open: ").unwrap();
    assert!(!page.contains("port="));
    let code = approve(&client, page, &["manage"]);
    let mut input = terminal.stdin.take().unwrap();
    input.write_all(format!("{code}\n").as_bytes()).unwrap();
    let rest: Vec<String> = lines.collect();
    assert!(terminal.wait().unwrap().success(), "{rest:?}");
    let told = rest.join("\n");
    assert!(
        told.contains("Signed in to ") && !told.contains(&code),
        "{told}"
    );
}

#[test]
fn a_person_signs_in_in_the_browser_where_the_server_has_an_issuer() {
    let client = Client::new();
    let (mut terminal, mut lines) = on_a_terminal(&client, &format!("login {}", client.server.url));
    terminal.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert!(lines.any(|line| line.starts_with("API key: ")));
    terminal.wait().unwrap();
    let path = client.installation.path();
    let settings = "[auth.issuers.corp]\nissuer = \"https://id.example.com\"\n\
                    jwks_url = \"https://id.example.com/jwks\"\nclient_id = \"toolvault\"\n";
    let configuration = path.join("toolvault.toml");
    fs::write(&configuration, settings).unwrap();
    assert_eq!(client.server.stop(), Some(0));
    let server = client
        .installation
        .serve(&["--config", configuration.to_str().unwrap()]);
    let client = Client { server, ..client };
    let (mut terminal, mut lines) = on_a_terminal(&client, &format!("login {}", client.server.url));
    assert!(lines.any(|line| line.starts_with("Approve a key for this command line")));
    terminal.stdin.take().unwrap().write_all(b"\n").unwrap();
    let rest: Vec<String> = lines.collect();
    let mut told = rest.iter();
    assert!(
        told.any(|line| line.trim() == "error: no code was given"),
        "{rest:?}"
    );
    assert_eq!(terminal.wait().unwrap().code(), Some(1));
}
