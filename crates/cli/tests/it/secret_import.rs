//! `secret import` and `export`.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use insta::assert_snapshot;

use crate::installation::{Installation, Server};
use crate::secrets::Client;

/// What no output has.
const CANARY: &str = "Kd0qLmZ7Rt2YwVbN4uPa8GcHe5JfS1oTi6XyQ";

/// A client with two configured servers: one names its secret, one has a credential argument.
fn client() -> Client {
    let client = Client::new();
    let file = client.installation.path().join("vault.toml");
    let text = "
[gateway.servers.linear]
url = 'https://mcp.linear.app/mcp'
headers = { Authorization = 'Bearer {{ secret://linear-prod }}' }
[gateway.servers.files]
command = ['mcp-files']
env = { FILES_TOKEN = 'secret://files' }
credential_arguments = ['api_key']
";
    fs::write(file, text).unwrap();
    client
}

fn run(client: &Client, options: &[&str], input: &str) -> String {
    let mut command = client
        .installation
        .command(&[&["secret", "import"], options].concat());
    command
        .env(
            "TOOLVAULT_CONFIG",
            client.installation.path().join("vault.toml"),
        )
        .env("TOOLVAULT_URL", &client.server.url)
        .env("TOOLVAULT_API_KEY", &client.key);
    let transcript = client.installation.transcript(&mut command, input);
    assert!(!transcript.contains(CANARY), "{transcript}");
    transcript
}

#[test]
fn a_plan_is_shown_before_anything_is_stored() {
    let client = client();
    let text = format!(
        "# ours\nexport GITHUB_TOKEN=ghp_{CANARY}\nPORT=3000\nLINEAR_PROD='lin_{CANARY}'\nFILES_TOKEN=\"{CANARY}\"\nfiles_api_key={CANARY}\nSHORT_PASSWORD=abc\nGITHUB_TOKEN=gho_{CANARY}\n"
    );
    fs::write(client.installation.path().join(".env"), &text).unwrap();
    let plan = run(&client, &[".env"], "");
    assert_snapshot!(plan, @r"
    exit status 0
    Secrets go to http://[address]
    ENTRY  NAME  TOOL  ARGUMENT  DEFAULT  ACTION
    GITHUB_TOKEN  GITHUB_TOKEN  -  -  no  leave: a later entry has its name
    PORT  PORT  -  -  no  leave: it looks like a setting (--all imports it)
    LINEAR_PROD  linear-prod  linear__*  headers.Authorization  no  store
    FILES_TOKEN  files  files__*  env.FILES_TOKEN  no  store
    files_api_key  files_api_key  files__*  api_key  yes  store
    SHORT_PASSWORD  SHORT_PASSWORD  -  -  no  leave: its value is too short
    GITHUB_TOKEN  GITHUB_TOKEN  -  -  no  store
    Nothing was stored. To do this, run the same command with --yes.
    ");
    assert_eq!(
        client.json(&["secret", "list", "--json"], ""),
        serde_json::json!([])
    );
    let done = run(&client, &[".env", "--yes"], "");
    let (_, after) = done
        .split_once("GITHUB_TOKEN  GITHUB_TOKEN  -  -  no  store\n")
        .unwrap();
    let said = after.lines().filter(|line| !line.starts_with("warning: "));
    assert_eq!(
        said.collect::<Vec<_>>(),
        [
            "Stored 4, left 3.",
            "The values are still in .env: delete it when nothing reads it."
        ]
    );
    let listed = client.json(&["secret", "list", "--json"], "");
    let listed: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|secret| {
            (
                &secret["secret_name"],
                &secret["tool_arg"],
                &secret["is_default_for_tool"],
            )
        })
        .map(|(name, argument, default)| format!("{name} {argument} {default}"))
        .collect();
    assert_eq!(
        listed,
        [
            "\"linear-prod\" \"headers.Authorization\" false",
            "\"files\" \"env.FILES_TOKEN\" false",
            "\"files_api_key\" \"api_key\" true",
            "\"GITHUB_TOKEN\" null false"
        ]
    );
}

