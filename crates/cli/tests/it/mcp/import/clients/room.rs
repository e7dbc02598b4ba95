//! A server with a gateway, programs that record how they were started, and a server on the network that records
//! what it was asked.

use std::cell::Cell;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::installation::{Installation, Server};
use crate::mcp::script::{Asked, Reply, Script};

/// Programs that the files name without a path.
const PROGRAMS: [&str; 24] = [
    "arr-mcp",
    "bash",
    "bun",
    "cmd",
    "codegraph",
    "docker",
    "dotnet",
    "go",
    "mcp",
    "node",
    "npx",
    "obsidian-vault-mcp",
    "pathframe",
    "php",
    "pnpm",
    "pnpx",
    "python",
    "python3",
    "railway",
    "resync",
    "run",
    "serena-mcp-server",
    "uv",
    "uvx",
];
/// Programs in the project that the files name.
const IN_PROJECT: [&str; 3] = [
    "operations/run.sh",
    "scripts/axon.sh",
    "scripts/mcp/github.sh",
];
/// Folders of the project in which the files start programs.
const FOLDERS: [&str; 5] = [
    "backend",
    "labels mcp server",
    "operations",
    "scripts/mcp",
    "tools",
];

/// A program that says how it was started and then answers as an MCP server.
const STAND_IN: &str = r#"#!/usr/bin/python3
import json, os, sys
start = {"program": sys.argv[0], "arguments": sys.argv[1:], "folder": os.getcwd(), "environment": dict(os.environ)}
with open("@RECORD@", "a") as record:
    record.write(json.dumps(start) + "\n")
for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        told = {"capabilities": {}, "serverInfo": {"name": "stand-in", "version": "1"}}
        told["protocolVersion"] = message.get("params", {}).get("protocolVersion", "2025-11-25")
        result = told if message["method"] == "initialize" else {}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"#;

pub(super) struct Room {
    installation: Installation,
    server: Server,
    network: Script,
    newcomers: Cell<usize>,
}

/// A user, with a key that may import.
pub(super) struct Person {
    key: String,
}

impl Room {
    pub(super) fn new() -> Self {
        let installation = Installation::empty();
        let root = installation.path().to_owned();
        std::fs::write(root.join("vault.toml"), "").unwrap();
        for folder in FOLDERS {
            std::fs::create_dir_all(root.join("project").join(folder)).unwrap();
        }
        std::fs::create_dir_all(root.join("bin")).unwrap();
        let programs = PROGRAMS
            .iter()
            .chain(&["surreal-mind"])
            .map(|name| root.join("bin").join(name));
        let in_project = IN_PROJECT
            .iter()
            .map(|name| root.join("project").join(name));
        let text = STAND_IN.replace("@RECORD@", root.join("record").to_str().unwrap());
        for path in programs.chain(in_project) {
            std::fs::write(&path, &text).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
        let server = Server::start(
            command
                .env("TOOLVAULT_CONFIG", root.join("vault.toml"))
                .env("TOOLVAULT_GATEWAY__SANDBOX", "off")
                .env(
                    "PATH",
                    format!("{}:/usr/bin:/bin", root.join("bin").display()),
                ),
        );
        Self {
            installation,
            server,
            network: Script::start(answer),
            newcomers: Cell::new(0),
        }
    }

    pub(super) fn project(&self) -> PathBuf {
        self.installation.path().join("project")
    }

    pub(super) fn home(&self) -> PathBuf {
        self.installation.path().join("home")
    }

    /// A text of the data with the places of this room in it: folders, and the network's server for every host.
    pub(super) fn with_places(&self, text: &str) -> String {
        let bin = self.installation.path().join("bin");
        let mut text = text
            .replace("@BIN@", bin.to_str().unwrap())
            .replace("@PROJECT@", self.project().to_str().unwrap());
        for (scheme, end) in [
            ("https://", ".example"),
            ("http://localhost:", ""),
            ("http://127.0.0.1:", ""),
        ] {
            let pieces: Vec<String> = text
                .split(scheme)
                .enumerate()
                .map(|(index, piece)| {
                    let length = piece.find(|letter: char| {
                        !letter.is_ascii_alphanumeric() && letter != '.' && letter != '-'
                    });
                    let host = piece.get(..length.unwrap_or(piece.len())).unwrap();
                    let port = self.network.url();
                    match index {
                        0 => piece.to_owned(),
                        _ if host.ends_with(end) && !port.ends_with(host) => {
                            format!("{port}/{piece}")
                        }
                        _ => format!("{scheme}{piece}"),
                    }
                })
                .collect();
            text = pieces.concat();
        }
        text
    }

    /// A user who has stored nothing yet.
    pub(super) fn newcomer(&self) -> Person {
        let number = self.newcomers.get() + 1;
        self.newcomers.set(number);
        let name = format!("person-{number}");
        self.installation.output(&["user", "create", &name]);
        let made = self.installation.json(&[
            "key", "create", "--user", &name, "--scope", "manage", "--scope", "use", "--json",
        ]);
        Person {
            key: made["key"].as_str().unwrap().to_owned(),
        }
    }

    pub(super) fn run(&self, person: &Person, arguments: &[&str]) -> String {
        let mut command = self.installation.command(arguments);
        command
            .env("TOOLVAULT_URL", &self.server.url)
            .env("TOOLVAULT_API_KEY", &person.key)
            .env(
                "TOOLVAULT_CONFIG",
                self.installation.path().join("vault.toml"),
            );
        self.installation
            .transcript(&mut command, "")
            .replace(&self.network.url(), "[network]")
    }

    pub(super) fn secrets(&self, person: &Person) -> usize {
        self.run(person, &["secret", "list"])
            .lines()
            .skip(2)
            .count()
    }

    pub(super) fn configuration(&self) -> String {
        std::fs::read_to_string(self.installation.path().join("vault.toml")).unwrap()
    }

    /// Lets the server read the configuration.
    pub(super) fn reload(&self) {
        let mut command = self.installation.command(&["reload"]);
        let told = self.installation.transcript(&mut command, "");
        assert!(told.starts_with("exit status 0\n"), "{told}");
    }

    /// Takes the servers out of the configuration.
    pub(super) fn forget(&self) {
        std::fs::write(self.installation.path().join("vault.toml"), "").unwrap();
        self.reload();
    }

    /// How programs were started since this was asked the last time.
    pub(super) fn starts(&self) -> Vec<Value> {
        let path = self.installation.path().join("record");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let _ = std::fs::remove_file(path);
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// What the network's server was asked since this was asked the last time.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.network.asked()
    }

    /// Where the network's server is.
    pub(super) fn network(&self) -> String {
        self.network.url()
    }
}

fn answer(asked: &Asked) -> Reply {
    let told = json!({
        "protocolVersion": asked.body["params"]["protocolVersion"],
        "capabilities": {},
        "serverInfo": {"name": "network", "version": "1"},
    });
    match asked.rpc() {
        "initialize" => Reply::result(asked, &told),
        _ => Reply::empty(202),
    }
}
