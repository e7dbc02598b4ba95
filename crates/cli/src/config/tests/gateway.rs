//! The gateway's servers: accepted and refused settings, and values that messages never show.

use std::path::PathBuf;

use toolvault_gateway::GatewaySettings;
use toolvault_gateway::settings::{
    Grant, HttpServer, OAuthSettings, Pin, Sandbox, ServerSettings, StdioServer, Transport,
};

use super::super::validate::validate;
use super::*;

fn gateway(file: &str) -> GatewaySettings {
    match validate(layers(file, &[], &ServeOptions::default())) {
        Ok(configuration) => configuration.server.gateway,
        Err(problems) => panic!("{problems:?}"),
    }
}

fn http(server: &ServerSettings) -> &HttpServer {
    match &server.transport {
        Transport::Http(http) => http,
        _ => panic!("not over HTTP"),
    }
}

fn program(server: &ServerSettings) -> &StdioServer {
    match &server.transport {
        Transport::Stdio(program) => program,
        _ => panic!("not a program"),
    }
}

#[test]
fn the_servers_of_the_contract_are_read() {
    let gateway = gateway(
        "[gateway.servers.linear]
url = 'https://mcp.linear.app/mcp'
headers = { Authorization = 'Bearer {{ secret://linear-prod }}', X-API-Key = 'secret://k' }
allow_private_network = false
secure_parameters = true
[gateway.servers.files]
command = ['mcp-server-filesystem', '/srv/docs']
env = { API_TOKEN = 'secret://files-token', LD_PRELOAD = '/x.so' }
credential_arguments = ['api_token']
allow_override = true
pin = 'all'
directory = '/srv'",
    );
    let [(_, files), (name, linear)] = &gateway.servers.iter().collect::<Vec<_>>()[..] else {
        panic!("not two servers");
    };
    assert_eq!(name.as_str(), "linear");
    assert_eq!(linear.pin, Pin::Bound);
    assert!(linear.secure_parameters && !files.secure_parameters);
    let linear = http(linear);
    let headers: Vec<(&str, &str)> = linear
        .headers
        .iter()
        .map(|header| (header.name.as_str(), header.spelling.as_str()))
        .collect();
    assert_eq!(
        headers,
        [
            ("authorization", "Authorization"),
            ("x-api-key", "X-API-Key")
        ]
    );
    assert_eq!(files.pin, Pin::All);
    assert!(files.allow_override && files.credential_arguments.contains("api_token"));
    let program = program(files);
    assert_eq!(program.command, ["mcp-server-filesystem", "/srv/docs"]);
    assert_eq!(program.env.len(), 2);
    assert_eq!(program.directory, Some(PathBuf::from("/srv")));
}

#[test]
fn rules_and_limits_come_from_file_and_variables() {
    let file = "[gateway]\nallowed_hosts = ['vault.example.com', 'other:8443']\npublic_url = 'https://v.example/x'\n[gateway.limits]\nsessions = 3";
    let variables = [
        ("TOOLVAULT_GATEWAY__SANDBOX", "on"),
        ("TOOLVAULT_GATEWAY__ALLOW_BROAD_PATTERNS", "true"),
        ("TOOLVAULT_GATEWAY__LIMITS__SILENCE_SECONDS", "7"),
    ];
    let Ok(configuration) = validate(layers(file, &variables, &ServeOptions::default())) else {
        panic!("it is valid");
    };
    let gateway = configuration.server.gateway;
    assert_eq!(gateway.sandbox, Sandbox::On);
    assert!(gateway.allow_broad_patterns);
    assert_eq!(gateway.allowed_hosts, ["vault.example.com", "other:8443"]);
    assert_eq!(gateway.public_url.unwrap(), "https://v.example/x");
    assert_eq!(gateway.limits.sessions, 3);
    assert_eq!(gateway.limits.silence.as_secs(), 7);
}

#[test]
fn programs_are_kept_from_everything_that_opens_the_store() {
    let file = "database_url_file = 'url'\n[tls]\ncertificate = '/c.pem'\nkey = '/k.pem'\n\
                [audit.ship]\nurl = 'https://a.example.com'\nheaders_file = 'headers'\n\
                [auth.issuers.corp]\nissuer = 'https://id.example.com'\naudience = 'a'\n\
                jwks_url = 'https://id.example.com/keys'\nclient_secret_file = '/client-secret'\n";
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("url"), "postgres://localhost/x").unwrap();
    std::fs::write(directory.path().join("headers"), "").unwrap();
    let place = directory.path().display();
    let file = file.replace("'url'", &format!("'{place}/url'"));
    let file = file.replace("'headers'", &format!("'{place}/headers'"));
    let concealed = gateway(&file).concealed;
    for path in [
        "/srv/vault",
        "/srv/vault.root.key",
        "/srv/vault.first-keys",
        "/k.pem",
        "/client-secret",
    ] {
        assert!(concealed.contains(&PathBuf::from(path)), "{concealed:?}");
    }
    for name in ["url", "headers"] {
        assert!(concealed.contains(&directory.path().join(name)));
    }
    for name in ["toolvault.toml", "toolvault"] {
        assert!(concealed.iter().any(|path| path.ends_with(name)), "{name}");
    }
    assert!(concealed.iter().all(|path| path.is_absolute()));
}

