//! Help texts, word by word, and the messages for invalid command lines.

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
      serve        Run the server, and set up an empty store first
      init         Import the MCP servers of all clients on this machine, and test them
      open         Print a link that opens the dashboard, signed in
      login        Sign in to a server, and keep its URL and the key in a profile
      logout       Forget a profile and its key
      profile      List, choose and show profiles
      user         Create, list, change and delete users
      key          Create, list, revoke and rotate API keys
      secret       Store, list, change and delete secrets
      explain      Explain which secret each argument of a tool gets
      run          Run a command with secrets in its environment
      inject       Write a file from a template with secrets
      mcp          Manage the servers of the MCP gateway, and connect clients to it
      approval     Decide the calls of tools that wait for a person
      reload       Make the running server reload its configuration
      alarms       Try the alarms
      audit        Verify and read the audit trail
      backup       Write a backup of the whole store to a file, or check one
      restore      Restore a backup into a new store, on either database
      rotate       Replace the root key, or the keys of all users
      status       Show an overview of the installation
      doctor       Check the installation and suggest fixes
      ready        Check that the server is ready, as health checks do; it needs no key
      openapi      Print the OpenAPI document of the API
      config       Print the effective configuration and the source of each value
      completions  Print a script that completes commands in a shell

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Exit status: 0 done, 1 refused or invalid input, 2 an error of Toolvault or of the machine.
    ");
}

