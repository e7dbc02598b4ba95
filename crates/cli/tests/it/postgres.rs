//! The same commands on PostgreSQL, each test in its own schema.
//!
//! `scripts/with-postgres cargo test -p toolvault` supplies the server. Without it these tests fail, unless
//! `TOOLVAULT_TEST_SKIP_POSTGRES=1` skips them.

use std::process::Command;

use crate::installation::{Installation, Server, variable};

/// A schema that is dropped after the test.
pub(crate) struct Schema {
    database: String,
    name: String,
}

impl Schema {
    pub(crate) fn new(installation: &Installation) -> Option<Self> {
        let Some(database) = variable("TOOLVAULT_TEST_DATABASE_URL") else {
            let is_skipped = variable("TOOLVAULT_TEST_SKIP_POSTGRES").as_deref() == Some("1");
            assert!(is_skipped, "run this under scripts/with-postgres");
            return None;
        };
        let directory = installation.path().file_name().unwrap().to_str().unwrap();
        let unique = directory.trim_start_matches('.').bytes();
        // Letters of both cases are distinct in the directory's name and must stay so.
        let name = unique.fold("cli_".to_owned(), |name, byte| format!("{name}{byte:02x}"));
        let schema = Self { database, name };
        schema.execute(&format!("CREATE SCHEMA {}", schema.name));
        Some(schema)
    }

    fn execute(&self, statement: &str) {
        let done = Command::new("psql")
            .args([
                "--quiet",
                "--no-psqlrc",
                "--command",
                statement,
                &self.database,
            ])
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{errors}");
    }

    pub(crate) fn url(&self) -> String {
        format!("{}?options=-csearch_path%3D{}", self.database, self.name)
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        self.execute(&format!("DROP SCHEMA {} CASCADE", self.name));
    }
}

#[test]
fn an_empty_database_is_set_up_and_commands_work_beside_its_servers() {
    let installation = Installation::empty();
    let Some(schema) = Schema::new(&installation) else {
        return;
    };
    let command = |arguments: &[&str]| {
        let mut command = installation.command(arguments);
        command.env("TOOLVAULT_DATABASE_URL", schema.url());
        command
    };
    let run = |arguments: &[&str]| installation.transcript(&mut command(arguments), "");

    let none = run(&["user", "list"]);
    assert!(
        none.starts_with("exit status 1\nerror: there is no store here yet"),
        "{none}"
    );

    let first = Server::start(&mut command(&["serve", "--listen", "127.0.0.1:0"]));
    let second = Server::start(&mut command(&["serve", "--listen", "127.0.0.1:0"]));
    assert!(installation.first_key("operator_key").starts_with("tvk_"));
    assert!(installation.path().join("data.root.key").exists());
    assert!(!installation.data_dir().exists());

    let output = command(&[
        "key", "create", "--user", "default", "--scope", "manage", "--json",
    ])
    .output()
    .unwrap();
    let made: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for server in [&first, &second] {
        let mut list = installation.command(&["secret", "list"]);
        list.env("TOOLVAULT_URL", &server.url)
            .env("TOOLVAULT_API_KEY", made["key"].as_str().unwrap());
        let listed = installation.transcript(&mut list, "");
        assert!(listed.starts_with("exit status 0\n"), "{listed}");
    }
    let verified = run(&["audit", "verify"]);
    assert!(
        verified.starts_with("exit status 0\nThe audit trail is sound."),
        "{verified}"
    );
    let examined = run(&["doctor"]);
    assert!(examined.starts_with("exit status 0\n"), "{examined}");
    assert!(examined.contains("engine: PostgreSQL"), "{examined}");
    assert_eq!(first.stop(), Some(0));
    assert_eq!(second.stop(), Some(0));
}

#[test]
fn the_first_keys_are_beside_the_root_key() {
    let installation = Installation::empty();
    let Some(schema) = Schema::new(&installation) else {
        return;
    };
    let directory = installation.path().join("keys");
    std::fs::create_dir(&directory).unwrap();
    let root_key = directory.join("vault.key");
    let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("TOOLVAULT_DATABASE_URL", schema.url())
        .args(["--root-key-file", root_key.to_str().unwrap()]);
    let server = Server::start(&mut command);
    assert!(root_key.exists());
    assert!(directory.join("vault.key.first-keys").exists());
    assert!(!installation.path().join("data.first-keys").exists());
    assert_eq!(server.stop(), Some(0));
}
