//! `toolvault open`: the link to the dashboard.

use insta::assert_snapshot;

use crate::installation::Installation;

/// The link, without its token.
fn without_token(printed: &str) -> (String, String) {
    let (before, token) = printed.rsplit_once('/').unwrap();
    (before.to_owned(), token.trim().to_owned())
}

#[test]
fn it_prints_a_link_to_the_running_server() {
    let installation = Installation::empty();
    let server = installation.serve(&[]);
    let print = || {
        let output = installation.command(&["open"]).output().unwrap();
        assert!(output.status.success());
        without_token(&String::from_utf8(output.stdout).unwrap())
    };
    let (url, token) = print();
    assert_eq!(url, format!("{}/#/sign-in", server.url));
    assert!(
        token.len() > 100
            && token
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
    assert_ne!(print().1, token);
    assert_snapshot!(installation.run(&["open", "--user", "nobody"]), @r"
    exit status 1
    error: there is no user 'nobody'
    hint: toolvault user list shows them
    ");
    // Without a program that opens URLs, too.
    let run = installation
        .command(&["open", "--browser"])
        .env("PATH", "")
        .output()
        .unwrap();
    assert!(run.status.success());
    assert_eq!(
        without_token(&String::from_utf8(run.stdout).unwrap()).0,
        url
    );
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn without_a_server_or_a_dashboard_it_says_what_to_do() {
    let installation = Installation::set_up();
    assert_snapshot!(installation.run(&["open"]), @r"
    exit status 1
    error: no server uses this store
    hint: start one with: toolvault serve, or name another store with --data-dir
    ");
    let file = installation.path().join("toolvault.toml");
    std::fs::write(&file, "[dashboard]\nenabled = false\n").unwrap();
    let server = installation.serve(&["--config", file.to_str().unwrap()]);
    assert_snapshot!(installation.run(&["open"]), @r"
    exit status 1
    error: the server has no dashboard: dashboard.enabled is false
    ");
    assert_eq!(server.stop(), Some(0));
}