/// Files with one wrong setting each, in the table of a server, and the message about it.
fn assert_refused(table: &str, cases: &[(&str, &str)]) {
    for (rest, expected) in cases {
        let file = format!("{table}\n{rest}");
        let problems = problems(&file, &[]);
        assert_eq!(problems.len(), 1, "{file}: {problems:?}");
        let problem = problems.concat();
        assert!(problem.contains(expected), "{file}: {problem}");
        assert!(!problem.contains("canary"), "{file}: {problem}");
    }
}

#[test]
fn a_server_that_cannot_be_one_is_refused_without_a_value() {
    assert_refused(
        "",
        &[
            ("[gateway.servers.s]", "set url or command"),
            ("[gateway.servers.S]\nurl = 'canary'", "a server's name has"),
            ("[gateway.servers]\ns = 'canary'", "expected a table"),
            (
                "[gateway.servers.s]\nurl = 'https://h/'\nallow_override = true\nsecure_parameters = true",
                "set only one of allow_override and secure_parameters",
            ),
            (
                "[gateway.servers.s]\nurl = 'https://h/'\ncommand = ['canary']",
                "set only one of",
            ),
            (
                "[gateway.servers.s]\nurl = 'https://h/'\nenv = { A = 'canary' }",
                "only a server with command",
            ),
            (
                "[gateway.servers.s]\ncommand = ['x']\nheaders.A = 'canary'",
                "only a server with url",
            ),
            (
                "[gateway.servers.s]\ncommand = ['x']\ncredential_arguments = ['']",
                "names of arguments",
            ),
            (
                "[gateway.servers.s]\ncommand = ['x']\npin = 'canary'",
                "expected \"bound\" or \"all\" or \"off\"",
            ),
        ],
    );
}

#[test]
fn a_url_that_cannot_be_asked_is_refused_without_a_value() {
    assert_refused(
        "[gateway.servers.s]",
        &[
            ("url = 'canary'", "not an absolute URL"),
            ("url = 'http://example.com/canary'", "plain http"),
            ("url = 'http://127.0.0.1/canary'", "allow_private_network"),
            ("url = 'https://canary:x@h/'", "user name"),
            ("url = 'https://h/#canary'", "fragment"),
            ("url = '{{ secret://canary }}'", "not an absolute URL"),
            ("url = 'https://{{ secret://canary }}/'", "only in its path"),
            (
                "url = 'https://h{{ secret://canary }}/'",
                "only in its path",
            ),
            (
                "url = 'https://h/#{{ secret://canary }}'",
                "only in its path",
            ),
        ],
    );
}

#[test]
fn a_header_that_cannot_be_sent_is_refused_without_a_value() {
    assert_refused(
        "[gateway.servers.s]\nurl = 'https://h/'",
        &[
            ("headers.A = 'Bearer {{ canary'", "has no '}}'"),
            ("headers.A = '{{ canary }}'", "begins with 'secret://'"),
            ("headers.A = \"canary\\nB: c\"", "line break"),
            ("headers.A = \"canary\\u0007\"", "control character"),
            ("headers = { 'A b' = 'canary' }", "name of a header"),
            ("headers = { Host = 'canary' }", "belongs to the protocol"),
            (
                "headers.Mcp-Session-Id = 'canary'",
                "belongs to the protocol",
            ),
            ("headers = { X-A = 'canary', x-a = 'canary' }", "set twice"),
            ("headers = 'canary'", "a table of texts"),
            ("headers = { A = 7 }", "expected a text"),
        ],
    );
}

#[test]
fn a_program_that_cannot_be_started_is_refused_without_a_value() {
    assert_refused(
        "[gateway.servers.s]",
        &[
            ("command = []", "a program and its arguments"),
            ("command = 'canary'", "a program and its arguments"),
            ("command = [\"x\", \"canary\\u0000\"]", "without NUL"),
        ],
    );
    assert_refused(
        "[gateway.servers.s]\ncommand = ['x']",
        &[
            ("env = { 'A=B' = 'canary' }", "name of an environment"),
            (
                "env = { TOOLVAULT_API_KEY = 'canary' }",
                "belong to Toolvault",
            ),
            ("env = { A = \"canary\\u0000\" }", "NUL"),
        ],
    );
}

#[test]
fn a_rule_that_cannot_hold_is_refused_without_a_value() {
    assert_refused(
        "[gateway]",
        &[
            ("allowed_hosts = ['http://canary']", "expected hosts"),
            ("allowed_hosts = ['canary/path']", "expected hosts"),
            ("public_url = 'canary'", "expected a URL"),
            ("sandbox = 'canary'", "expected \"auto\""),
            ("limits.processes = 0", "from 1 on"),
        ],
    );
}

