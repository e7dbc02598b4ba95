//! `secret versions`, `restore`, `rename`, `bind` and the filters of `list`.

use insta::assert_snapshot;

use crate::secrets::Client;

const FIRST: &str = "fir-Kd0qLmZ7Rt2YwVbN4uPa8GcHe5JfS1oTi6XyQ-cdef";
const SECOND: &str = "sec-Kd0qLmZ7Rt2YwVbN4uPa8GcHe5JfS1oTi6XyQ-cdef";

#[test]
fn an_older_value_becomes_the_newest_version() {
    let client = Client::new();
    client.json(&["secret", "create", "github", "--json"], FIRST);
    client.json(&["secret", "set", "github", "--json"], SECOND);
    assert_snapshot!(client.run(&["secret", "restore", "github", "1"], ""), @r"
    exit status 0
    name  github
    id  [id]
    tool  -
    argument  -
    default  no
    value  fir********cdef
    created  [time]
    updated  [time]
    warning: without both a tool and an argument, this secret is used only if a reference names it
    ");
    let versions = client.run(&["secret", "versions", "github"], "");
    let columns: Vec<Vec<&str>> = versions
        .lines()
        .map(|line| line.split("  ").collect())
        .collect();
    assert_eq!(columns[1], ["VERSION", "CREATED", "BY", "STATE"]);
    let numbers: Vec<_> = columns[2..]
        .iter()
        .map(|row| (row[0], row[1], row[3]))
        .collect();
    assert_eq!(
        numbers,
        [
            ("3", "[time]", "current"),
            ("2", "[time]", "superseded"),
            ("1", "[time]", "superseded")
        ]
    );
    let listed = client.json(&["secret", "versions", "github", "--json"], "");
    assert_eq!(listed[2]["version"], 1);
    assert!(
        listed[2]["created_by"]
            .as_str()
            .unwrap()
            .starts_with("key:")
    );
    assert_snapshot!(client.run(&["secret", "restore", "github", "9"], ""), @r"
    exit status 1
    error: the secret github has no version 9
    hint: list them with: toolvault secret versions [id]
    ");
    let refused = client.run(&["secret", "restore", "github", "0"], "");
    assert!(
        refused.starts_with("exit status 1\nerror: invalid value '0' for '<VERSION>'"),
        "{refused}"
    );
}

#[test]
fn another_name_and_another_binding_leave_the_value() {
    let client = Client::new();
    client.json(&["secret", "create", "old name", "--json"], FIRST);
    assert_snapshot!(client.run(&["secret", "rename", "old name", "new\u{1b}[2J"], ""), @r"
    exit status 0
    name  new\u{1b}[2J
    id  [id]
    tool  -
    argument  -
    default  no
    value  fir********cdef
    created  [time]
    updated  [time]
    warning: without both a tool and an argument, this secret is used only if a reference names it
    note: secret://old%20name no longer names it: write secret://new%1B%5B2J in the configuration and in files for run and inject
    ");
    client.json(
        &["secret", "rename", "new\u{1b}[2J", "linear", "--json"],
        "",
    );
    let bind = [
        "secret",
        "bind",
        "linear",
        "--tool",
        "linear__*",
        "--arg",
        "api_token",
        "--default",
    ];
    assert_snapshot!(client.run(&bind, ""), @r"
    exit status 0
    name  linear
    id  [id]
    tool  linear__*
    argument  api_token
    default  yes
    value  fir********cdef
    created  [time]
    updated  [time]
    ");
    let bound = client.json(&["secret", "bind", "linear", "--no-default", "--json"], "");
    assert_eq!(bound["is_default_for_tool"], false);
    assert_eq!(bound["tool_arg"], "api_token");
    let versions = client.json(&["secret", "versions", "linear", "--json"], "");
    assert_eq!(versions.as_array().unwrap().len(), 1);
    assert_snapshot!(client.run(&["secret", "bind", "linear"], ""), @r"
    exit status 1
    error: the following required arguments were not provided:
      <--tool <PATTERN>|--arg <ARGUMENT>|--default|--no-default>

    Usage: toolvault secret bind <--tool <PATTERN>|--arg <ARGUMENT>|--default|--no-default> <NAME>

    For more information, try '--help'.
    ");
}

/// The names that `secret list` prints with these options.
fn names(client: &Client, options: &[&str]) -> Vec<String> {
    let listed = client.json(&[&["secret", "list", "--json"], options].concat(), "");
    let listed = listed.as_array().unwrap().iter();
    listed
        .map(|secret| secret["secret_name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_list_is_filtered_and_sorted() {
    let client = Client::new();
    for (name, tool) in [("b", "linear__*"), ("c", "files__read"), ("a", "*")] {
        let create = [
            "secret", "create", name, "--tool", tool, "--arg", "x", "--json",
        ];
        client.json(&create, FIRST);
    }
    client.json(&["secret", "set", "b", "--json"], SECOND);
    assert_eq!(names(&client, &[]), ["b", "c", "a"]);
    assert_eq!(names(&client, &["--sort", "name"]), ["a", "b", "c"]);
    assert_eq!(names(&client, &["--sort", "tool"]), ["a", "c", "b"]);
    assert_eq!(names(&client, &["--sort", "updated"]), ["c", "a", "b"]);
    assert_eq!(names(&client, &["--tool", "files__read"]), ["c", "a"]);
    assert_eq!(names(&client, &["--tool", "none"]), ["a"]);
    assert!(names(&client, &["--due"]).is_empty());
    client.run(&["secret", "policy", "c", "--expires", "3d"], "");
    assert_eq!(names(&client, &["--due"]), ["c"]);
    let refused = client.run(&["secret", "list", "--sort", "size"], "");
    assert!(refused.starts_with("exit status 1\n"), "{refused}");
}

#[test]
fn what_was_not_used_is_found_in_the_trail() {
    let client = Client::new();
    for name in ["used", "refused", "idle"] {
        client.json(&["secret", "create", name, "--json"], FIRST);
    }
    let run = |name: &str| {
        let reference = format!("T=secret://{name}");
        let mut command = client
            .installation
            .command(&["run", "--env", &reference, "--", "true"]);
        command
            .env("PATH", "/usr/bin:/bin")
            .env("TOOLVAULT_URL", &client.server.url)
            .env("TOOLVAULT_API_KEY", &client.key);
        client.installation.transcript(&mut command, "")
    };
    assert_eq!(run("used"), "exit status 0");
    client.run(
        &[
            "secret",
            "policy",
            "refused",
            "--expires-at",
            "2000-01-01T00:00:00Z",
        ],
        "",
    );
    assert!(run("refused").starts_with("exit status 1"));
    assert_eq!(
        names(&client, &["--unused", "0s"]),
        ["used", "refused", "idle"]
    );
    assert_eq!(names(&client, &["--unused", "1d"]), ["refused", "idle"]);
}
