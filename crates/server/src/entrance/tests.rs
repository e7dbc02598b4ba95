use super::*;

fn entrance(hosts: &[&str], url: Option<&str>) -> Result<Entrance, GatewaySettingsError> {
    Entrance::new(&GatewaySettings {
        allowed_hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
        public_url: url.map(str::to_owned),
        ..GatewaySettings::default()
    })
}

#[test]
fn what_is_no_host_is_refused_rather_than_passed_over() {
    for host in ["", "*", "https://vault.example", "vault.example/", "a b"] {
        let refused = entrance(&["a.example", host], None);
        assert!(
            matches!(refused, Err(GatewaySettingsError::AllowedHost(text)) if text == host),
            "{host}"
        );
    }
    for url in [
        "vault.example",
        "ftp://vault.example",
        "https://vault.example/a?b",
        "https://vault.example/a#b",
        "https://vault.example/\"",
        "https://u@a",
        "https://",
    ] {
        let refused = entrance(&[], Some(url));
        assert!(
            matches!(refused, Err(GatewaySettingsError::PublicUrl(_))),
            "{url}"
        );
    }
}

#[test]
fn the_public_url_names_a_host_that_is_ours() {
    for (url, origin, path) in [
        ("https://vault.example", "https://vault.example", ""),
        ("https://vault.example/", "https://vault.example", ""),
        ("http://[::1]:1/a/b/", "http://[::1]:1", "/a/b"),
    ] {
        let entrance = entrance(&[], Some(url)).unwrap();
        let found = entrance.public_url().unwrap();
        assert_eq!((found.origin.as_str(), found.path.as_str()), (origin, path));
    }
    let entrance = entrance(&["a.example:8443"], Some("https://vault.example/a")).unwrap();
    for (host, is_allowed) in [
        ("vault.example", true),
        ("vault.example:443", true),
        ("vault.example:8443", false),
        ("a.example:8443", true),
        ("a.example", false),
    ] {
        let host = Authority::parse(host).unwrap();
        assert_eq!(entrance.allows(&host), is_allowed, "{host:?}");
    }
}

#[test]
fn one_host_has_one_reading() {
    for (one, other) in [
        ("vault.example", "VAULT.Example"),
        ("vault.example", "vault.example:443"),
        ("vault.example:80", "vault.example"),
        ("127.0.0.1:8710", "[::ffff:127.0.0.1]:8710"),
        ("[::1]:8710", "[0:0:0:0:0:0:0:1]:8710"),
    ] {
        let [one, other] = [one, other].map(|text| Authority::parse(text).unwrap());
        assert_eq!(one, other);
    }
    for (one, other) in [
        ("vault.example", "vault.example:8443"),
        ("vault.example", "vault.example.com"),
        ("127.0.0.1", "127.0.0.2"),
    ] {
        let [one, other] = [one, other].map(|text| Authority::parse(text).unwrap());
        assert_ne!(one, other);
    }
}

#[test]
fn what_a_browser_would_not_send_is_none() {
    for text in [
        "",
        ":",
        ":80",
        "a:",
        "a:0",
        "a:080",
        "a:65536",
        "a:+80",
        "a:8 0",
        "a:80:80",
        "a/",
        "a?",
        "a#",
        "a@b",
        "a:1@b",
        "a/?#@b",
        "a\\b",
        "a b",
        " a",
        "a ",
        "a.",
        ".a",
        "a..b",
        "::1",
        "[::1",
        "[::1]8710",
        "[::1]x",
        "[fe80::1%25eth0]",
        "[127.0.0.1]",
        "a%2eb",
        "ä",
        "a,b",
        "*",
        "*.a",
    ] {
        assert_eq!(Authority::parse(text), None, "{text}");
    }
    let long = format!("{}a", "a.".repeat(127));
    assert_eq!(Authority::parse(&long), None);
}

#[test]
fn only_pages_have_an_origin_here() {
    for text in ["http://a", "https://a:8443", "http://[::1]:1"] {
        assert!(Authority::of_origin(text).is_some(), "{text}");
    }
    for text in [
        "null",
        "",
        "a",
        "//a",
        "file://",
        "chrome-extension://a",
        "http://a/",
        "http://a/b",
        "http://u@a",
        "https:a",
        "HTTP://a",
        "http://a http://b",
    ] {
        assert_eq!(Authority::of_origin(text), None, "{text}");
    }
}

#[test]
fn this_machine_is_known_by_its_few_names_only() {
    for text in [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1",
        "127.9.9.9:5",
        "[::1]",
    ] {
        assert!(Authority::parse(text).unwrap().is_loopback(), "{text}");
    }
    for text in [
        "localhost.example",
        "a.localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "[::]",
        "10.0.0.1",
    ] {
        assert!(!Authority::parse(text).unwrap().is_loopback(), "{text}");
    }
}
