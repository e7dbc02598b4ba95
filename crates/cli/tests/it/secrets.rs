//! `secret` and `explain`, through a real server.

use insta::assert_snapshot;

use crate::installation::{Installation, Server};

/// A server, and its operator.
pub(crate) struct Client {
    pub(crate) installation: Installation,
    pub(crate) server: Server,
    pub(crate) key: String,
}

impl Client {
    pub(crate) fn new() -> Self {
        let installation = Installation::empty();
        let server = installation.serve(&[]);
        let key = installation.first_key("operator_key");
        Self {
            installation,
            server,
            key,
        }
    }

    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> String {
        let mut command = self.installation.command(arguments);
        command
            .env("TOOLVAULT_URL", &self.server.url)
            .env("TOOLVAULT_API_KEY", &self.key);
        self.installation.transcript(&mut command, input)
    }

    pub(crate) fn json(&self, arguments: &[&str], input: &str) -> serde_json::Value {
        let mut command = self.installation.command(arguments);
        command
            .env("TOOLVAULT_URL", &self.server.url)
            .env("TOOLVAULT_API_KEY", &self.key);
        let path = self.installation.path().join("input");
        std::fs::write(&path, input).unwrap();
        let output = command
            .stdin(std::fs::File::open(path).unwrap())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

const LINEAR: [&str; 8] = [
    "secret",
    "create",
    "linear-prod",
    "--tool",
    "agno__linear__*",
    "--arg",
    "api_token",
    "--default",
];

#[test]
fn a_credential_is_stored_explained_and_changed() {
    let client = Client::new();
    assert_snapshot!(client.run(&LINEAR, "lin_api_0123456789abcdef\n"), @r"
    exit status 0
    name  linear-prod
    id  [id]
    tool  agno__linear__*
    argument  api_token
    default  yes
    value  lin********cdef
    created  [time]
    updated  [time]
    warning: this value can be guessed in fewer than 2^50 tries, and redaction can confirm a guess
    ");
    assert_snapshot!(client.run(&["secret", "list"], ""), @r"
    exit status 0
    NAME  ID  TOOL  ARGUMENT  DEFAULT  VALUE  VERSION  UPDATED  LAST USED  STATUS
    linear-prod  [id]  agno__linear__*  api_token  yes  lin********cdef  1  [time]  -  -
    ");
    assert_snapshot!(client.run(&["explain", "agno__linear__get_issue_details"], ""), @r"
    exit status 0
    A call of agno__linear__get_issue_details without arguments would be completed:
    api_token: default
      applied  linear-prod  [id]  agno__linear__*  the only default for this argument
    ");
    assert_snapshot!(client.run(&["secret", "set", "linear-prod", "--no-default"], ""), @r"
    exit status 0
    name  linear-prod
    id  [id]
    tool  agno__linear__*
    argument  api_token
    default  no
    value  lin********cdef
    created  [time]
    updated  [time]
    ");
    assert_snapshot!(client.run(&["explain", "agno__linear__get_issue_details"], ""), @r"
    exit status 0
    A call of agno__linear__get_issue_details without arguments would get no secret:
    api_token: none
      almost  linear-prod  [id]  it is not a default
    ");
    assert_snapshot!(client.run(&["secret", "show", "linear-prod"], ""), @r"
    exit status 0
    name  linear-prod
    id  [id]
    tool  agno__linear__*
    argument  api_token
    default  no
    value  lin********cdef
    created  [time]
    updated  [time]
    version  1
    last used  -
    ");
}

#[test]
fn a_secret_is_deleted_without_a_question_where_there_is_no_terminal() {
    let client = Client::new();
    client.run(&LINEAR, "lin_api_0123456789abcdef\n");
    assert_snapshot!(client.run(&["secret", "delete", "linear-prod"], ""), @r"
    exit status 0
    Deleted the secret linear-prod ([id]).
    ");
    assert_snapshot!(client.run(&["secret", "show", "linear-prod"], ""), @r"
    exit status 1
    error: there is no secret 'linear-prod'
    hint: toolvault secret list shows them
    ");
}

#[test]
fn one_line_break_is_not_part_of_the_value() {
    let client = Client::new();
    // 16 characters show 2 and 2; a line break would make it 17.
    let with = client.json(&["secret", "create", "a", "--json"], "0123456789abcdef\n");
    assert_eq!(with["display"], "01********ef");
    let path = client.installation.path().join("value");
    std::fs::write(&path, "0123456789ABCDEF\r\n").unwrap();
    let file = client.json(
        &[
            "secret",
            "create",
            "b",
            "--json",
            "--value-file",
            path.to_str().unwrap(),
        ],
        "",
    );
    assert_eq!(file["display"], "01********EF");
    let dash = client.json(
        &["secret", "set", "b", "--json", "--value-file", "-"],
        "fedcba9876543210",
    );
    assert_eq!(dash["display"], "fe********10");
}

#[test]
fn long_values_are_stored_whole_and_applied_only_then() {
    let client = Client::new();
    let key = format!("-----BEGIN{}END-----", "k".repeat(5_000));
    let arguments = [
        "secret",
        "create",
        "service-account",
        "--tool",
        "t__*",
        "--arg",
        "key",
        "--default",
        "--json",
    ];
    let made = client.json(&arguments, &key);
    assert_eq!(made["is_default_for_tool"], true);
    assert_eq!(made["display"], "---********----");
    let tail = client.installation.output(&["audit", "tail", "-n", "3"]);
    let actions: Vec<&str> = tail
        .lines()
        .filter_map(|line| line.split(' ').nth(2))
        .collect();
    assert_eq!(
        actions,
        ["secret.created", "secret.value_replaced", "secret.rebound"]
    );
    let too_long = "v".repeat(65_537);
    assert_snapshot!(client.run(&["secret", "create", "c"], &too_long), @r"
    exit status 1
    error: a value has at most 65536 bytes
    ");
}

#[test]
fn an_ambiguous_name_is_refused_with_the_ids() {
    let client = Client::new();
    let first = client.json(&["secret", "create", "twin", "--json"], "value-one");
    let second = client.json(&["secret", "create", "twin", "--json"], "value-two");
    assert_snapshot!(client.run(&["secret", "show", "twin"], ""), @r"
    exit status 1
    error: several secrets are called 'twin': [id], [id]
    hint: name one by its ID
    ");
    let id = second["secret_id"].as_str().unwrap();
    assert_eq!(
        client.json(&["secret", "set", id, "--name", "other", "--json"], "")["secret_name"],
        "other"
    );
    let one = client.json(&["secret", "show", "twin", "--json"], "");
    assert_eq!(one["secret_id"], first["secret_id"]);
    // The text of an ID may be the name of another secret.
    let unknown = "01900000-0000-7000-8000-000000000000";
    client.json(&["secret", "create", unknown, "--json"], "value-three");
    assert_eq!(
        client.json(&["secret", "show", unknown, "--json"], "")["secret_name"],
        unknown
    );
}

#[test]
fn refusals_say_what_is_wrong_and_never_the_value() {
    let client = Client::new();
    assert_snapshot!(client.run(&["secret", "create", "short"], "abc"), @r"
    exit status 1
    error: secret_value: String should have at least 4 characters
    ");
    assert_snapshot!(client.run(&["secret", "create", "name", "s3cr3t-value"], ""), @r"
    exit status 1
    error: there is one argument too many
    hint: the value of a secret is never an argument: it is read from a prompt, standard input or --value-file
    ");
    assert_snapshot!(client.run(&["secret", "create", "name", "--value", "s3cr3t-value"], ""), @r"
    exit status 1
    error: unexpected argument '--value' found

      tip: a similar argument exists: '--value-file'

    Usage: toolvault secret create --value-file <FILE> <NAME>

    For more information, try '--help'.
    ");
    assert_snapshot!(client.run(&["secret", "create", "name", "--value-file", "/"], ""), @r"
    exit status 1
    error: cannot read /: Is a directory (os error 21)
    ");
    assert_snapshot!(client.run(&["config", "nonsense"], ""), @r"
    exit status 1
    error: there is one argument too many
    hint: --help shows which arguments there are
    ");
    assert_snapshot!(client.run(&["explain", "a*b"], ""), @r"
    exit status 1
    error: tool_name: Value error, the name of a tool holds no '*'
    ");
}

#[test]
fn the_key_is_needed_and_may_be_in_a_file() {
    let client = Client::new();
    let without = |file: Option<&str>| {
        let mut command = client.installation.command(&["secret", "list"]);
        command.env("TOOLVAULT_URL", &client.server.url);
        if let Some(file) = file {
            command.env("TOOLVAULT_API_KEY_FILE", file);
        }
        client.installation.transcript(&mut command, "")
    };
    assert_snapshot!(without(None), @r"
    exit status 1
    error: no API key is set
    hint: sign in with: toolvault login; or set TOOLVAULT_API_KEY or TOOLVAULT_API_KEY_FILE. toolvault serve showed a key when it set up the store, or wrote it to the file toolvault.first-keys; toolvault key create makes a new one
    ");
    let path = client.installation.path().join("key");
    std::fs::write(&path, format!("{}\n", client.key)).unwrap();
    assert!(without(path.to_str()).starts_with("exit status 0"));
    std::fs::write(&path, "tvk_unknown").unwrap();
    assert_snapshot!(without(path.to_str()), @r"
    exit status 1
    error: Missing or invalid credentials.
    hint: check the key in TOOLVAULT_API_KEY, or sign in with: toolvault login
    ");
}

#[test]
fn a_server_that_is_not_there_is_a_failure_with_a_hint() {
    let installation = Installation::empty();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut command = installation.command(&["secret", "list"]);
    command
        .env("TOOLVAULT_URL", format!("http://{free}"))
        .env("TOOLVAULT_API_KEY", "tvk_x");
    let transcript = installation.transcript(&mut command, "");
    assert!(
        transcript.starts_with(
            "exit status 2\nerror: the server at http://[address] does not answer: Connection refused"
        ),
        "{transcript}"
    );
    assert!(
        transcript.contains("hint: is the server running?"),
        "{transcript}"
    );
}

#[test]
fn plain_http_to_elsewhere_is_refused() {
    let installation = Installation::empty();
    let mut command = installation.command(&["secret", "list"]);
    command
        .env("TOOLVAULT_URL", "http://vault.example.com")
        .env("TOOLVAULT_API_KEY", "tvk_x");
    assert_snapshot!(installation.transcript(&mut command, ""), @r"
    exit status 1
    error: TOOLVAULT_URL: plain http is refused, except to this machine: use https
    hint: a key goes to another machine only if its server has HTTPS
    ");
}

impl Client {
    /// `secret policy` of the secret that [`LINEAR`] stores.
    fn policy(&self, options: &[&str]) -> String {
        let mut arguments = vec!["secret", "policy", "linear-prod"];
        arguments.extend(options);
        self.run(&arguments, "")
    }
}

#[test]
fn a_policy_is_shown_and_changed_only_where_something_is_given() {
    let client = Client::new();
    client.run(&LINEAR, "lin_api_0123456789abcdef\n");
    assert_snapshot!(client.policy(&[]), @r"
    exit status 0
    name  linear-prod
    id  [id]
    expires  never
    rotate after  never
    protected  no
    redacted  yes
    approval  never
    ");
    let given = [
        "--expires-at",
        "2999-01-31T00:00:00Z",
        "--rotate-after",
        "90",
        "--protect",
        "--when",
        "base_url=https://api.linear.app/*",
        "--when",
        "base_url=https://eu.linear.app/*",
        "--when",
        "team=research",
        "--approval",
        "writes",
    ];
    assert_snapshot!(client.policy(&given), @r"
    exit status 0
    name  linear-prod
    id  [id]
    expires  [time]
    rotate after  90 d
    when base_url  https://api.linear.app/* or https://eu.linear.app/*
    when team  research
    protected  yes
    redacted  yes
    approval  writes
    ");
    let refused = client.run(&["secret", "set", "linear-prod", "--tool", "*"], "");
    assert!(refused.starts_with("exit status 1"), "{refused}");
}

#[test]
fn what_a_policy_demands_is_lifted() {
    let client = Client::new();
    client.run(&LINEAR, "lin_api_0123456789abcdef\n");
    client.policy(&[
        "--when",
        "base_url=https://api.linear.app/*",
        "--protect",
        "--approval",
        "first",
    ]);
    let given = [
        "--expires-at",
        "never",
        "--unprotect",
        "--no-redact",
        "--approval",
        "never",
        "--when",
        "team=x=y",
        "--json",
    ];
    assert_snapshot!(client.policy(&given), @r#"
    exit status 0
    {
      "secret_id": "[id]",
      "secret_name": "linear-prod",
      "expires_at": null,
      "rotate_after_days": null,
      "when": {
        "base_url": [
          "https://api.linear.app/*"
        ],
        "team": [
          "x=y"
        ]
      },
      "protected": false,
      "redact": false
    }
    "#);
    assert_snapshot!(client.policy(&["--no-when", "--rotate-after", "never", "--expires", "3d"]), @r"
    exit status 0
    name  linear-prod
    id  [id]
    expires  [time]
    rotate after  never
    protected  no
    redacted  no
    approval  never
    ");
}

#[test]
fn the_list_says_which_secrets_end() {
    let client = Client::new();
    client.run(&LINEAR, "lin_api_0123456789abcdef\n");
    client.policy(&["--expires", "3d"]);
    assert_snapshot!(client.run(&["secret", "list"], ""), @r"
    exit status 0
    NAME  ID  TOOL  ARGUMENT  DEFAULT  VALUE  VERSION  UPDATED  LAST USED  STATUS
    linear-prod  [id]  agno__linear__*  api_token  yes  lin********cdef  1  [time]  -  expires in 3 d
    ");
    client.policy(&["--expires-at", "2000-01-01T00:00:00Z"]);
    assert!(
        client
            .run(&["secret", "list"], "")
            .ends_with("[time]  -  expired")
    );
    let listed = client.json(&["secret", "list", "--json"], "");
    assert_eq!(listed[0]["status"], "expired");
    let shown = client.json(&["secret", "show", "linear-prod", "--json"], "");
    assert_eq!(shown["status"], "expired");
    assert!(
        client
            .run(&["secret", "show", "linear-prod"], "")
            .ends_with("status  expired")
    );
}

#[test]
fn a_policy_that_cannot_be_is_refused() {
    let client = Client::new();
    client.run(&LINEAR, "lin_api_0123456789abcdef\n");
    for (options, expected) in [
        (&["--expires-at", "tomorrow"][..], "a time with an offset"),
        (&["--rotate-after", "soon"], "a number of days, or never"),
        (&["--rotate-after", "0"], "rotate_after_days: "),
        (&["--when", "base_url"], "an argument and a pattern"),
        (
            &["--when", "base_url=https://*.example.com/"],
            "whole origin",
        ),
        (&["--protect", "--unprotect"], "cannot be used with"),
        (
            &["--expires", "1d", "--expires-at", "never"],
            "cannot be used with",
        ),
    ] {
        let transcript = client.policy(options);
        assert!(transcript.starts_with("exit status 1\n"), "{transcript}");
        assert!(transcript.contains(expected), "{transcript}");
    }
}

#[test]
fn a_wrong_connection_is_told_with_what_is_wrong() {
    let client = Client::new();
    let transcript = |arguments: &[&str], variable: (&str, &str)| {
        let mut command = client.installation.command(arguments);
        command
            .env("TOOLVAULT_URL", &client.server.url)
            .env(variable.0, variable.1);
        client.installation.transcript(&mut command, "")
    };
    let list = ["secret", "list"];
    let url = format!("{}/v1", client.server.url);
    assert_snapshot!(transcript(&list, ("TOOLVAULT_URL", &url)), @r"
    exit status 1
    error: TOOLVAULT_URL ends in /v1, which the command adds itself
    hint: leave out /v1
    ");
    assert_snapshot!(transcript(&list, ("TOOLVAULT_API_KEY_FILE", "/nonexist")), @r"
    exit status 1
    error: TOOLVAULT_API_KEY_FILE: cannot read /nonexist: No such file or directory (os error 2)
    ");
    let with_file = ["secret", "list", "--ca-file", "/nonexist"];
    assert_snapshot!(transcript(&with_file, ("TOOLVAULT_API_KEY", "x")), @r"
    exit status 1
    error: no certificate in the CA file /nonexist: No such file or directory (os error 2)
    ");
}
