//! `secret create`: values byte for byte, duplicate names, keys from files, and certificates.

use std::process::Command;

use crate::installation::{Installation, Server};

struct Client {
    installation: Installation,
    server: Server,
}

impl Client {
    fn new() -> Self {
        let installation = Installation::empty();
        let server = installation.serve(&[]);
        Self {
            installation,
            server,
        }
    }

    /// A command whose key is in the file of the first keys.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.installation.command(arguments);
        let keys = self.installation.path().join("data.first-keys");
        command
            .env("TOOLVAULT_URL", &self.server.url)
            .env("TOOLVAULT_API_KEY_FILE", keys);
        command
    }

    fn run(&self, arguments: &[&str], input: &str) -> String {
        let transcript = self
            .installation
            .transcript(&mut self.command(arguments), input);
        assert!(transcript.starts_with("exit status "), "{transcript}");
        transcript
    }

    /// The value that resolving gives for the reference.
    fn value(&self, name: &str) -> String {
        let key = self.installation.first_key("operator_key");
        let url = format!("{}/v1/tools/t/resolve", self.server.url);
        let body = format!(r#"{{"bindings": {{"a": "secret://{name}"}}}}"#);
        let authorization = format!("authorization: Bearer {key}");
        let asked = Command::new("curl")
            .args(["-sS", "-H", &authorization, "-d", &body])
            .args(["-H", "content-type: application/json", &url])
            .output()
            .unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
        answer["args"]["a"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_value_of_several_lines_is_stored_byte_for_byte() {
    let client = Client::new();
    let file = client.installation.path().join("value");
    for (number, (content, expected, is_told)) in [
        ("one line\n", "one line", false),
        ("one line\r\n", "one line", false),
        (
            "-----BEGIN KEY-----\nabc\n-----END KEY-----\n",
            "-----BEGIN KEY-----\nabc\n-----END KEY-----\n",
            false,
        ),
        ("first\r\nsecond\r\n", "first\r\nsecond\r\n", false),
        ("\u{feff}marked\n", "marked", true),
        ("\u{feff}first\nsecond\n", "first\nsecond\n", true),
    ]
    .into_iter()
    .enumerate()
    {
        std::fs::write(&file, content).unwrap();
        let path = file.to_str().unwrap();
        for (kind, arguments, input) in [
            ("file", vec!["--value-file", path], ""),
            ("input", vec!["--value-file", "-"], content),
        ] {
            let name = format!("{kind}-{number}");
            let mut create = vec!["secret", "create", &name];
            create.extend(arguments);
            let made = client.run(&create, input);
            assert!(made.starts_with("exit status 0\n"), "{made}");
            assert_eq!(made.contains("byte order mark"), is_told, "{made}");
            assert_eq!(client.value(&name), expected, "{kind} {content:?}");
        }
    }
}

#[test]
fn a_second_secret_of_a_name_is_told_at_once_and_or_replace_changes_the_first() {
    let client = Client::new();
    let create = [
        "secret",
        "create",
        "x",
        "--tool",
        "linear__*",
        "--arg",
        "api_token",
    ];
    let first = client.run(&create, "the first value");
    assert!(!first.contains("this name"), "{first}");
    let replace: Vec<&str> = create.iter().copied().chain(["--or-replace"]).collect();
    let replaced = client.run(&replace, "the second value");
    assert!(replaced.starts_with("exit status 0\n"), "{replaced}");
    assert!(!replaced.contains("this name"), "{replaced}");
    let long = "long ".repeat(1_000);
    let replaced = client.run(
        &["secret", "create", "x", "--or-replace", "--default"],
        &long,
    );
    assert!(
        replaced.contains("linear__*") && replaced.contains("default  yes"),
        "{replaced}"
    );
    let listed = client.run(&["secret", "list"], "");
    assert_eq!(listed.matches("linear__*").count(), 1, "{listed}");

    let second = client.run(&create, "the third value");
    assert!(second.starts_with("exit status 0\n"), "{second}");
    assert!(
        second.contains("warning: another secret has this name")
            && second.contains("hint: --or-replace changes the secret"),
        "{second}"
    );
    let ambiguous = client.run(&replace, "the fourth value");
    assert!(
        ambiguous.starts_with("exit status 1\nerror: several secrets are called 'x': [id], [id]"),
        "{ambiguous}"
    );
    let new = client.run(&["secret", "create", "y", "--or-replace"], "a value");
    assert!(new.starts_with("exit status 0\n"), "{new}");
}

#[test]
fn a_secret_that_no_tool_gets_by_itself_is_told() {
    let client = Client::new();
    for (arguments, is_told) in [
        (&["a"][..], true),
        (&["b", "--tool", "t"], true),
        (&["c", "--arg", "x"], true),
        (&["d", "--default"], true),
        (&["e", "--tool", "t", "--arg", "x"], false),
    ] {
        let create: Vec<&str> = ["secret", "create"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        let made = client.run(&create, "a value");
        assert_eq!(
            made.contains("used only if a reference names it"),
            is_told,
            "{made}"
        );
    }
}

#[test]
fn the_file_of_the_first_keys_serves_as_a_key_file() {
    let client = Client::new();
    let listed = client.run(&["secret", "list"], "");
    assert!(listed.starts_with("exit status 0\n"), "{listed}");
    let mut wrong = client.command(&["secret", "list"]);
    let file = client.installation.path().join("no-key");
    std::fs::write(&file, "# nothing\nfirst line\n").unwrap();
    let refused = client
        .installation
        .transcript(wrong.env("TOOLVAULT_API_KEY_FILE", &file), "");
    assert!(refused.starts_with("exit status 1\nerror: "), "{refused}");
    assert!(!refused.contains("first line"), "{refused}");
}

#[test]
fn an_untrusted_certificate_is_named_and_a_ca_file_makes_it_trusted() {
    let installation = Installation::empty();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = installation.path().join("certificate.pem");
    let key = installation.path().join("key.pem");
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let server = installation.serve(&["--tls-cert", certificate, "--tls-key", key]);
    let url = server.url.replace("127.0.0.1", "localhost");
    let operator = installation.first_key("operator_key");
    let run = |arguments: &[&str], ca_file: Option<&str>| {
        let mut command = installation.command(arguments);
        command
            .env("TOOLVAULT_URL", &url)
            .env("TOOLVAULT_API_KEY", &operator);
        if let Some(ca_file) = ca_file {
            command.env("TOOLVAULT_CA_FILE", ca_file);
        }
        installation.transcript(&mut command, "")
    };
    for command in [
        &["secret", "list"][..],
        &["explain", "t"],
        &["mcp", "test", "x"],
    ] {
        let refused = run(command, None);
        assert!(refused.starts_with("exit status 2\n"), "{refused}");
        assert!(refused.contains("invalid peer certificate"), "{refused}");
        assert!(
            refused.contains("--ca-file or TOOLVAULT_CA_FILE"),
            "{refused}"
        );
        assert!(!refused.contains("is the server running"), "{refused}");
    }
    for transcript in [
        run(&["secret", "list"], Some(certificate)),
        run(&["secret", "list", "--ca-file", certificate], None),
        run(
            &["explain", "t", "--ca-file", certificate],
            Some("/nowhere"),
        ),
    ] {
        assert!(transcript.starts_with("exit status 0\n"), "{transcript}");
    }
    let missing = run(&["secret", "list", "--ca-file", "/nowhere"], None);
    assert!(
        missing.contains("no certificate in the CA file /nowhere"),
        "{missing}"
    );
    assert_eq!(server.stop(), Some(0));
}
