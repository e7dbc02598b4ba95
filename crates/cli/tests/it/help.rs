//! What the command line says about itself, word by word, and what it makes of nonsense.

use insta::assert_snapshot;

use crate::installation::Installation;

fn help(command: &str) -> String {
    let mut arguments: Vec<&str> = command.split(' ').filter(|word| !word.is_empty()).collect();
    arguments.push("--help");
    Installation::empty().output(&arguments)
}

#[test]
fn the_program_lists_its_commands() {
    assert_snapshot!(help(""), @r"
    Your agent's tools get the keys. Your agent doesn't

    Usage: toolvault <COMMAND>

    Commands:
      serve    Run the server; on an empty store, set it up first
      user     Make, list, disable and delete users
      key      Make, list, revoke and rotate API keys
      secret   Store, list, change and delete secrets, through the API
      explain  Say which secret each argument of a tool would get, and why
      mcp      Set up the MCP gateway: its servers, and the clients that reach them through it
      audit    Verify and read the audit trail
      doctor   Check the installation and say how to mend it
      openapi  Print the OpenAPI document of the API
      config   Print the configuration that holds, and where each value came from

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Exit status: 0 done, 1 refused or invalid input, 2 a failure of ours or of the machine.
    ");
}

#[test]
fn serve_explains_its_flags() {
    assert_snapshot!(help("serve"), @r"
    Run the server; on an empty store, set it up first

    Usage: toolvault serve [OPTIONS]

    Options:
          --config <FILE>         Configuration file
          --data-dir <DIRECTORY>  Directory of the embedded database [default: the platform's data
                                  directory]
          --database-url <URL>    PostgreSQL database in place of the embedded one. Others on this
                                  machine see arguments: a URL with a password is better off in
                                  `TOOLVAULT_DATABASE_URL`
          --root-key-file <FILE>  File with the root key [default: the data directory's name and
                                  .root.key]
          --listen <ADDRESS>      Address and port of the API [default: 127.0.0.1:8710]
          --tls-cert <FILE>       Certificate chain in PEM: serve HTTPS
          --tls-key <FILE>        Private key in PEM
          --insecure-http         Allow plain HTTP on an address that is not loopback
      -h, --help                  Print help
    ");
}

#[test]
fn user_explains_its_commands() {
    assert_snapshot!(help("user"), @r"
    Make, list, disable and delete users

    Usage: toolvault user <COMMAND>

    Commands:
      create   Make a user
      list     List all users
      disable  Refuse a user's keys and tokens from now on
      delete   Erase a user with all their secrets and keys

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("user delete"), @r"
    Erase a user with all their secrets and keys

    Usage: toolvault user delete [OPTIONS] <NAME>

    Arguments:
      <NAME>  Name or id of the user

    Options:
          --yes                   Do not ask
          --config <FILE>         Configuration file
          --data-dir <DIRECTORY>  Directory of the embedded database [default: the platform's data
                                  directory]
          --database-url <URL>    PostgreSQL database in place of the embedded one. Others on this
                                  machine see arguments: a URL with a password is better off in
                                  `TOOLVAULT_DATABASE_URL`
          --root-key-file <FILE>  File with the root key [default: the data directory's name and
                                  .root.key]
      -h, --help                  Print help
    ");
}

#[test]
fn key_explains_its_commands() {
    assert_snapshot!(help("key"), @r"
    Make, list, revoke and rotate API keys

    Usage: toolvault key <COMMAND>

    Commands:
      create  Make a key; it is shown this once
      list    List keys, without what makes them keys
      revoke  End a key, and all keys that were made with it
      rotate  Replace a key by one with the same rights

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("key create"), @r"
    Make a key; it is shown this once

    Usage: toolvault key create [OPTIONS] --user <NAME> --scope <SCOPE>

    Options:
          --user <NAME>           Name or id of the user whose key it is
          --scope <SCOPE>         What the key may do: manage, use, resolve, audit or admin; may be
                                  repeated
          --tool <PATTERN>        Limit the key to tools of this pattern, in which * stands for any
                                  characters; may be repeated
          --expires <SPAN>        End the key after this span: a number and s, m, h, d or w
          --any-user              Let the key act for any user that a request names; needs --expires
          --name <NAME>           What to call the key [default: cli]
          --json                  Print JSON
          --config <FILE>         Configuration file
          --data-dir <DIRECTORY>  Directory of the embedded database [default: the platform's data
                                  directory]
          --database-url <URL>    PostgreSQL database in place of the embedded one. Others on this
                                  machine see arguments: a URL with a password is better off in
                                  `TOOLVAULT_DATABASE_URL`
          --root-key-file <FILE>  File with the root key [default: the data directory's name and
                                  .root.key]
      -h, --help                  Print help
    ");
    assert_snapshot!(help("key rotate"), @r"
    Replace a key by one with the same rights

    Usage: toolvault key rotate [OPTIONS] <ID>

    Arguments:
      <ID>  Id of the key: the 8 letters and digits behind tvk_

    Options:
          --overlap <SPAN>        For how long the old key is accepted, at most 7d [default: 0s]
          --json                  Print JSON
          --config <FILE>         Configuration file
          --data-dir <DIRECTORY>  Directory of the embedded database [default: the platform's data
                                  directory]
          --database-url <URL>    PostgreSQL database in place of the embedded one. Others on this
                                  machine see arguments: a URL with a password is better off in
                                  `TOOLVAULT_DATABASE_URL`
          --root-key-file <FILE>  File with the root key [default: the data directory's name and
                                  .root.key]
      -h, --help                  Print help
    ");
}

#[test]
fn secret_explains_where_values_come_from() {
    assert_snapshot!(help("secret"), @r"
    Store, list, change and delete secrets, through the API

    Usage: toolvault secret <COMMAND>

    Commands:
      list    List all secrets, without their values
      create  Store a secret
      set     Change a secret: its value, unless only other things are given
      show    Show a secret, without its value
      policy  Show or set the conditions of a secret's use
      delete  Delete a secret for good

    Options:
      -h, --help  Print help

    The API is at TOOLVAULT_URL [default: http://127.0.0.1:8710]; the key is in TOOLVAULT_API_KEY or in
    the file that TOOLVAULT_API_KEY_FILE names.
    ");
    assert_snapshot!(help("secret create"), @r"
    Store a secret

    Usage: toolvault secret create [OPTIONS] <NAME>

    Arguments:
      <NAME>  Name of the secret

    Options:
          --tool <PATTERN>     Tool it is for; * stands for any characters
          --arg <ARGUMENT>     Argument of the tool that it is for
          --default            Apply it by itself when the argument was not received
          --value-file <FILE>  Read the value from this file, or from standard input if it is -. Without
                               it the value is asked for or, where there is no terminal, read from
                               standard input. One line break at the end is left out
          --json               Print JSON
      -h, --help               Print help
    ");
    assert_snapshot!(help("secret set"), @r"
    Change a secret: its value, unless only other things are given

    Usage: toolvault secret set [OPTIONS] <NAME>

    Arguments:
      <NAME>  Name or id of the secret

    Options:
          --value-file <FILE>  Read the new value from this file, or from standard input if it is -.
                               Without it, and with nothing else to change, the value is asked for or,
                               where there is no terminal, read from standard input. One line break at
                               the end is left out
          --name <NAME>        New name
          --tool <PATTERN>     New tool; * stands for any characters
          --arg <ARGUMENT>     New argument of the tool
          --default            Apply it by itself when the argument was not received
          --no-default         Do not apply it by itself
          --json               Print JSON
      -h, --help               Print help
    ");
}

#[test]
fn audit_explains_checkpoints() {
    assert_snapshot!(help("audit verify"), @r"
    Verify the whole trail, and every row of the store against it

    Usage: toolvault audit verify [OPTIONS]

    Options:
          --json                  Print JSON. Kept elsewhere, the output is a checkpoint for later
          --public-key <HEX>      First public key, as it was shown at set-up. Without it the trail is
                                  only shown to be consistent
          --checkpoint <FILE>     Output of an earlier `verify --json`: the trail must still contain
                                  what it held then
          --config <FILE>         Configuration file
          --data-dir <DIRECTORY>  Directory of the embedded database [default: the platform's data
                                  directory]
          --database-url <URL>    PostgreSQL database in place of the embedded one. Others on this
                                  machine see arguments: a URL with a password is better off in
                                  `TOOLVAULT_DATABASE_URL`
          --root-key-file <FILE>  File with the root key [default: the data directory's name and
                                  .root.key]
      -h, --help                  Print help
    ");
    assert_snapshot!(help("audit tail"), @r"
    Print the newest records

    Usage: toolvault audit tail [OPTIONS]

    Options:
      -n <N>                      How many records [default: 20]
          --json                  Print JSON, one record a line
          --config <FILE>         Configuration file
          --data-dir <DIRECTORY>  Directory of the embedded database [default: the platform's data
                                  directory]
          --database-url <URL>    PostgreSQL database in place of the embedded one. Others on this
                                  machine see arguments: a URL with a password is better off in
                                  `TOOLVAULT_DATABASE_URL`
          --root-key-file <FILE>  File with the root key [default: the data directory's name and
                                  .root.key]
      -h, --help                  Print help
    ");
}

#[test]
fn commands_of_later_versions_are_not_declared() {
    let installation = Installation::empty();
    for command in ["run", "rotate", "backup", "restore", "help"] {
        let transcript = installation.run(&[command]);
        assert!(
            transcript.starts_with("exit status 1\nerror: unrecognized subcommand"),
            "{transcript}"
        );
    }
}

#[test]
fn nonsense_is_invalid_input() {
    let installation = Installation::empty();
    assert_snapshot!(installation.run(&["serve", "--lisen", "x"]), @r"
    exit status 1
    error: unexpected argument '--lisen' found

      tip: a similar argument exists: '--listen'

    Usage: toolvault serve --listen <ADDRESS>

    For more information, try '--help'.
    ");
    assert_snapshot!(installation.run(&[]).lines().next().unwrap(), @r"exit status 1");
    assert_snapshot!(installation.run(&["key", "create", "--user", "a", "--scope", "root"]), @r"
    exit status 1
    error: invalid value 'root' for '--scope <SCOPE>': a scope is one of 'manage', 'use', 'resolve', 'audit' and 'admin'

    For more information, try '--help'.
    ");
    assert_snapshot!(installation.run(&["key", "create", "--user", "a", "--scope", "use", "--any-user"]), @r"
    exit status 1
    error: the following required arguments were not provided:
      --expires <SPAN>

    Usage: toolvault key create --user <NAME> --scope <SCOPE> --expires <SPAN> --any-user

    For more information, try '--help'.
    ");
    assert_snapshot!(installation.run(&["key", "create", "--user", "a", "--scope", "use", "--expires", "soon"]), @r"
    exit status 1
    error: invalid value 'soon' for '--expires <SPAN>': a number and one of s, m, h, d and w, as in 90d

    For more information, try '--help'.
    ");
}

#[test]
fn control_characters_in_nonsense_are_escaped() {
    let transcript = Installation::empty().run(&["\u{202e}\u{1b}[2J\u{7}"]);
    assert!(!transcript.contains(['\u{7}', '\u{1b}', '\u{202e}']));
    assert!(transcript.contains("\\u{202e}"), "{transcript}");
}

#[test]
fn the_document_of_the_api_is_printed() {
    let document = Installation::empty().json(&["openapi"]);
    assert_eq!(
        document["openapi"].as_str().unwrap().split('.').next(),
        Some("3")
    );
    assert!(document["paths"]["/api/v1/secrets/"]["post"].is_object());
}

#[test]
fn a_reader_that_stops_reading_is_no_error() {
    use std::process::Stdio;
    let installation = Installation::empty();
    let mut command = installation.command(&["openapi"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn mcp_explains_its_commands() {
    assert_snapshot!(help("mcp"), @r"
    Set up the MCP gateway: its servers, and the clients that reach them through it

    Usage: toolvault mcp <COMMAND>

    Commands:
      add     Put a server into the configuration file
      list    List the servers of the configuration
      import  Take the servers of a client over, with the keys that stand in its file
      test    Say whether a server works through the gateway, and which secrets its tools would get
      stdio   Be the gateway for a client that starts a program instead of asking a URL
      remove  Take a server out of the configuration file

    Options:
      -h, --help  Print help

    import, test and stdio ask the server at TOOLVAULT_URL [default: http://127.0.0.1:8710]; the key is
    in TOOLVAULT_API_KEY or in the file that TOOLVAULT_API_KEY_FILE names.
    ");
    assert_snapshot!(help("mcp add"), @r"
    Put a server into the configuration file

    Usage: toolvault mcp add [OPTIONS] <NAME> <URL>
           toolvault mcp add [OPTIONS] <NAME> -- <COMMAND>...

    Arguments:
      <NAME>        Name of the server: a-z, 0-9 and '-'
      [URL]         Where it is reached over Streamable HTTP
      [COMMAND]...  The program, and its arguments, that speaks MCP over its standard input and output

    Options:
          --header <NAME: TEXT>             Header that each request carries, as in `Authorization:
                                            Bearer {{ secret://linear-prod }}`; may be repeated
          --env <NAME=TEXT>                 Variable of the program's environment, as in
                                            `API_TOKEN=secret://files-token`; may be repeated
          --credential-argument <ARGUMENT>  Argument that is hidden from the model even while no secret
                                            serves it; may be repeated
          --allow-private-network           Let the server's address be private or loopback
          --replace                         Replace a server of this name
          --config <FILE>                   Configuration file [default: `TOOLVAULT_CONFIG`, else the
                                            platform's]
      -h, --help                            Print help
    ");
    assert_snapshot!(help("mcp stdio"), @r"
    Be the gateway for a client that starts a program instead of asking a URL

    Usage: toolvault mcp stdio [NAME]

    Arguments:
      [NAME]  Name of the server; without it, all servers together

    Options:
      -h, --help  Print help
    ");
}

#[test]
fn mcp_explains_what_becomes_of_the_keys_of_a_client() {
    assert_snapshot!(help("mcp import"), @r"
    Take the servers of a client over, with the keys that stand in its file

    Usage: toolvault mcp import [OPTIONS] <FILE>

    Arguments:
      <FILE>  File in which a client keeps its servers, as in `mcp.json`, `.mcp.json`,
              `.cursor/mcp.json`, `claude_desktop_config.json` or `~/.claude.json`

    Options:
          --yes             Do not ask
          --key-env         Have the client take its key from the variable `TOOLVAULT_API_KEY`, instead
                            of writing one into the file
          --stdio           Have the client start `toolvault mcp stdio`, because it speaks no HTTP
          --keep-plaintext  Keep the file as it was, with the keys in it, beside it
          --config <FILE>   Configuration file [default: `TOOLVAULT_CONFIG`, else the platform's]
      -h, --help            Print help
    ");
    assert_snapshot!(help("mcp test"), @r"
    Say whether a server works through the gateway, and which secrets its tools would get

    Usage: toolvault mcp test [OPTIONS] <NAME>

    Arguments:
      <NAME>  Name of the server

    Options:
          --tool <TOOL>  Only this tool of it
      -h, --help         Print help
    ");
}

#[test]
fn secret_policy_explains_its_conditions() {
    assert_snapshot!(help("secret policy"), @r"
    Show or set the conditions of a secret's use

    Usage: toolvault secret policy [OPTIONS] <NAME>

    Arguments:
      <NAME>  Name or id of the secret

    Options:
          --expires-at <TIME|never>    Refuse it from this time on, as in 2027-01-31T00:00:00Z
          --expires <SPAN>             Refuse it after this span: a number and s, m, h, d or w
          --rotate-after <DAYS|never>  Say that a new value is due so many days after the last
          --when <ARGUMENT=PATTERN>    Apply it only if this other argument of the tool is absent or
                                       matches: a URL with its whole origin, or any other text; * stands
                                       for any characters. May be repeated, also for one argument
          --no-when                    Forget what --when said before
          --protect                    Fix its name, tool and argument; only the value may be replaced
          --unprotect                  Let its name, tool and argument be changed
          --redact                     Remove the value from what tools answer
          --no-redact                  Leave the value in what tools answer, because it is not
                                       confidential
          --json                       Print JSON
      -h, --help                       Print help
    ");
}
