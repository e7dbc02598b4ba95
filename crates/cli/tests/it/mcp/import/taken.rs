//! What is imported, and the client's file afterwards.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{FILE, Scene};

#[test]
fn servers_are_taken_over_and_their_keys_leave_the_file() {
    let scene = Scene::new();
    scene.write("mcp.json", FILE);
    assert_snapshot!(scene.run(&["mcp", "import", "mcp.json", "--yes"]), @r"
    exit status 0
    Linear becomes the server linear:
      connects to https://mcp.linear.example
      stores the secret linear-api_key for linear__*, url
      stores the secret linear-authorization for linear__*, headers.Authorization
      writes unchanged, as settings: headers.X-Team
      mcp.json will use the gateway, with a new key that may use linear__* only
    files becomes the server files:
      runs mcp-files --root /srv/docs, in /srv
      stores the secret files-api_token for files__*, env.API_TOKEN
      writes unchanged, as settings: env.LEVEL, env.PORT
      mcp.json will use the gateway, with a new key that may use files__* only
    bridged becomes the server bridged:
      connects to https://r.example
      stores the secret bridged-authorization for bridged__*, headers.Authorization
      mcp.json will use the gateway, with a new key that may use bridged__* only
    container becomes the server container:
      runs docker run -e DB_PASSWORD image
      stores the secret container-db_password for container__*, env.DB_PASSWORD
      mcp.json will use the gateway, with a new key that may use container__* only
    Servers are written to [directory]/vault.toml.
    Secrets go to http://[address]
    Stored the secret linear-api_key.
    Stored the secret linear-authorization.
    Stored the secret files-api_token.
    Stored the secret bridged-authorization.
    Stored the secret container-db_password.
    Wrote the servers to [directory]/vault.toml.
    Rewrote mcp.json.
    Restart the server, or run `toolvault reload`, to apply this.
    ");
    assert_snapshot!(scene.named("mcp.json"), @r#"
    {
      // Ours.
      "theme": "dark",
      "mcpServers": {
        "Linear": {
          "type": "http",
          "url": "[url]/mcp/linear",
          "headers": { "Authorization": "Bearer [key]" },
          "alwaysAllow": ["get_issue"],
        },
        "files": {
          "type": "http",
          "url": "[url]/mcp/files",
          "headers": { "Authorization": "Bearer [key]" }
        },
        "bridged": { "type": "http", "url": "[url]/mcp/bridged", "headers": { "Authorization": "Bearer [key]" } },
        "container": { "type": "http", "url": "[url]/mcp/container", "headers": { "Authorization": "Bearer [key]" } }
      }
    }
    "#);
}

/// The name of a server decides which defaults it gets.
#[test]
fn stored_defaults_that_a_server_gets_are_shown_before_it_is_taken_over() {
    let scene = Scene::new();
    scene.write("value", "canary-of-linear");
    for (name, tool) in [("work", "linear__*"), ("any", "*"), ("other", "github__*")] {
        let arguments = ["--arg", "token", "--default", "--value-file", "value"];
        scene.run(&[&["secret", "create", name, "--tool", tool], &arguments[..]].concat());
    }
    let unused = ["--tool", "linear__*", "--value-file", "value"];
    scene.run(&[&["secret", "create", "unused"], &unused[..]].concat());
    let file = r#"{"mcpServers": {"linear": {"url": "https://evil.example/a/b?c=d"},
"sh": {"command": "sh", "args": ["-c", "a \"b\u001b[2J"], "cwd": "/tmp"}}}"#;
    scene.write("mcp.json", file);
    let transcript = scene.run(&["mcp", "import", "mcp.json"]);
    let (before, _) = transcript.split_once("Servers are written").unwrap();
    assert_snapshot!(before, @r#"
    exit status 1
    linear becomes the server linear:
      connects to https://evil.example
      gets the stored secret work, which is a default for linear__*, token
      gets the stored secret any, which is a default for *, token
      mcp.json will use the gateway, with a new key that may use linear__* only
    sh becomes the server sh:
      runs sh -c "a \"b\u{1b}[2J", in /tmp
      gets the stored secret any, which is a default for *, token
      mcp.json will use the gateway, with a new key that may use sh__* only
    "#);
}

#[test]
fn what_was_in_the_file_is_in_the_configuration_and_the_store() {
    let scene = Scene::new();
    scene.write("mcp.json", FILE);
    scene.run(&["mcp", "import", "mcp.json", "--yes"]);
    assert_snapshot!(scene.read("vault.toml"), @r#"
    [gateway.servers.linear]
    url = "https://mcp.linear.example/mcp?team=a&api_key={{ secret://linear-api_key }}"
    headers = { Authorization = "Bearer {{ secret://linear-authorization }}", X-Team = "research" }

    [gateway.servers.files]
    command = ["mcp-files", "--root", "/srv/docs"]
    env = { API_TOKEN = "secret://files-api_token", LEVEL = "debug", PORT = "80" }
    directory = "/srv"

    [gateway.servers.bridged]
    url = "https://r.example/mcp"
    headers = { Authorization = "Bearer {{ secret://bridged-authorization }}" }

    [gateway.servers.container]
    command = ["docker", "run", "-e", "DB_PASSWORD", "image"]
    env = { DB_PASSWORD = "secret://container-db_password" }
    "#);
    assert_snapshot!(scene.secrets().join("\n"), @r"
    linear-api_key linear__* url no can********-URL
    linear-authorization linear__* headers.Authorization no can********-RER
    files-api_token files__* env.API_TOKEN no can********-KEN
    bridged-authorization bridged__* headers.Authorization no can********-OTE
    container-db_password container__* env.DB_PASSWORD no can********-NER
    ");
    for file in ["mcp.json", "vault.toml"] {
        assert!(!scene.read(file).contains("canary"));
    }
    let keys = ["key", "list", "--user", "default", "--json"];
    let keys = scene.installation.json(&keys);
    for server in ["linear", "files", "bridged", "container"] {
        let mut keys = keys.as_array().unwrap().iter();
        let name = format!("mcp import {server}");
        let key = keys.find(|key| key["name"] == name).unwrap();
        assert_eq!(key["scopes"], json!(["use"]));
        assert_eq!(key["tools"], json!([format!("{server}__*")]));
    }
    let config = scene.run(&["config"]);
    assert!(!config.contains("warning"), "{config}");

    // Running it again is harmless.
    let (file, secrets) = (scene.read("mcp.json"), scene.secrets());
    assert_snapshot!(scene.run(&["mcp", "import", "mcp.json", "--yes"]), @r"
    exit status 0
    4 of the servers in mcp.json already use the gateway.
    Nothing is changed.
    ");
    assert_eq!(scene.read("mcp.json"), file);
    assert_eq!(scene.secrets(), secrets);
}

#[test]
fn clients_are_led_to_the_gateway_in_their_own_way() {
    let scene = Scene::new();
    let file =
        "{\n\t\"servers\": {\n\t\t\"s\": {\n\t\t\t\"url\": \"https://a.example/\"\n\t\t}\n\t}\n}\n";
    scene.write(".vscode/mcp.json", file);
    let transcript = scene.run(&["mcp", "import", ".vscode/mcp.json", "--yes", "--key-env"]);
    assert!(transcript.starts_with("exit status 0\n"), "{transcript}");
    assert_snapshot!(scene.named(".vscode/mcp.json"), @r#"
    {
    	"servers": {
    		"s": {
    			"type": "http",
    			"url": "[url]/mcp/s",
    			"headers": { "Authorization": "Bearer ${env:TOOLVAULT_API_KEY}" }
    		}
    	}
    }
    "#);

    let file = r#"{"mcpServers": {"t": {"url": "https://t.example/"}}}"#;
    scene.write("claude_desktop_config.json", file);
    let transcript = scene.run(&[
        "mcp",
        "import",
        "claude_desktop_config.json",
        "--yes",
        "--keep-plaintext",
    ]);
    assert!(
        transcript
            .contains("Kept the file as it was in claude_desktop_config.json.before-toolvault."),
        "{transcript}"
    );
    assert_eq!(
        scene.read("claude_desktop_config.json.before-toolvault"),
        file
    );
    let rewritten: Value = serde_json::from_str(&scene.read("claude_desktop_config.json")).unwrap();
    let server = &rewritten["mcpServers"]["t"];
    assert!(server["command"].as_str().unwrap().ends_with("/toolvault"));
    assert_eq!(server["args"], serde_json::json!(["mcp", "stdio", "t"]));
    assert_eq!(server["env"]["TOOLVAULT_URL"], scene.server.url.as_str());
    assert!(
        server["env"]["TOOLVAULT_API_KEY"]
            .as_str()
            .unwrap()
            .starts_with("tvk_")
    );
    let again = scene.run(&["mcp", "import", "claude_desktop_config.json", "--yes"]);
    assert!(again.ends_with("Nothing is changed."), "{again}");
}

#[test]
fn where_it_stops_it_says_what_was_done_and_the_rest_is_done_later() {
    let mut scene = Scene::new();
    scene.restart_with(&[("TOOLVAULT_LIMITS__SECRETS", "2")]);
    scene.write("mcp.json", FILE);
    let transcript = scene.run(&["mcp", "import", "mcp.json", "--yes"]);
    let end: Vec<&str> = transcript.lines().skip(20).collect();
    assert_snapshot!(end.join("\n"), @r"
    Servers are written to [directory]/vault.toml.
    Secrets go to http://[address]
    Stored the secret linear-api_key.
    Stored the secret linear-authorization.
    note: mcp.json is unchanged. What was done is kept; run the command again to do the rest
    error: The limit on the number of secrets is reached.
    ");
    assert!(transcript.starts_with("exit status 1\n"), "{transcript}");
    assert_eq!(scene.read("mcp.json"), FILE);
    assert!(!scene.path("vault.toml").exists());

    scene.restart_with(&[]);
    let transcript = scene.run(&["mcp", "import", "mcp.json", "--yes"]);
    assert!(transcript.starts_with("exit status 0\n"), "{transcript}");
    assert!(!scene.read("mcp.json").contains("canary"));
    assert_eq!(scene.secrets().len(), 5);
}

#[test]
fn keys_in_the_history_of_git_and_in_other_places_are_told() {
    let scene = Scene::new();
    let value = "canary-of-s-0123456789";
    let file = format!(
        r#"{{"note": "{value}", "mcpServers": {{"s": {{"command": "x", "env": {{"KEY": "{value}"}}}}}}}}"#
    );
    scene.write("client/mcp.json", &file);
    for arguments in [&["init", "-q"][..], &["add", "mcp.json"]] {
        let mut git = std::process::Command::new("git");
        git.args(arguments).current_dir(scene.path("client"));
        assert!(git.status().unwrap().success());
    }
    let transcript = scene.run(&["mcp", "import", "client/mcp.json", "--yes"]);
    let warnings: Vec<&str> = transcript
        .lines()
        .filter(|line| line.starts_with("warning"))
        .collect();
    assert_snapshot!(warnings.join("\n"), @r"
    warning: s-key: this value can be guessed in fewer than 2^50 tries, and redaction can confirm a guess
    warning: the value of s-key is also elsewhere in client/mcp.json; remove it there
    warning: git has the file, so every key that was in it is in its history: replace them where they were issued, and store the new ones with toolvault secret set
    ");
}

#[test]
fn no_key_is_written_into_a_file_under_version_control() {
    let scene = Scene::new();
    let file =
        r#"{"mcpServers": {"s": {"command": "x", "env": {"KEY": "canary-of-s-0123456789"}}}}"#;
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.args(arguments).current_dir(scene.path("client"));
        assert!(git.status().unwrap().success());
    };
    for (name, is_tracked, holds_key) in [
        ("tracked.json", true, false),
        ("next.json", false, false),
        ("ignored.json", false, true),
    ] {
        scene.write(&format!("client/{name}"), file);
        git(&["init", "-q"]);
        scene.write("client/.gitignore", "ignored.json\n");
        if is_tracked {
            git(&["add", name]);
        }
        let path = format!("client/{name}");
        let transcript = scene.run(&["mcp", "import", &path, "--yes"]);
        assert!(transcript.starts_with("exit status 0\n"), "{transcript}");
        let is_told =
            transcript.contains("The file is under version control, so no key is written into it.");
        assert_eq!(is_told, !holds_key, "{transcript}");
        assert_eq!(
            transcript.contains("git has the file"),
            is_tracked,
            "{transcript}"
        );
        assert_eq!(
            scene.read(&path).contains("Bearer tvk_"),
            holds_key,
            "{name}"
        );
    }
}

#[test]
fn a_stored_secret_is_overwritten_only_after_it_is_said() {
    let scene = Scene::new();
    let file = |value: &str| {
        format!(r#"{{"mcpServers": {{"s": {{"command": "x", "env": {{"KEY": "{value}"}}}}}}}}"#)
    };
    scene.write("mcp.json", &file("canary-of-s-0123456789"));
    scene.run(&["mcp", "import", "mcp.json", "--yes"]);
    let secrets = scene.secrets();
    scene.write("mcp.json", &file("canary-of-s-other-987654"));
    assert_snapshot!(scene.run(&["mcp", "import", "mcp.json"]), @r"
    exit status 1
    s becomes the server s:
      runs x
      overwrites the value of the secret s-key for s__*, env.KEY
      mcp.json will use the gateway, with a new key that may use s__* only
    Servers are written to [directory]/vault.toml.
    Secrets go to http://[address]
    error: not done: it needs confirmation, and there is no terminal
    hint: add --yes
    ");
    assert_eq!(scene.secrets(), secrets);
    scene.run(&["mcp", "import", "mcp.json", "--yes"]);
    assert_ne!(scene.secrets(), secrets);
}

#[test]
fn each_client_keeps_its_own_spelling() {
    let scene = Scene::new();
    let url = "https://a.example/mcp";
    for (path, before, after) in [
        (
            ".gemini/settings.json",
            format!(r#"{{"mcpServers": {{"s": {{"httpUrl": "{url}"}}}}}}"#),
            r#"{ "httpUrl": "[url]/mcp/s", "#,
        ),
        (
            ".windsurf/mcp_config.json",
            format!(r#"{{"mcpServers": {{"s": {{"serverUrl": "{url}"}}}}}}"#),
            r#"{ "serverUrl": "[url]/mcp/s", "#,
        ),
        (
            ".cursor/mcp.json",
            format!(r#"{{"mcpServers": {{"s": {{"type": "streamableHttp", "url": "{url}"}}}}}}"#),
            r#"{"type": "streamableHttp", "url": "[url]/mcp/s", "#,
        ),
        (
            ".mcp.json",
            format!(r#"{{"mcpServers": {{"s": {{"type": "streamable-http", "url": "{url}"}}}}}}"#),
            r#"{"type": "streamable-http", "url": "[url]/mcp/s", "#,
        ),
        (
            ".zed/settings.json",
            format!(r#"{{"context_servers": {{"s": {{"url": "{url}"}}}}}}"#),
            r#"{"url": "[url]/mcp/s", "#,
        ),
        (
            "opencode.json",
            format!(r#"{{"mcp": {{"s": {{"type": "remote", "url": "{url}", "enabled": true}}}}}}"#),
            r#"{"type": "remote", "url": "[url]/mcp/s", "#,
        ),
        (
            ".codex/config.toml",
            format!("[mcp_servers.s]\nurl = \"{url}\"\n"),
            "[mcp_servers.s]\nurl = \"[url]/mcp/s\"\nhttp_headers = { Authorization = ",
        ),
    ] {
        let path = format!("p/{path}");
        scene.write(&path, &before);
        let transcript = scene.run(&["mcp", "import", &path, "--yes"]);
        assert!(transcript.starts_with("exit status 0\n"), "{transcript}");
        let found = scene.named(&path);
        assert!(
            found.contains(after.trim_start_matches("{ ")),
            "{path}: {found}"
        );
        let mut again = serde_json::Value::Null;
        if !path.contains(".toml") {
            again = serde_json::from_str(&scene.read(&path)).unwrap();
        }
        assert!(!again.to_string().contains("a.example"), "{path}: {again}");
    }
}