#[test]
fn serve_explains_its_flags() {
    assert_snapshot!(help("serve"), @r"
    Run the server, and set up an empty store first

    Usage: toolvault serve [OPTIONS]

    Options:
          --config <FILE>           Configuration file
          --data-dir <DIRECTORY>    Directory of the embedded database [default: the platform's data
                                    directory]
          --database-url <URL>      Use this PostgreSQL database instead of the embedded one. Other
                                    users of this machine can see arguments: put a URL with a password
                                    in `TOOLVAULT_DATABASE_URL`
          --root-key-file <FILE>    File with the root key [default: `<data-dir>.root.key`]
          --listen <ADDRESS>        Address and port of the API [default: 127.0.0.1:8710]
          --tls-cert <FILE>         Certificate chain in PEM, to serve HTTPS
          --tls-key <FILE>          Private key in PEM
          --first-keys-file <FILE>  Write the first keys of a new store to this file [default: print
                                    them on a terminal; else a file beside the root key]
          --insecure-http           Allow plain HTTP on an address that is not loopback
      -h, --help                    Print help
    ");
}

#[test]
fn user_explains_its_commands() {
    assert_snapshot!(help("user"), @r"
    Create, list, change and delete users

    Usage: toolvault user <COMMAND>

    Commands:
      create    Create a user
      list      List all users
      disable   Refuse a user's keys and tokens from now on
      enable    Accept a user's keys and tokens again
      sign-out  Sign a user out of the dashboard in all browsers; keys and tokens stay valid
      quota     Show or set how much a user may store
      delete    Delete a user with all their secrets and keys

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("user delete"), @r"
    Delete a user with all their secrets and keys

    Usage: toolvault user delete [OPTIONS] <NAME>

    Arguments:
      <NAME>  Name or ID of the user

    Options:
          --yes                   Do not ask on a terminal
          --json                  Print JSON
          --config <FILE>         Configuration file
          --data-dir <DIRECTORY>  Directory of the embedded database [default: the platform's data
                                  directory]
          --database-url <URL>    Use this PostgreSQL database instead of the embedded one. Other users
                                  of this machine can see arguments: put a URL with a password in
                                  `TOOLVAULT_DATABASE_URL`
          --root-key-file <FILE>  File with the root key [default: `<data-dir>.root.key`]
      -h, --help                  Print help
    ");
}

#[test]
fn key_explains_its_commands() {
    assert_snapshot!(help("key"), @r"
    Create, list, revoke and rotate API keys

    Usage: toolvault key <COMMAND>

    Commands:
      create  Create a key; it is shown once
      list    List API keys (never the secret part)
      revoke  Revoke a key, and all keys that were created with it
      rotate  Replace a key with one that has the same rights

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("key create"), @r"
    Create a key; it is shown once

    Usage: toolvault key create [OPTIONS] --user <NAME> --scope <SCOPE>

    Options:
          --user <NAME>           Name or ID of the user that the key belongs to
          --scope <SCOPE>         Scope of the key: manage, use, resolve, audit or admin; may be
                                  repeated, or a list with commas
          --tool <PATTERN>        Limit the key to tools that match this pattern; * matches any
                                  characters; may be repeated
          --expires <SPAN>        Lifetime of the key: a number and s, m, h, d or w
          --any-user              Let the key act for any user that a request names; needs --expires
          --name <NAME>           Name of the key [default: cli]
          --json                  Print JSON
          --config <FILE>         Configuration file
          --data-dir <DIRECTORY>  Directory of the embedded database [default: the platform's data
                                  directory]
          --database-url <URL>    Use this PostgreSQL database instead of the embedded one. Other users
                                  of this machine can see arguments: put a URL with a password in
                                  `TOOLVAULT_DATABASE_URL`
          --root-key-file <FILE>  File with the root key [default: `<data-dir>.root.key`]
      -h, --help                  Print help
    ");
    assert_snapshot!(help("key rotate"), @r"
    Replace a key with one that has the same rights

    Usage: toolvault key rotate [OPTIONS] <ID>

    Arguments:
      <ID>  ID of the key: the 8 letters and digits after tvk_

    Options:
          --overlap <SPAN>        How long the old key stays valid, at most 7d [default: 0s]
          --json                  Print JSON
          --config <FILE>         Configuration file
          --data-dir <DIRECTORY>  Directory of the embedded database [default: the platform's data
                                  directory]
          --database-url <URL>    Use this PostgreSQL database instead of the embedded one. Other users
                                  of this machine can see arguments: put a URL with a password in
                                  `TOOLVAULT_DATABASE_URL`
          --root-key-file <FILE>  File with the root key [default: `<data-dir>.root.key`]
      -h, --help                  Print help
    ");
}

#[test]
fn secret_explains_where_values_come_from() {
    assert_snapshot!(help("secret"), @r"
    Store, list, change and delete secrets

    Usage: toolvault secret <COMMAND>

    Commands:
      list      List secrets, without their values
      create    Store a secret
      set       Change a secret: its value, unless only other options are given
      show      Show a secret, without its value
      import    Store the secrets of a file: dotenv, JSON, YAML, or another secret manager's export
      export    Print all secrets with their policies as JSON, without values
      rename    Give a secret another name
      bind      Change which tool and argument get a secret
      versions  List the versions of a secret's value
      restore   Make an older value the newest version
      policy    Show or change the policy of a secret
      delete    Delete a secret permanently

    Options:
      -h, --help  Print help

    The server and the key are those of the profile in use (toolvault login), unless TOOLVAULT_API_KEY
    or TOOLVAULT_API_KEY_FILE is set.
    ");
    assert_snapshot!(help("secret create"), @r"
    Store a secret

    Usage: toolvault secret create [OPTIONS] <NAME>

    Arguments:
      <NAME>  Name of the secret

    Options:
          --tool <PATTERN>     Tool that gets the secret; * matches any characters
          --arg <ARGUMENT>     Argument of the tool that gets the secret
          --default            Fill the argument when a call omits it
          --or-replace         If a secret has this name, change it instead of storing another one
          --value-file <FILE>  Read the value from this file, or from standard input if it is -
                               [default: ask on a terminal, else read standard input]. A single line
                               loses its line break
          --json               Print JSON
          --ca-file <FILE>     PEM file with certificates to trust in addition to the system's [default:
                               `TOOLVAULT_CA_FILE`]
      -h, --help               Print help
    ");
    assert_snapshot!(help("secret set"), @r"
    Change a secret: its value, unless only other options are given

    Usage: toolvault secret set [OPTIONS] <NAME>

    Arguments:
      <NAME>  Name or ID of the secret

    Options:
          --value-file <FILE>  Read the new value from this file, or from standard input if it is -.
                               Without it, and with nothing else to change, ask on a terminal, else read
                               standard input. A single line loses its line break
          --name <NAME>        New name
          --tool <PATTERN>     Tool that gets the secret; * matches any characters
          --arg <ARGUMENT>     Argument of the tool that gets the secret
          --default            Fill the argument when a call omits it
          --no-default         Do not fill the argument when a call omits it
          --json               Print JSON
          --ca-file <FILE>     PEM file with certificates to trust in addition to the system's [default:
                               `TOOLVAULT_CA_FILE`]
      -h, --help               Print help
    ");
}

#[test]
fn audit_explains_checkpoints() {
    assert_snapshot!(help("audit verify"), @r"
    Verify the whole trail, and every row of the store against it

    Usage: toolvault audit verify [OPTIONS]

    Options:
          --json                  Print JSON
          --public-key <HEX>      First public key of the trail, printed at set-up. Without it, the
                                  replacement of the whole trail is not detected
          --checkpoint <PATH>     File with checkpoints, or a directory in which a server wrote them.
                                  The trail must still contain everything that it contained then. Can be
                                  repeated
          --config <FILE>         Configuration file
          --data-dir <DIRECTORY>  Directory of the embedded database [default: the platform's data
                                  directory]
          --database-url <URL>    Use this PostgreSQL database instead of the embedded one. Other users
                                  of this machine can see arguments: put a URL with a password in
                                  `TOOLVAULT_DATABASE_URL`
          --root-key-file <FILE>  File with the root key [default: `<data-dir>.root.key`]
      -h, --help                  Print help
    ");
    assert_snapshot!(help("audit tail"), @r"
    Print the newest records

    Usage: toolvault audit tail [OPTIONS]

    Options:
      -n <N>                      Number of records [default: 20]
          --json                  Print JSON, one record per line
          --since <TIME>          Only records from this time on, such as 2026-11-29T00:00:00Z
          --until <TIME>          Only records up to this time
          --action <ACTION>       Only records of this action, such as secret.used
          --secret <ID>           Only records of the secret with this ID
          --tool <NAME>           Only records of this tool, or of this exact pattern
          --config <FILE>         Configuration file
          --data-dir <DIRECTORY>  Directory of the embedded database [default: the platform's data
                                  directory]
          --database-url <URL>    Use this PostgreSQL database instead of the embedded one. Other users
                                  of this machine can see arguments: put a URL with a password in
                                  `TOOLVAULT_DATABASE_URL`
          --root-key-file <FILE>  File with the root key [default: `<data-dir>.root.key`]
      -h, --help                  Print help
    ");
}

#[test]
fn help_is_an_option_and_no_command() {
    let transcript = Installation::empty().run(&["help"]);
    assert!(
        transcript.starts_with("exit status 1\nerror: unrecognized subcommand"),
        "{transcript}"
    );
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
fn a_full_disk_under_the_output_is_told() {
    let installation = Installation::empty();
    let mut command = installation.command(&["openapi"]);
    let full = std::fs::File::create("/dev/full").unwrap();
    let output = command.stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: cannot write to standard output: No space left on device (os error 28)\n"
    );
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
    Manage the servers of the MCP gateway, and connect clients to it

    Usage: toolvault mcp <COMMAND>

    Commands:
      add          Add a server to the configuration file
      list         List the servers of the configuration
      import       Import a client's MCP servers and the keys in its file
      test         Test a server through the gateway, and show which secrets its tools get
      pins         Show the pinned definitions of a server's tools, and accept a change
      connect      Sign in at a server in the browser, so that your agents can use its tools
      connections  List the servers at which you are or can be signed in
      disconnect   Sign out at a server: delete its tokens, and revoke them there
      stdio        Connect a client that starts programs to the gateway, over standard input and output
      remove       Remove a server from the configuration file

    Options:
      -h, --help  Print help

    import, test, connect, connections, disconnect and stdio send requests to the server of the profile
    in use (toolvault login), unless TOOLVAULT_API_KEY or TOOLVAULT_API_KEY_FILE is set.
    ");
}

#[test]
fn mcp_explains_how_to_sign_in_at_servers() {
    assert_snapshot!(help("mcp connect"), @r"
    Sign in at a server in the browser, so that your agents can use its tools

    Usage: toolvault mcp connect [OPTIONS] <NAME>

    Arguments:
      <NAME>  Name of the server

    Options:
          --scope <SCOPE>   Ask for this scope instead of those that the server asks for
          --no-browser      Only print the address, and take the one at which the browser ends
          --json            Print JSON
          --ca-file <FILE>  PEM file with certificates to trust in addition to the system's [default:
                            `TOOLVAULT_CA_FILE`]
      -h, --help            Print help

    Examples:
      toolvault mcp connect linear
      toolvault mcp connect github --scope repo --scope read:org

    Toolvault finds the server's authorization server, and you sign in there in the browser. Only
    Toolvault gets the tokens, renews them, and adds them to your agents' calls to this server. The key
    needs the scope manage.
    ");
    assert_snapshot!(help("mcp connections"), @r"
    List the servers at which you are or can be signed in

    Usage: toolvault mcp connections [OPTIONS]

    Options:
          --json            Print JSON
          --ca-file <FILE>  PEM file with certificates to trust in addition to the system's [default:
                            `TOOLVAULT_CA_FILE`]
      -h, --help            Print help
    ");
    assert_snapshot!(help("mcp disconnect"), @r"
    Sign out at a server: delete its tokens, and revoke them there

    Usage: toolvault mcp disconnect [OPTIONS] <NAME>

    Arguments:
      <NAME>  Name of the server

    Options:
          --json            Print JSON
          --ca-file <FILE>  PEM file with certificates to trust in addition to the system's [default:
                            `TOOLVAULT_CA_FILE`]
      -h, --help            Print help
    ");
}

#[test]
fn mcp_explains_how_to_add_a_server() {
    assert_snapshot!(help("mcp add"), @r"
    Add a server to the configuration file

    Usage: toolvault mcp add [OPTIONS] <NAME> <URL>
           toolvault mcp add [OPTIONS] <NAME> -- <COMMAND>...

    Arguments:
      <NAME>        Name of the server: a-z, 0-9 and '-'
      [URL]         URL of a server that speaks Streamable HTTP
      [COMMAND]...  Program, and its arguments, that speaks MCP over its standard input and output

    Options:
          --header <NAME: TEXT>             Header for each request, as in `Authorization: Bearer {{
                                            secret://linear-prod }}`; may be repeated
          --env <NAME=TEXT>                 Variable of the program's environment, as in
                                            `API_TOKEN=secret://files-token`; may be repeated
          --credential-argument <ARGUMENT>  Argument that is hidden from the model even if no secret
                                            fills it; may be repeated
          --allow-private-network           Allow a private or loopback address
          --replace                         Replace a server of this name
          --json                            Print JSON
          --config <FILE>                   Configuration file [default: `TOOLVAULT_CONFIG`, else the
                                            platform's]
      -h, --help                            Print help
    ");
    assert_snapshot!(help("mcp stdio"), @r"
    Connect a client that starts programs to the gateway, over standard input and output

    Usage: toolvault mcp stdio [OPTIONS] [NAME]

    Arguments:
      [NAME]  Name of the server; without it, all servers together

    Options:
          --ca-file <FILE>  PEM file with certificates to trust in addition to the system's [default:
                            `TOOLVAULT_CA_FILE`]
      -h, --help            Print help
    ");
}

#[test]
fn mcp_explains_what_becomes_of_the_keys_of_a_client() {
    assert_snapshot!(help("mcp import"), @r"
    Import a client's MCP servers and the keys in its file

    Usage: toolvault mcp import [OPTIONS] [FILE]

    Arguments:
      [FILE]  Client's configuration file, such as `.mcp.json`, `.cursor/mcp.json`,
              `~/.codex/config.toml` or `claude_desktop_config.json`. Without it, list the files that
              are found

    Options:
          --yes             Do not ask for confirmation
          --key-env         Let the client read its key from the variable `TOOLVAULT_API_KEY` instead of
                            writing one to the file; the default for a file under version control
          --stdio           For a client without HTTP: let it start `toolvault mcp stdio`
          --keep-plaintext  Keep a copy of the original file, with the keys in it
          --config <FILE>   Configuration file [default: `TOOLVAULT_CONFIG`, else the platform's]
          --ca-file <FILE>  PEM file with certificates to trust in addition to the system's [default:
                            `TOOLVAULT_CA_FILE`]
      -h, --help            Print help
    ");
    assert_snapshot!(help("mcp test"), @r"
    Test a server through the gateway, and show which secrets its tools get

    Usage: toolvault mcp test [OPTIONS] <NAME>

    Arguments:
      <NAME>  Name of the server

    Options:
          --tool <TOOL>     Test only this tool
          --json            Print JSON
          --config <FILE>   Configuration file [default: `TOOLVAULT_CONFIG`, else the platform's]
          --ca-file <FILE>  PEM file with certificates to trust in addition to the system's [default:
                            `TOOLVAULT_CA_FILE`]
      -h, --help            Print help
    ");
}

#[test]
fn secret_policy_explains_its_conditions() {
    assert_snapshot!(help("secret policy"), @r"
    Show or change the policy of a secret

    Usage: toolvault secret policy [OPTIONS] <NAME>

    Arguments:
      <NAME>  Name or ID of the secret

    Options:
          --expires-at <TIME|never>    Expire at this time, as in 2027-01-31T00:00:00Z
          --expires <SPAN>             Expire after this time: a number and s, m, h, d or w
          --rotate-after <DAYS|never>  A new value is due this many days after the last one
          --when <ARGUMENT=PATTERN>    Use the secret only if this other argument of the tool is absent
                                       or matches: a URL with its whole origin, or any other text; *
                                       matches any characters. May be repeated, also for one argument
          --no-when                    Remove all conditions that --when set
          --protect                    Forbid changes of its name, tool and argument; only the value can
                                       be replaced
          --unprotect                  Allow changes of its name, tool and argument
          --redact                     Remove the value from the answers of tools
          --no-redact                  Leave the value in the answers of tools, because it is not
                                       confidential
          --approval <WHEN>            Ask a person before a call gets the secret: always, first (until
                                       the tool was allowed for a key), writes (unless the tool says
                                       that it only reads) or never. Then only calls through the gateway
                                       get it
          --canary                     Never use the secret, and set off an alarm if anyone tries to, or
                                       sends its value
          --no-canary                  Use the secret like others
          --json                       Print JSON
          --ca-file <FILE>             PEM file with certificates to trust in addition to the system's
                                       [default: `TOOLVAULT_CA_FILE`]
      -h, --help                       Print help
    ");
}

#[test]
fn a_misspelt_command_gets_the_closest_one_and_none_that_is_hidden() {
    let installation = Installation::empty();
    let suggested = |command: &str| {
        let words: Vec<&str> = command.split(' ').collect();
        let refused = installation.run(&words);
        assert!(refused.starts_with("exit status 1\n"), "{refused}");
        let tip = refused.split_once("tip: ").map(|(_, tip)| tip);
        tip.map(|tip| tip.lines().next().unwrap().to_owned())
    };
    let secret = "a similar subcommand exists: 'secret'".to_owned();
    assert_eq!(suggested("sercet"), Some(secret));
    assert_eq!(suggested("sandbx"), None);
    for (typed, meant) in [
        // `set` is more alike, and would change the value.
        ("secret get", "show"),
        ("secret add", "create"),
        ("secret rm", "delete"),
        ("mcp delete", "remove"),
        ("start", "serve"),
        ("secret ls", "list"),
    ] {
        let tip = format!("a similar subcommand exists: '{meant}'");
        assert_eq!(suggested(typed), Some(tip), "{typed}");
    }
    assert_eq!(suggested("user get"), None);
}

#[test]
fn a_command_without_dashes_before_it_is_told_so() {
    assert_snapshot!(Installation::empty().run(&["run", "ls"]), @r"
    exit status 125
    error: there is one argument too many
    hint: write -- before the command that is run: toolvault run -- COMMAND
    ");
}
