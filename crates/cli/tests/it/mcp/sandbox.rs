//! A configured program of a real server: what it can read, what it receives, and that no process remains.

mod signing_in;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::script::PATIENCE;
use crate::installation::{Installation, Server};

/// Without the restrictions of the developers' machine.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
const TOKEN: &str = "canary-of-the-program-7d1f";
/// Runs the command without user namespaces, so that only Landlock works.
const WITHOUT_NAMESPACES: [&str; 6] = [
    "unshare",
    "--user",
    "--map-root-user",
    "sh",
    "-c",
    "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\"",
];

#[test]
fn a_program_reads_nothing_of_ours_and_goes_with_the_server() {
    assert!(is_found("python3"), "this test needs python3");
    let with_namespaces = is_effective(&[], "mount-namespace");
    let mut tested = 0;
    if with_namespaces {
        tested += 1;
        check(&[], true);
    } else {
        eprintln!("skipped: this machine has no user namespaces");
    }
    let before: &[&str] = if with_namespaces {
        &WITHOUT_NAMESPACES
    } else {
        &[]
    };
    if is_effective(before, "landlock") && !is_effective(before, "mount-namespace") {
        tested += 1;
        check(before, false);
    } else {
        eprintln!("skipped: this machine has no Landlock, or none without user namespaces");
    }
    assert!(tested > 0, "this machine has no sandbox");
}

#[test]
fn a_program_that_renames_a_parent_directory_is_not_started_again() {
    let key = renaming("off", &[], |renamed, first, second| {
        assert_eq!(renamed, "renamed");
        assert_eq!(first, second, "it is the control: it can read the key");
    });
    assert!(key.len() > 20, "it is the control: {key}");
    let with_namespaces = is_effective(&[], "mount-namespace");
    if with_namespaces {
        renaming("on", &[], |renamed, first, second| {
            assert_eq!(renamed, "renamed");
            assert!(
                second.contains("is not what it was when the server started"),
                "{second}"
            );
            assert!(!first.contains(&key[..20]));
        });
    }
    let before: &[&str] = if with_namespaces {
        &WITHOUT_NAMESPACES
    } else {
        &[]
    };
    if is_effective(before, "landlock") && !is_effective(before, "mount-namespace") {
        renaming("on", before, |renamed, _, second| {
            assert_eq!(renamed, "failed: Permission denied");
            assert_eq!(second, "failed: No such file or directory");
        });
    }
}

