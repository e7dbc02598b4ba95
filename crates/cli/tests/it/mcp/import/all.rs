//! `init`: the files of all clients that are found.

use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use insta::assert_snapshot;

use super::Scene;

/// Without the restrictions of the developers' machine.
const PATH: &str = "/usr/bin:/bin";

impl Scene {
    /// Runs a command of a person in a project, who has two clients.
    fn in_project(&self, arguments: &[&str], input: &str) -> String {
        let mut command = self.installation.command(arguments);
        command
            .env("TOOLVAULT_URL", &self.server.url)
            .env("TOOLVAULT_API_KEY", &self.key)
            .env("TOOLVAULT_CONFIG", self.path("vault.toml"))
            .env("PATH", PATH)
            .current_dir(self.path("project"));
        self.installation.transcript(&mut command, input)
    }
}

/// A server with the files of two clients beside it.
fn scene() -> Scene {
    let mut scene = Scene::new();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/issues.py");
    let file = format!(
        r#"{{"mcpServers": {{"issues": {{"command": "python3", "args": ["{program}"]}}}}}}"#
    );
    scene.write("project/.mcp.json", &file);
    scene.write("home/.cursor/mcp.json", r#"{"mcpServers": {"remote": {"command": "npx", "args": ["--api-key", "canary-0123456789"]}}}"#);
    scene.write("home/.gemini/settings.json", r#"{"theme": "dark"}"#);
    scene.write("home/.codex/config.toml", "not TOML");
    scene.write("vault.toml", "");
    let vault = scene.path("vault.toml");
    scene.restart_with(&[
        ("TOOLVAULT_CONFIG", vault.to_str().unwrap()),
        ("PATH", PATH),
    ]);
    scene
}

#[test]
fn files_are_found_where_clients_have_them() {
    let scene = scene();
    assert_snapshot!(scene.in_project(&["mcp", "import"], ""), @r"
    exit status 0
    CLIENT  SERVERS  FILE
    Cursor  1  [directory]/home/.cursor/mcp.json
    Claude Code  1  [directory]/project/.mcp.json (from this folder)
    Import one with: toolvault mcp import FILE; or all with: toolvault init
    warning: [directory]/home/.codex/config.toml is not a TOML document, and is left as it is
    ");
    let empty = Scene::new();
    empty.write("project/x", "");
    assert_snapshot!(empty.in_project(&["init"], ""), @r"
    exit status 0
    No file of a client with MCP servers was found.
    Add a server with: toolvault mcp add
    ");
}

#[test]
fn a_file_that_is_not_read_is_named_and_stops_nothing() {
    let scene = scene();
    let path = |name: &str| scene.path(&format!("project/{name}"));
    let made = Command::new("mkfifo").arg(path("opencode.json")).status();
    assert!(made.unwrap().success());
    for folder in [".vscode", ".zed", ".cursor"] {
        std::fs::create_dir(path(folder)).unwrap();
    }
    symlink("/dev/zero", path(".vscode/mcp.json")).unwrap();
    let large = File::create(path(".zed/settings.json")).unwrap();
    large.set_len((64 << 20) + 1).unwrap();
    std::fs::write(path(".cursor/mcp.json"), [0xff]).unwrap();
    let listed = scene.in_project(&["mcp", "import"], "");
    let warnings: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.strip_prefix("warning: cannot read [directory]/project/"))
        .collect();
    assert_eq!(
        warnings,
        [
            ".cursor/mcp.json: stream did not contain valid UTF-8",
            "opencode.json: it is not a regular file",
            ".vscode/mcp.json: it is not a regular file",
            ".zed/settings.json: it has more than 64 MiB",
        ]
    );
    assert!(listed.starts_with("exit status 0\n"), "{listed}");
}

#[test]
fn servers_are_not_taken_over_for_another_machine() {
    let scene = scene();
    let run = |url: Option<&str>| {
        let mut command = scene.installation.command(&["init", "--yes"]);
        command
            .current_dir(scene.path("project"))
            .envs(url.map(|url| ("TOOLVAULT_URL", url)));
        scene.installation.transcript(&mut command, "")
    };
    let refused = run(Some("https://vault.example"));
    assert!(
        refused.contains(
            "error: TOOLVAULT_URL is https://vault.example, which is not on this machine"
        ),
        "{refused}"
    );
    let arguments = [
        "key", "create", "--user", "default", "--scope", "use", "--json",
    ];
    let agent = scene.installation.json(&arguments);
    for key in [scene.key.as_str(), agent["key"].as_str().unwrap()] {
        let mut login =
            scene
                .installation
                .command(&["login", &scene.server.url, "--profile", "team"]);
        let login = scene
            .installation
            .transcript(&mut login, &format!("{key}\n"));
        assert!(login.starts_with("exit status 0\n"), "{login}");
    }
    let profiles = walk(&scene.path("home"), "profiles.toml").unwrap();
    let text = std::fs::read_to_string(&profiles).unwrap();
    let theirs = text.replace(&scene.server.url, "https://vault.example");
    std::fs::write(&profiles, theirs).unwrap();
    let refused = run(None);
    assert!(
        refused.contains(
            "error: the profile 'team' is for https://vault.example, which is not on this machine"
        ),
        "{refused}"
    );
    assert!(refused.starts_with("exit status 1\n"), "{refused}");
    std::fs::write(&profiles, text).unwrap();
    let done = run(None);
    assert!(
        done.contains("\nSecrets go to http://[address] (profile team)\n"),
        "{done}"
    );
}

/// The file of this name below a folder.
fn walk(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths.find_map(|path| {
        if path.is_dir() {
            walk(&path, name)
        } else {
            path.ends_with(name).then_some(path)
        }
    })
}

#[test]
fn all_servers_are_taken_over_and_tested() {
    let scene = scene();
    let before = scene.read("project/.mcp.json");
    let refused = scene.in_project(&["init"], "");
    assert!(
        refused.contains("error: not done: it needs confirmation"),
        "{refused}"
    );
    assert!(refused.contains(".mcp.json stays as it is."), "{refused}");
    assert_eq!(scene.read("project/.mcp.json"), before);

    let done = scene.in_project(&["init", "--yes"], "");
    assert!(
        done.starts_with("exit status 1\n"),
        "a server stays: {done}"
    );
    assert!(!done.contains("canary"), "{done}");
    for expected in [
        "Rewrote [directory]/project/.mcp.json.",
        "applied: gateway.servers.issues.command",
        "gateway  http://[address]/mcp/issues",
        "Claude Code, [directory]/project/.mcp.json (from this folder):",
        "Restart to use the gateway: Claude Code.",
        "word 3 of its command looks like a credential",
    ] {
        assert!(done.contains(expected), "{expected}: {done}");
    }
    assert!(scene.read("project/.mcp.json").contains("/mcp/issues"));
}
