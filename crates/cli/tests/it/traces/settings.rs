//! Settings of traces that are refused at the start.

use crate::installation::Installation;

#[test]
fn settings_that_cannot_be_used_are_refused() {
    for (settings, told) in [
        ("headers_file = '/headers'", "set traces.url too"),
        ("url = 'collector:4318'", "traces.url ("),
        (
            "url = 'http://collector.example.com/v1/traces'",
            "plain http is refused",
        ),
        (
            "url = 'https://user:the-token@collector.example.com'",
            "a user name or password",
        ),
        (
            "url = 'https://a.example.com'\nheaders_file = '/missing'",
            "cannot read /missing",
        ),
        (
            "url = 'https://a.example.com'\npercent = 101",
            "from 1 to 100",
        ),
        (
            "url = 'https://a.example.com'\npercent = 0",
            "a whole number from 1 on",
        ),
        (
            "url = 'https://a.example.com'\nca_file = '/missing'",
            "no certificate in the CA file /missing",
        ),
    ] {
        let installation = Installation::empty();
        let file = installation.path().join("toolvault.toml");
        std::fs::write(&file, format!("[traces]\n{settings}\n")).unwrap();
        let refused = installation.run(&["serve", "--config", file.to_str().unwrap()]);
        assert!(
            refused.starts_with("exit status 1"),
            "{settings}: {refused}"
        );
        assert!(refused.contains(told), "{settings}: {refused}");
        assert!(!refused.contains("the-token"), "{refused}");
    }
}