#[test]
fn references_in_path_and_query_of_a_url_are_taken() {
    for url in [
        "https://h/{{ secret://a }}/mcp",
        "https://h/mcp?key={{ secret://a }}&x=1",
        "https://h:8443/mcp",
    ] {
        let gateway = gateway(&format!("[gateway.servers.s]\nurl = '{url}'"));
        assert_eq!(gateway.servers.len(), 1, "{url}");
    }
    let local = "[gateway.servers.s]\nurl = 'http://127.0.0.1:9/mcp'\nallow_private_network = true";
    assert_eq!(gateway(local).servers.len(), 1);
}

#[test]
fn literal_credentials_and_what_is_not_known_are_warnings_without_values() {
    let file = "[gateway.servers.linear]
url = 'https://h/mcp?api_key=canary'
headers = { Authorization = 'Bearer canary', X-Team = 'research', X-Key = 'secret://a' }
colour = 'canary'
[gateway.servers.files]
command = ['x', '--api-key=canary']
env = { API_TOKEN = 'canary', LEVEL = 'debug' }";
    let variables = [("TOOLVAULT_GATEWAY__SERVERS__X__URL", "https://canary")];
    let mut layers = layers(file, &variables, &ServeOptions::default());
    super::super::gateway::warn_of_literals(&mut layers);
    let warnings = layers.warnings().to_vec();
    for key in [
        "gateway.servers.linear.url",
        "gateway.servers.linear.headers.Authorization",
        "gateway.servers.linear.colour",
        "gateway.servers.files.command",
        "gateway.servers.files.env.API_TOKEN",
        "TOOLVAULT_GATEWAY__SERVERS__X__URL",
    ] {
        let is_told = |warning: &String| warning.starts_with(&format!("{key} "));
        assert!(warnings.iter().any(is_told), "{key}: {warnings:?}");
    }
    assert_eq!(warnings.len(), 6, "{warnings:?}");
    assert!(!warnings.concat().contains("canary"), "{warnings:?}");
    assert!(validate(layers).is_ok());
}

#[test]
fn the_oauth_table_is_read() {
    let gateway = gateway(
        "[gateway.servers.linear]
url = 'https://mcp.linear.app/mcp'
[gateway.servers.linear.oauth]
issuer = 'https://id.example.com/'
client_id = 'toolvault'
private_key_file = '/etc/key.pem'
scopes = ['read', 'write']
grant = 'client_credentials'
[gateway.servers.plain]
url = 'https://mcp.example.com/mcp'",
    );
    let mut servers = gateway.servers.values();
    let oauth = &http(servers.next().unwrap()).oauth;
    assert_eq!(oauth.issuer.as_deref(), Some("https://id.example.com/"));
    assert_eq!(oauth.client_id.as_deref(), Some("toolvault"));
    assert_eq!(oauth.scopes, ["read", "write"]);
    assert_eq!(oauth.grant, Grant::ClientCredentials);
    assert_eq!(
        http(servers.next().unwrap()).oauth,
        OAuthSettings::default()
    );
    // A program cannot read the key.
    let key = std::path::Path::new("/etc/key.pem");
    assert!(gateway.concealed.iter().any(|path| path == key));
}

#[test]
fn oauth_settings_that_do_not_go_together_are_refused() {
    let server = "[gateway.servers.a]\nurl = 'https://a.test/mcp'\n";
    let oauth = "[gateway.servers.a.oauth]\n";
    for (before, table, told) in [
        (
            "headers = { authorization = 'secret://t' }\n",
            "client_id = 'x'",
            "remove the header Authorization",
        ),
        ("", "issuer = 'http://id.test'", "plain http is refused"),
        ("", "issuer = 'https://10.0.0.1'", "private"),
        ("", "issuer = 'https://id.test?a=b'", "without query"),
        ("", "scopes = ['a b']", "expected scopes"),
        ("", "grant = 'password'", "authorization_code"),
        ("", "client_secret_file = '/s'", "set client_id"),
        (
            "",
            "client_id = 'x'\nclient_secret_file = '/s'",
            "set issuer",
        ),
        (
            "",
            "client_id = 'x'\nclient_secret_file = '/s'\nprivate_key_file = '/k'",
            "set only one",
        ),
        (
            "",
            "client_id = 'x'\ngrant = 'client_credentials'",
            "set client_id, and client_secret_file",
        ),
        (
            "",
            "client_id = 'x'\nclient_secret_file = '/s'\ngrant = 'jwt_bearer'",
            "set client_id and private_key_file",
        ),
    ] {
        let file = format!("{server}{before}{oauth}{table}");
        let Err(problems) = validate(layers(&file, &[], &ServeOptions::default())) else {
            panic!("{file}");
        };
        let problems = format!("{problems:?}");
        assert!(problems.contains(told), "{file}: {problems}");
    }
    let program = format!("[gateway.servers.a]\ncommand = ['x']\n{oauth}client_id = 'x'");
    assert!(validate(layers(&program, &[], &ServeOptions::default())).is_err());
}
