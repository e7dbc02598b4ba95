//! `init`: the files of all clients that are found.

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
    Claude Code  1  [directory]/project/.mcp.json
    Import one with: toolvault mcp import FILE; or all with: toolvault init
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
        "Restart to use the gateway: Claude Code.",
        "word 3 of its command looks like a credential",
    ] {
        assert!(done.contains(expected), "{expected}: {done}");
    }
    assert!(scene.read("project/.mcp.json").contains("/mcp/issues"));
}