/// Makes a program rename a directory above the root key, and reports the result, and that of reading the key at its
/// new path twice: at once, and by a restarted program. Returns what was read in the end.
fn renaming(sandbox: &str, before: &[&str], check: impl Fn(&str, &str, &str)) -> String {
    let installation = Installation::empty();
    let [parent, moved, program, configuration] =
        ["vaults", "moved", "intruder.py", "vault.toml"].map(|name| installation.path().join(name));
    let data = parent.join("inner/data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::write(&program, include_str!("intruder.py")).unwrap();
    let lifeline = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = lifeline.local_addr().unwrap().port();
    let text = format!(
        "[gateway]
sandbox = '{sandbox}'
[gateway.servers.intruder]
command = ['python3', {program:?}, 'none', 'none', 'none', '{port}']
"
    );
    std::fs::write(&configuration, text).unwrap();
    let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("TOOLVAULT_CONFIG", configuration)
        .env("TOOLVAULT_DATA_DIR", &data)
        .env("PATH", PATH);
    let mut server = Server::start(&mut behind(before, &command));
    let keys = std::fs::read_to_string(parent.join("inner/data.first-keys")).unwrap();
    let keys = keys
        .lines()
        .find_map(|line| line.strip_prefix("agent_key="));
    let key = keys.unwrap();
    let client = Client::begin(&server, key).unwrap();

    let from_to = json!({"from": parent, "to": moved});
    let renamed = client.call("rename", &from_to);
    let read = json!({"path": moved.join("inner/data.root.key")});
    let first = client.call("read", &read);
    let second = match Client::begin(&server, key) {
        Ok(again) => again.call("read", &read),
        Err(_) => server.wait_for("cannot start"),
    };
    check(&renamed, &first, &second);
    if moved.exists() {
        std::fs::rename(&moved, &parent).unwrap();
    }
    let since = Instant::now();
    while let Err(refused) = Client::begin(&server, key) {
        assert!(since.elapsed() < PATIENCE, "all is as it was: {refused}");
        std::thread::sleep(Duration::from_millis(200));
    }
    second
}

/// With a server that is started by `before`.
fn check(before: &[&str], has_namespace: bool) {
    let installation = Installation::empty();
    let lifeline = TcpListener::bind("127.0.0.1:0").unwrap();
    let configuration = configure(&installation, &lifeline);
    let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("TOOLVAULT_CONFIG", configuration)
        .env("PATH", PATH)
        .env("LC_ALL", "C.UTF-8")
        .env("AWS_SECRET_ACCESS_KEY", "canary-of-the-server")
        .env("LD_PRELOAD_OF_NOBODY", "1");
    let server = Server::start(&mut behind(before, &command));
    let key = prepare(&installation, &server);

    let report = Client::begin(&server, &key)
        .unwrap()
        .call("report", &json!({}));
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["control"], true);
    assert_eq!(report["found"], json!({}));
    let answers = report["commands"].as_array().unwrap();
    assert_eq!(answers.len(), 2, "without a token and with a wrong one");
    for answer in answers {
        // Older versions of Landlock allow it to connect, but nothing more.
        let is_refused =
            |text: &str| text.starts_with("HTTP/1.1 403") && text.contains("control.token");
        assert!(answer.as_str().is_none_or(is_refused), "{answer}");
    }
    assert_eq!(report["backwards"], TOKEN.chars().rev().collect::<String>());
    assert_eq!(
        report["environment"],
        json!({
            "PATH": PATH,
            "HOME": installation.path().join("home"),
            "LC_ALL": "C.UTF-8",
            "MODE": "plain",
            "API_TOKEN": "[secret:intruder-token]",
        })
    );
    let ours = std::fs::read_link("/proc/self/ns/mnt").unwrap();
    assert_eq!(report["mounts"] != *ours.to_str().unwrap(), has_namespace);
    assert_eq!(
        installation
            .json(&["user", "list", "--json"])
            .as_array()
            .unwrap()
            .len(),
        1
    );

    let (mut held, _) = lifeline.accept().unwrap();
    held.set_nonblocking(true).unwrap();
    let still_open = held.read(&mut [0]).unwrap_err();
    assert_eq!(still_open.kind(), std::io::ErrorKind::WouldBlock);
    held.set_nonblocking(false).unwrap();
    assert_eq!(server.stop(), Some(0));
    // A remaining process would hold the other end.
    held.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(held.read(&mut [0]).unwrap(), 0);
}

/// Writes the program, and the configuration that names it.
fn configure(installation: &Installation, lifeline: &TcpListener) -> std::path::PathBuf {
    let [program, configuration] =
        ["intruder.py", "vault.toml"].map(|name| installation.path().join(name));
    std::fs::write(&program, include_str!("intruder.py")).unwrap();
    let root_key = installation.path().join("data.root.key");
    let port = lifeline.local_addr().unwrap().port().to_string();
    let text = format!(
        "[gateway]
sandbox = 'on'
[gateway.servers.intruder]
command = ['python3', {program:?}, {:?}, {root_key:?}, {configuration:?}, '{port}']
env = {{ API_TOKEN = 'secret://intruder-token', MODE = 'plain' }}
",
        installation.data_dir()
    );
    std::fs::write(&configuration, text).unwrap();
    configuration
}

