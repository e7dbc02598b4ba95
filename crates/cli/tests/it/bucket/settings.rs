//! Settings of a bucket that are refused at the start, and the secret access key in the environment.

use super::World;
use super::store::{SECRET_ACCESS_KEY, Store};
use crate::installation::{Installation, Server};

#[test]
fn settings_that_cannot_be_used_are_refused() {
    let others = "region = 'r'\naccess_key_id = 'a'\nsecret_access_key = 'the-secret'\n";
    let url = "url = 'https://s3.example.com/bucket'\n";
    for (settings, told) in [
        (url.to_owned(), "set audit.checkpoints.s3.region, "),
        (others.to_owned(), "set audit.checkpoints.s3.url too"),
        (
            format!("{url}{others}"),
            "audit.checkpoints: set audit.checkpoints.every too",
        ),
        (
            format!("url = 'http://s3.example.com/bucket'\n{others}"),
            "plain http is refused",
        ),
        (
            format!("url = 'https://s3.example.com/bucket?a=b'\n{others}"),
            "without a query",
        ),
        (
            format!("url = 'https://10.0.0.1/bucket'\n{others}"),
            "private, local or reserved",
        ),
        (
            format!("{url}{others}secret_access_key_file = '/missing'\n"),
            "set only one of",
        ),
        (
            format!(
                "{url}region = 'r'\naccess_key_id = 'a'\nsecret_access_key_file = '/missing'\n"
            ),
            "cannot read /missing",
        ),
        (
            format!("{url}{others}ca_file = '/missing'\n[audit.checkpoints]\nevery = '1h'\n"),
            "no certificate in the CA file /missing",
        ),
    ] {
        let installation = Installation::empty();
        let file = installation.path().join("toolvault.toml");
        std::fs::write(&file, format!("[audit.checkpoints.s3]\n{settings}")).unwrap();
        let refused = installation.run(&["serve", "--config", file.to_str().unwrap()]);
        assert!(
            refused.starts_with("exit status 1"),
            "{settings}: {refused}"
        );
        assert!(refused.contains(told), "{settings}: {refused}");
        assert!(!refused.contains("the-secret"), "{refused}");
    }
}

#[test]
fn the_secret_access_key_may_be_in_the_environment() {
    let world = World::new("");
    std::fs::write(world.installation.path().join("secret"), "unused").unwrap();
    let variable = "TOOLVAULT_AUDIT__CHECKPOINTS__S3__SECRET_ACCESS_KEY";
    let command = |name: &str| {
        let mut command = world.installation.command(&[name, "--config", &world.file]);
        command.env(variable, SECRET_ACCESS_KEY);
        command
    };
    let shown = world.installation.transcript(&mut command("config"), "");
    assert!(
        shown.contains(variable) && !shown.contains(SECRET_ACCESS_KEY),
        "{shown}"
    );
    let server = Server::start(command("serve").args(["--listen", "127.0.0.1:0"]));
    assert_eq!(
        Store::default().serve(world.receiver.next()),
        ("200 OK", "")
    );
    assert_eq!(server.stop(), Some(0));
}
