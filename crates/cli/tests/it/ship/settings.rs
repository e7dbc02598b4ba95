//! Settings of shipping that are refused at the start.

use crate::installation::Installation;

#[test]
fn settings_that_cannot_be_used_are_refused() {
    for (settings, told) in [
        ("headers_file = '/headers'", "set audit.ship.url too"),
        ("url = 'collector:4318'", "audit.ship.url ("),
        (
            "url = 'http://collector.example.com/v1/logs'",
            "plain http is refused",
        ),
        (
            "url = 'https://user:the-token@collector.example.com'",
            "a user name or password",
        ),
        (
            "url = 'syslog+tcp://logs.example.com:601'",
            "plain TCP is refused",
        ),
        (
            "url = 'syslog+udp://logs.example.com:514'",
            "expected syslog+tls://HOST:PORT",
        ),
        (
            "url = 'syslog+tls://logs.example.com:6514'\nheaders_file = '/dev/null'",
            "syslog has no headers",
        ),
        (
            "url = 'https://10.0.0.1/v1/logs'",
            "private, local or reserved",
        ),
        (
            "url = 'https://a.example.com'\nheaders_file = '/missing'",
            "cannot read /missing",
        ),
        (
            "url = 'https://a.example.com'\nca_file = '/missing'",
            "no certificate in the CA file /missing",
        ),
    ] {
        let installation = Installation::empty();
        let file = installation.path().join("toolvault.toml");
        std::fs::write(&file, format!("[audit.ship]\n{settings}\n")).unwrap();
        let refused = installation.run(&["serve", "--config", file.to_str().unwrap()]);
        assert!(
            refused.starts_with("exit status 1"),
            "{settings}: {refused}"
        );
        assert!(refused.contains(told), "{settings}: {refused}");
        assert!(!refused.contains("the-token"), "{refused}");
    }
}
