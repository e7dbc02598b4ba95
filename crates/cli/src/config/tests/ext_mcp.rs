//! Where another gateway asks.

use toolvault_gateway::settings::Transport;
use toolvault_server::ExtMcpSettings;

use super::{ServeOptions, layers, problems, validate};

fn settings(file: &str) -> Option<ExtMcpSettings> {
    let validated = validate(layers(file, &[], &ServeOptions::default()));
    validated.ok().unwrap().server.ext_mcp
}

#[test]
fn another_gateway_needs_an_address_and_a_token() {
    let directory = tempfile::tempdir().unwrap();
    let token = |text: &str| {
        let path = directory.path().join("token");
        std::fs::write(&path, text).unwrap();
        format!(
            "[ext_mcp]\nlisten = '127.0.0.1:8720'\ntoken_file = '{}'",
            path.display()
        )
    };
    let good = "0123456789abcdef".repeat(2);
    let found = settings(&token(&format!("{good}\n"))).unwrap();
    assert_eq!(
        (found.listen.port(), found.token.as_str()),
        (8720, good.as_str())
    );
    assert!(!format!("{found:?}").contains(&good));
    assert!(settings("").is_none());
    for text in [
        "",
        &good[1..],
        &format!("{good} {good}"),
        &format!("{good}\n{good}"),
        &format!("{good}ü"),
    ] {
        let [problem] = problems(&token(text), &[]).try_into().unwrap();
        assert!(problem.starts_with("ext_mcp.token_file ("), "{problem}");
        assert!(text.is_empty() || !problem.contains(text), "{problem}");
    }
    let both = token(&good);
    for key in ["listen", "token_file"] {
        let one: Vec<_> = both.lines().filter(|line| !line.starts_with(key)).collect();
        let [problem] = problems(&one.join("\n"), &[]).try_into().unwrap();
        assert!(
            problem.starts_with("ext_mcp.") && problem.contains("set ext_mcp."),
            "{problem}"
        );
    }
}

#[test]
fn only_another_gateway_reaches_a_server_without_an_address() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    std::fs::write(&path, "0123456789abcdef".repeat(2)).unwrap();
    let asked = format!(
        "[ext_mcp]\nlisten = '127.0.0.1:8720'\ntoken_file = '{}'\n",
        path.display()
    );
    let server = "[gateway.servers.issues]\n";
    let file = format!("{asked}{server}credential_arguments = ['api_token']");
    let validated = validate(layers(&file, &[], &ServeOptions::default()));
    let servers = validated.ok().unwrap().server.gateway.servers;
    assert!(
        servers
            .values()
            .all(|server| server.transport == Transport::Elsewhere)
    );
    assert_eq!(servers.len(), 1);
    for other in [
        "headers = { A = 'b' }",
        "env = { A = 'b' }",
        "allow_private_network = true",
    ] {
        let problems = problems(&format!("{asked}{server}{other}"), &[]);
        let [problem] = &problems[..] else {
            panic!("{problems:?}");
        };
        assert!(problem.contains("only a server with"), "{problem}");
    }
    let [problem] = problems(server, &[]).try_into().unwrap();
    assert!(problem.contains("set url or command"), "{problem}");
}
