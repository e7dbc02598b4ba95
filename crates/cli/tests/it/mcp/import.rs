//! `mcp import`: a client's file before and after, the stored secrets, and what stays unchanged.

mod all;
mod clients;
mod left;
mod taken;

use std::path::PathBuf;

use crate::installation::{Installation, Server};

/// The file of a typical client.
const FILE: &str = r#"{
  // Ours.
  "theme": "dark",
  "mcpServers": {
    "Linear": {
      "url": "https://mcp.linear.example/mcp?team=a&api_key=canary-in-url-0123456789-URL",
      "headers": { "Authorization": "Bearer canary-bearer-0123456789-RER", "Accept": "text/plain", "X-Team": "research" },
      "alwaysAllow": ["get_issue"],
    },
    "files": {
      "command": "mcp-files",
      "args": ["--root", "/srv/docs"],
      "env": { "API_TOKEN": "canary-token-0123456789-KEN", "LEVEL": "debug", "PORT": 80 },
      "cwd": "/srv"
    },
    "bridged": { "command": "npx", "args": ["-y", "mcp-remote@latest", "https://r.example/mcp", "--header", "Authorization:${AUTH}"], "env": { "AUTH": "Bearer canary-remote-0123456789-OTE" } },
    "container": { "command": "docker", "args": ["run", "-e", "DB_PASSWORD=canary-container-0123456789-NER", "image"] }
  }
}
"#;

struct Scene {
    installation: Installation,
    server: Server,
    key: String,
}

impl Scene {
    fn new() -> Self {
        let installation = Installation::empty();
        let server = installation.serve(&[]);
        let made = installation.json(&[
            "key", "create", "--user", "default", "--scope", "manage", "--scope", "use", "--json",
        ]);
        let key = made["key"].as_str().unwrap().to_owned();
        Self {
            installation,
            server,
            key,
        }
    }

    fn restart_with(&mut self, variables: &[(&str, &str)]) {
        let listen = self.server.url.strip_prefix("http://").unwrap().to_owned();
        self.server.signal(rustix::process::Signal::TERM);
        assert_eq!(self.server.wait(), Some(0));
        let mut command = self.installation.command(&["serve", "--listen", &listen]);
        self.server = Server::start(command.envs(variables.iter().copied()));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.installation.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> String {
        let mut command = self.installation.command(arguments);
        command
            .env("TOOLVAULT_URL", &self.server.url)
            .env("TOOLVAULT_API_KEY", &self.key)
            .env("TOOLVAULT_CONFIG", self.path("vault.toml"));
        let transcript = self.installation.transcript(&mut command, "");
        assert!(!transcript.contains("canary"), "{transcript}");
        transcript
    }

    /// Name, tool, argument and masked value of each secret.
    fn secrets(&self) -> Vec<String> {
        let listed = self.run(&["secret", "list"]);
        let rows = listed.lines().skip(2).map(|row| {
            let cells: Vec<&str> = row.split("  ").collect();
            [cells[0], cells[2], cells[3], cells[4], cells[5]].join(" ")
        });
        rows.collect()
    }

    /// The client's file, with placeholders for text that differs between runs.
    fn named(&self, name: &str) -> String {
        let text = self.read(name).replace(&self.server.url, "[url]");
        let words = text
            .split('"')
            .map(|word| match word.strip_prefix("Bearer tvk_") {
                Some(_) => "Bearer [key]",
                None => word,
            });
        words.collect::<Vec<&str>>().join("\"")
    }
}