/// Signs in, stores the program's secret, and returns a key with `use`.
fn prepare(installation: &Installation, server: &Server) -> String {
    let mut command = installation.command(&["login", &server.url]);
    let signed_in = installation.transcript(&mut command, &installation.first_key("operator_key"));
    assert!(
        signed_in.contains("home/.config/toolvault/profiles.toml"),
        "{signed_in}"
    );
    let arguments = [
        "intruder-token",
        "--tool",
        "intruder__*",
        "--arg",
        "env.API_TOKEN",
    ];
    let mut command = installation.command(&[&["secret", "create"], &arguments[..]].concat());
    let made = installation.transcript(&mut command, TOKEN);
    assert!(made.starts_with("exit status 0"), "{made}");
    let made = installation.json(&[
        "key", "create", "--user", "default", "--scope", "use", "--json",
    ]);
    made["key"].as_str().unwrap().to_owned()
}

/// A session with the program.
struct Client<'a> {
    server: &'a Server,
    key: &'a str,
    headers: String,
}

impl<'a> Client<'a> {
    /// Begins a session. An error is the whole answer.
    fn begin(server: &'a Server, key: &'a str) -> Result<Self, String> {
        let client = json!({"name": "test", "version": "1"});
        let params =
            json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client});
        let (head, greeting) = post(server, key, "", &request(1, "initialize", &params));
        if greeting["result"]["serverInfo"]["name"] != "intruder" {
            return Err(format!("{head}\n{greeting}"));
        }
        let session = head
            .lines()
            .find(|line| line.starts_with("mcp-session-id: "))
            .unwrap_or_else(|| panic!("{head}"));
        let headers = format!("{session}\r\nmcp-protocol-version: 2025-11-25\r\n");
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        post(server, key, &headers, &initialized);
        Ok(Self {
            server,
            key,
            headers,
        })
    }

    /// The text of a tool's answer, or else the whole answer.
    fn call(&self, name: &str, arguments: &Value) -> String {
        let params = json!({"name": name, "arguments": arguments});
        let message = request(2, "tools/call", &params);
        let (_, answer) = post(self.server, self.key, &self.headers, &message);
        let text = answer["result"]["content"][0]["text"].as_str();
        text.map_or_else(|| answer.to_string(), str::to_owned)
    }
}

fn request(id: u64, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// Sends one message, and returns the head and the message that comes back, as a body or as the last event.
fn post(server: &Server, key: &str, headers: &str, message: &Value) -> (String, Value) {
    let address = server.url.strip_prefix("http://").unwrap();
    let body = message.to_string();
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    // In this version the end of the connection is the end of the answer.
    let request = format!(
        "POST /mcp/intruder HTTP/1.0\r\nhost: {address}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let event = body
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .next_back();
    let message = serde_json::from_str(event.unwrap_or(body)).unwrap_or_default();
    (head.to_owned(), message)
}

/// The command, started by another.
fn behind(before: &[&str], command: &Command) -> Command {
    let Some((first, others)) = before.split_first() else {
        let mut same = Command::new(command.get_program());
        same.args(command.get_args());
        return with_environment(same, command);
    };
    let mut wrapped = Command::new(first);
    wrapped
        .args(others)
        .arg(command.get_program())
        .args(command.get_args());
    with_environment(wrapped, command)
}

fn with_environment(mut command: Command, of: &Command) -> Command {
    let variables = of
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    command
        .env_clear()
        .envs(variables)
        .current_dir(of.get_current_dir().unwrap());
    command
}

/// Whether this mechanism works behind `before`.
fn is_effective(before: &[&str], means: &str) -> bool {
    let installation = Installation::empty();
    let witness = installation.path().join("witness");
    std::fs::write(&witness, "visible").unwrap();
    let witness = witness.to_str().unwrap();
    let mut probe = installation.command(&[
        "sandbox",
        "--with",
        means,
        "--conceal",
        witness,
        "--probe",
        witness,
    ]);
    let tried = behind(before, probe.env("PATH", PATH)).output();
    tried.is_ok_and(|output| output.status.success())
}

fn is_found(program: &str) -> bool {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &format!("command -v {program}")])
        .env("PATH", PATH)
        .stdout(Stdio::null());
    command.status().unwrap().success()
}
