//! `approval`: a call through the gateway waits, and a person decides it. docs/how-to/approve-calls.md shows more.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::installation::{Installation, Server, variable};
use crate::mcp::listed;

struct World {
    installation: Installation,
    server: Server,
}

impl World {
    /// A server behind which each payment asks a person, and whose calls do not wait for long.
    fn new() -> Self {
        let installation = Installation::empty();
        let schema = json!({"type": "object", "properties": {"amount": {"type": "number"}}});
        let pay = json!({"name": "pay", "title": "Pay\u{202e}", "inputSchema": schema});
        listed::list(&installation, &json!([pay]));
        let configuration = format!(
            "[gateway.limits]\napproval_wait_seconds = 1\n\n[gateway.servers.bank]\ncommand = {:?}\n\
             approval = {{ pay = \"always\" }}\n",
            listed::command(&installation)
        );
        let file = installation.path().join("vault.toml");
        fs::write(&file, configuration).unwrap();
        let mut serve = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
        serve
            .env("TOOLVAULT_CONFIG", file)
            .env("PATH", variable("PATH").unwrap());
        let server = Server::start(&mut serve);
        Self {
            installation,
            server,
        }
    }

    fn command(&self, key: &str, arguments: &[&str]) -> Command {
        let mut command = self.installation.command(arguments);
        command
            .env("TOOLVAULT_URL", &self.server.url)
            .env("TOOLVAULT_API_KEY", self.installation.first_key(key));
        command
    }

    fn run(&self, arguments: &[&str]) -> String {
        let mut command = self.command("operator_key", arguments);
        self.installation.transcript(&mut command, "")
    }

    /// What the agent's call is answered with.
    fn pay(&self, amount: &str) -> String {
        let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "me", "version": "1"},
        }});
        let call = format!(
            r#"{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{"name":"pay","arguments":{{"amount":{amount}}}}}}}"#
        );
        let input = format!("{initialize}\n{call}\n");
        let mut process = self
            .command("agent_key", &["mcp", "stdio", "bank"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Its input stays open until it has answered: a client that goes away does not wait for a person.
        let mut stdin = process.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut answers = lines.map(Result::unwrap);
        let answer = answers.find(|line| line.contains(r#""id":2"#)).unwrap();
        drop(stdin);
        assert!(process.wait().unwrap().success());
        answer
    }

    /// The ID of what waits or is allowed, of which there is one.
    fn id(&self) -> String {
        let list = ["approval", "list", "--json"];
        let output = self.command("operator_key", &list).output().unwrap();
        let listed: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(listed.len(), 1, "{listed:?}");
        listed[0]["approval_id"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_call_waits_is_shown_and_allowed_once() {
    let world = World::new();
    assert_snapshot!(world.run(&["approval", "list"]), @r"
    exit status 0
    No call waits for a person, and nothing is allowed beforehand.
    ");
    let asked = world.pay("9007199254740993");
    assert!(asked.contains("/#/approvals/"), "{asked}");
    assert_snapshot!(world.run(&["approval", "list"]), @r"
    exit status 0
    ID  SERVER  TOOL  KEY  STATE  ASKED  ENDS
    [id]  bank  pay  agent  waits  [time]  [time]
    ");
    let id = world.id();
    assert_snapshot!(world.run(&["approval", "show", &id]), @r#"
    exit status 0
    id  [id]
    server  bank
    tool  pay
    title  Pay\u{202e}
    key  agent
    why  the configuration of the server, for each call
    state  waits
    asked  [time]
    ends  [time]
    arguments  {"amount":9007199254740993}
    "#);
    assert_snapshot!(world.run(&["approval", "allow", &id]), @r"
    exit status 0
    Allowed the tool pay of the server bank: allowed once.
    ");
    let paid = world.pay("9007199254740993");
    assert!(paid.contains("got {"), "{paid}");
    // It was used up.
    let again = world.run(&["approval", "allow", &id]);
    assert!(again.starts_with("exit status 1\n"), "{again}");
    assert_eq!(world.server.stop(), Some(0));
}

#[test]
fn a_call_is_refused_and_what_is_always_allowed_is_revoked() {
    let world = World::new();
    world.pay("1");
    let refused = world.run(&["approval", "refuse", &world.id()]);
    assert_eq!(
        refused,
        "exit status 0\nRefused the tool pay of the server bank: refused."
    );
    let told = world.pay("1");
    assert!(told.contains("refused"), "{told}");
    world.pay("2");
    let id = world.id();
    let allowed = world.run(&["approval", "allow", &id, "--always"]);
    assert!(
        allowed.ends_with("always allowed with these arguments."),
        "{allowed}"
    );
    for _ in 0..2 {
        let paid = world.pay("2");
        assert!(paid.contains("got {"), "{paid}");
    }
    let revoked = world.run(&["approval", "revoke", &id]);
    assert_eq!(
        revoked,
        format!("exit status 0\nRevoked the approval {id}.")
    );
    let asked = world.pay("2");
    assert!(asked.contains("/#/approvals/"), "{asked}");
    assert_snapshot!(world.run(&["approval", "revoke", &id]), @r"
    exit status 1
    error: there is no approval '[id]'
    hint: toolvault approval list shows what waits, and what is allowed
    ");
    assert_eq!(world.server.stop(), Some(0));
}

#[test]
fn an_agent_neither_sees_nor_decides() {
    let world = World::new();
    world.pay("1");
    let id = world.id();
    for arguments in [
        &["approval", "list"][..],
        &["approval", "show", &id],
        &["approval", "allow", &id],
        &["approval", "revoke", &id],
    ] {
        let mut command = world.command("agent_key", arguments);
        let refused = world.installation.transcript(&mut command, "");
        assert!(refused.starts_with("exit status 1\n"), "{refused}");
        assert!(refused.contains("manage"), "{refused}");
    }
    assert_eq!(world.server.stop(), Some(0));
}