#[test]
fn what_exists_is_left_or_replaced() {
    let client = client();
    client.json(
        &["secret", "create", "ours-TOKEN", "--tool", "t__*", "--json"],
        CANARY,
    );
    let file = format!("TOKEN=ghp_{CANARY}");
    let options = ["-", "--prefix", "ours-", "--json"];
    let action = |more: &[&str]| {
        let printed = run(&client, &[&options[..], more].concat(), &file);
        let (status, json) = printed.split_once('\n').unwrap();
        assert_eq!(status, "exit status 0");
        // Warnings follow on standard error.
        let end = json.rfind("\n}").unwrap() + 2;
        let json: serde_json::Value = serde_json::from_str(&json[..end]).unwrap();
        let secret = &json["secrets"][0];
        (
            json["done"].as_bool().unwrap(),
            secret["action"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(action(&["--yes"]), (true, "leave".to_owned()));
    assert_eq!(action(&["--replace"]), (false, "replace".to_owned()));
    assert_eq!(
        action(&["--replace", "--yes"]),
        (true, "replace".to_owned())
    );
    let shown = client.json(&["secret", "show", "ours-TOKEN", "--json"], "");
    assert_eq!(
        (&shown["display"], &shown["tool_name"]),
        (&"ghp********6XyQ".into(), &"t__*".into())
    );
    client.json(&["secret", "create", "ours-TOKEN", "--json"], CANARY);
    let printed = run(&client, &["-", "--prefix", "ours-", "--replace"], &file);
    assert!(
        printed.contains("leave: several secrets have its name"),
        "{printed}"
    );
}

/// The rows of a plan.
fn rows(client: &Client, options: &[&str], input: &str) -> Vec<String> {
    let printed = run(client, &[&["-"], options].concat(), input);
    let rows = printed.lines().skip(3);
    rows.take_while(|row| !row.starts_with("Nothing"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn only_the_name_of_a_server_and_its_argument_makes_a_default() {
    let client = client();
    let text = format!(
        "API_KEY={CANARY}\nFILES_API_KEY=a{CANARY}\nfiles-api-key=b{CANARY}\nTOKEN=c{CANARY}\n"
    );
    assert_eq!(
        rows(&client, &[], &text),
        [
            "API_KEY  API_KEY  -  -  no  store",
            "FILES_API_KEY  FILES_API_KEY  files__*  api_key  yes  store",
            "files-api-key  files-api-key  -  -  no  store: without a binding, because another secret is the default",
            "TOKEN  TOKEN  -  -  no  store",
        ]
    );
    let create = ["secret", "create", "ours", "--default", "--json"];
    let place = ["--tool", "files__read*", "--arg", "api_key"];
    client.json(&[&create[..], &place].concat(), CANARY);
    let text = format!("FILES_API_KEY={CANARY}\n");
    let unbound = "FILES_API_KEY  FILES_API_KEY  -  -  no  store: without a binding, because another secret is the default";
    assert_eq!(rows(&client, &[], &text), [unbound]);
    run(&client, &["-", "--yes"], &text);
    let stored = client.json(&["secret", "show", "FILES_API_KEY", "--json"], "");
    assert_eq!(stored["is_default_for_tool"], false);
    assert_eq!(stored["tool_name"], serde_json::Value::Null);
}

#[test]
fn a_prefix_goes_before_a_name_of_the_configuration_too() {
    let client = client();
    client.json(&["secret", "create", "linear-prod", "--json"], CANARY);
    let text = format!("LINEAR_PROD={CANARY}");
    let options = ["--prefix", "app-", "--replace"];
    assert_eq!(
        rows(&client, &options, &text),
        ["LINEAR_PROD  app-LINEAR_PROD  -  -  no  store"]
    );
    assert_eq!(
        rows(&client, &["--replace"], &text),
        ["LINEAR_PROD  linear-prod  -  -  no  replace"]
    );
}

#[test]
fn a_server_that_goes_away_is_no_mistake_of_the_caller() {
    let client = client();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        drop(listener);
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        assert!(lines.map(Result::unwrap).any(|line| line.is_empty()));
        let body = r#"{"data": [], "total": 0}"#;
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
    });
    let arguments = ["secret", "import", "-", "--yes", "--no-bind"];
    let mut command = client.installation.command(&arguments);
    command
        .env("TOOLVAULT_URL", url)
        .env("TOOLVAULT_API_KEY", &client.key);
    let input = format!("TOKEN={CANARY}");
    let printed = client.installation.transcript(&mut command, &input);
    answering.join().unwrap();
    assert!(
        printed.starts_with(
            "exit status 2\nerror: TOKEN: the server at http://[address] does not answer"
        ),
        "{printed}"
    );
}

#[test]
fn exports_of_other_managers_are_read() {
    let client = client();
    for (input, options, expected) in [
        (
            format!("A_KEY: {CANARY}\nmulti: |\n  -----BEGIN\n  {CANARY}\nPIN: 0123\n"),
            &["--format", "yaml", "--all"][..],
            &[
                "A_KEY  A_KEY  -  -  no  store",
                "PIN  PIN  -  -  no  leave: it is not a text; put a number in quotes",
                "multi  multi  -  -  no  store",
            ][..],
        ),
        (
            format!("- key: A\n  value: {CANARY}\n"),
            &["--format", "yaml"],
            &["A  A  -  -  no  store"],
        ),
        (
            format!(r#"[{{"key": "A", "value": "{CANARY}"}}]"#),
            &[],
            &["A  A  -  -  no  store"],
        ),
        (
            format!(
                r#"{{"request_id": "r", "lease_id": "", "data": {{"data": {{"a\u001b[2J": "{CANARY}"}}, "metadata": {{}}}}}}"#
            ),
            &[],
            &[r"a\u{1b}[2J  a\u{1b}[2J  -  -  no  store"],
        ),
        (
            format!(
                r#"{{"title": "GitHub", "fields": [{{"type": "CONCEALED", "label": "token", "value": "{CANARY}"}}]}}"#
            ),
            &["--no-bind"],
            &["github-token  github-token  -  -  no  store"],
        ),
    ] {
        assert_eq!(rows(&client, options, &input), expected);
    }
}

#[test]
fn what_cannot_be_read_is_refused_without_its_text() {
    let client = client();
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, before) in "bcdefghi".chars().zip("abcdefgh".chars()) {
        let many = format!("*{before}, ").repeat(9);
        bomb.extend([&format!("{name}: &{name} [{many}]\n")[..]]);
    }
    for (input, format, expected) in [
        (
            format!("A=1\n{CANARY}\n"),
            "dotenv",
            "-: line 2: it is not NAME=VALUE",
        ),
        (
            format!("{{\"a\": {CANARY}"),
            "json",
            "-: line 1: it is not JSON",
        ),
        (
            format!("\"{CANARY}\""),
            "json",
            "-: it is neither a map of names to values nor an export that is known",
        ),
        (format!("a: [{CANARY}\nb: '"), "yaml", "it is not YAML"),
        (bomb, "yaml", "it is not YAML"),
        (String::new(), "dotenv", "there is no secret in -"),
        (
            "A=secret\n".repeat(1_001),
            "dotenv",
            "- has more than 1000 entries",
        ),
    ] {
        let printed = run(&client, &["-", "--format", format], &input);
        assert!(printed.starts_with("exit status 1\nerror: "), "{printed}");
        assert!(printed.contains(expected), "{printed}");
    }
    assert_snapshot!(run(&client, &["/dev/zero"], ""), @r"
    exit status 1
    error: cannot read /dev/zero: it has more than 4 MiB
    ");
    assert_snapshot!(run(&client, &["absent"], ""), @r"
    exit status 1
    error: cannot read absent: No such file or directory (os error 2)
    ");
}

#[test]
fn an_export_has_bindings_and_policies_and_no_value() {
    let client = client();
    let create = [
        "secret",
        "create",
        "linear",
        "--tool",
        "linear__*",
        "--arg",
        "token",
        "--default",
        "--json",
    ];
    client.json(&create, CANARY);
    client.json(&["secret", "create", "plain", "--json"], CANARY);
    client.run(&["secret", "policy", "linear", "--rotate-after", "90"], "");
    let exported = client.json(&["secret", "export"], "");
    assert!(!exported.to_string().contains(CANARY));
    assert_eq!(exported[0]["secret_name"], "linear");
    assert_eq!(exported[0]["tool_name"], "linear__*");
    assert_eq!(exported[0]["policy"]["rotate_after_days"], 90);
    assert_eq!(exported[1]["policy"], serde_json::Value::Null);
}

/// Runs it on a terminal, on which a person types `answer`.
fn on_terminal(client: &Client, line: &str, answer: &str) -> String {
    let mut command = client.installation.command(&[]);
    let arguments = format!("{} secret import {line}", env!("CARGO_BIN_EXE_toolvault"));
    let mut script = std::process::Command::new("script");
    script
        .args(["--quiet", "--return", "--command", &arguments, "/dev/null"])
        .env_clear()
        .current_dir(client.installation.path())
        .env("PATH", "/usr/bin:/bin")
        .env("TOOLVAULT_URL", &client.server.url)
        .env("TOOLVAULT_API_KEY", &client.key);
    for (name, value) in command.env("TERM", "dumb").get_envs() {
        script.env(name, value.unwrap());
    }
    client.installation.transcript(&mut script, answer)
}

#[test]
fn a_person_is_asked_after_the_plan() {
    let client = client();
    let path = client.installation.path().join(".env");
    fs::write(path, format!("GITHUB_TOKEN=ghp_{CANARY}\n")).unwrap();
    let stored = || {
        client
            .json(&["secret", "list", "--json"], "")
            .as_array()
            .unwrap()
            .len()
    };
    let refused = on_terminal(&client, ".env", "n\n");
    assert!(refused.starts_with("exit status 1\n"), "{refused}");
    assert!(
        refused.contains("Send the values to http://[address]? [y/N]"),
        "{refused}"
    );
    assert_eq!(stored(), 0);
    let done = on_terminal(&client, ".env", "y\n");
    assert!(
        done.starts_with("exit status 0\n") && done.contains("Stored 1, left 0."),
        "{done}"
    );
    // Once in the plan, for the entry and its name; and each warning says what it is about.
    assert_eq!(done.matches("GITHUB_TOKEN").count(), 3, "{done}");
    assert!(
        done.contains("warning: GITHUB_TOKEN: without both"),
        "{done}"
    );
    assert_eq!(stored(), 1);
    let again = on_terminal(&client, ".env", "");
    assert!(again.contains("There is nothing to store."), "{again}");
    assert!(!(refused + &done + &again).contains(CANARY));
}

#[test]
fn values_go_to_another_machine_only_after_a_yes() {
    // This machine by its name, which the command takes for another one.
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let name = name.trim();
    let installation = Installation::empty();
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let [certificate, key] =
        ["certificate.pem", "key.pem"].map(|file| installation.path().join(file));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let options = [
        "--listen",
        "0.0.0.0:0",
        "--tls-cert",
        certificate,
        "--tls-key",
        key,
    ];
    let server = Server::start(installation.command(&["serve"]).args(options));
    let url = server.url.replace("0.0.0.0", name);
    let operator = installation.first_key("operator_key");
    let run = |arguments: &[&str]| {
        let mut command = installation.command(arguments);
        command
            .env("TOOLVAULT_URL", &url)
            .env("TOOLVAULT_API_KEY", &operator)
            .env("TOOLVAULT_CA_FILE", certificate);
        installation.transcript(&mut command, &format!("TOKEN=ghp_{CANARY}\n"))
    };
    let planned = run(&["secret", "import", "-"]);
    assert!(
        planned.starts_with("exit status 0\nSecrets go to https://"),
        "{planned}"
    );
    assert!(
        planned.ends_with("Nothing was stored. To do this, run the same command with --yes."),
        "{planned}"
    );
    assert!(!run(&["secret", "list"]).contains("TOKEN"));
    let done = run(&["secret", "import", "-", "--yes"]);
    assert!(done.contains("Stored 1, left 0."), "{done}");
    assert!(run(&["secret", "list"]).contains("TOKEN"));
}
