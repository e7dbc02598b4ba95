//! A credential goes to the host that its owner named, however a URL is spelled.

use super::*;

/// Other hosts than `https://api.github.com`, and spellings that some readers take for one.
const ELSEWHERE: [&str; 44] = [
    "http://api.github.com/",
    "https://api.github.com.evil.example/",
    "https://api.github.com:8443/",
    "https://api.github.com@evil.example/",
    "https://user@api.github.com/",
    "https://@api.github.com/",
    "https://:@api.github.com/",
    "https://evil.example:pw@api.github.com/",
    "https:///evil.example:pw@api.github.com/",
    "https:///api.github.com/",
    "https:////api.github.com/",
    "https:/api.github.com/",
    "https:/evil.example@api.github.com/",
    "https:///",
    "https://?@api.github.com/",
    "https://api.github.com\\@evil.example/",
    "https:\t//api.github.com/",
    "HTTPS:/api.github.com/",
    "ftp://api.github.com/",
    "wss://api.github.com/",
    "https://api.github.com./",
    "https://api%2egithub.com/",
    "https://api.github.com%40evil.example/",
    "https://api.github.com:443:443/",
    "https://api.github.com:443@evil.example/",
    "https://api.github.com:0x1bb/",
    "https://api.github.com\u{a0}/",
    "https://api.github.com/\n",
    "https\n://api.github.com/",
    "https://api.github.com\\.evil.example/",
    "https://evil.example\t@api.github.com/",
    "https://evil.example／@api.github.com/",
    "https://evil.example\u{2100}.api.github.com/",
    "https://evil。example/",
    "https:\u{2f}/\u{200b}@api.github.com/",
    "https://evil.example/https://api.github.com/",
    "https:\\\\api.github.com\\",
    "https:/\\evil.example\\@api.github.com/",
    " https://api.github.com/",
    "https://api.git\thub.com/",
    "//api.github.com/",
    "https:api.github.com/",
    "api.github.com/",
    "",
];

fn allows(pattern: &str, value: &str) -> bool {
    Condition::parse(pattern).unwrap().allows(value)
}

#[test]
fn a_url_pattern_is_held_to_its_origin() {
    let pattern = "https://api.github.com/*";
    for allowed in [
        "https://api.github.com/",
        "https://api.github.com",
        "https://API.GitHub.com/repos?q=1#top",
        "https://api.github.com:443/repos",
        "HTTPS://api.github.com/repos",
        "https://api.github.com/@me",
        "https://api.github.com//repos",
        "https://api.github.com:/repos",
        "https://api.github.com?@evil.example",
        "https://api.github.com#@evil.example",
    ] {
        assert!(allows(pattern, allowed), "{allowed}");
    }
    for refused in ELSEWHERE {
        assert!(!allows(pattern, refused), "{refused}");
    }
}

#[test]
fn what_parsers_disagree_about_matches_nothing_in_a_path_either() {
    for part in ["a\\b", "a b", "a\u{a0}b", "a\u{7f}b", "a\u{85}b"] {
        let url = format!("https://api.github.com/{part}");
        assert!(!allows("https://api.github.com/*", &url), "{part:?}");
    }
}

#[test]
fn other_texts_with_a_colon_are_no_urls() {
    for (pattern, allowed, refused) in [
        ("branch:*", "branch:main", "tag:main"),
        (
            "ftp://files.example/*",
            "ftp://files.example/a",
            "ftp://other.example/a",
        ),
    ] {
        assert!(
            allows(pattern, allowed) && !allows(pattern, refused),
            "{pattern}"
        );
    }
}

#[test]
fn the_scheme_of_a_pattern_has_any_case() {
    let pattern = "HTTPS://API.example/*";
    assert!(allows(pattern, "https://api.example/a"));
    assert!(!allows(pattern, "HTTPS://API.example@evil.example/a"));
}

#[test]
fn a_host_beyond_ascii_is_known_by_its_punycode() {
    for pattern in [
        "https://bücher.example/*",
        "https://xn--bcher-kva.example/*",
    ] {
        for allowed in [
            "https://bücher.example/a",
            "https://BÜCHER.example/a",
            "https://XN--BCHER-KVA.example/a",
            "https://bu\u{308}cher.example/a",
        ] {
            assert!(allows(pattern, allowed), "{allowed}");
        }
        // The second begins with a Cyrillic letter.
        for refused in ["https://bucher.example/a", "https://Ьücher.example/a"] {
            assert!(!allows(pattern, refused), "{refused}");
        }
    }
}

#[test]
fn an_address_and_a_port_have_one_spelling() {
    let pattern = "http://127.0.0.1:8080/*";
    assert!(allows(pattern, "http://127.0.0.1:8080/a"));
    for refused in [
        "http://127.0.0.1/a",
        "http://127.1:8080/a",
        "http://0177.0.0.1:8080/a",
        "http://0x7f000001:8080/a",
        "http://127.0.0.1.:8080/a",
        "http://[::ffff:127.0.0.1]:8080/a",
    ] {
        assert!(!allows(pattern, refused), "{refused}");
    }
    assert!(allows("http://[::1]:8080/*", "http://[::1]:8080/a"));
    assert!(!allows("http://[::1]:8080/*", "http://[::1]/a"));
}

#[test]
fn web_sockets_are_held_to_their_origin_too() {
    let pattern = "wss://api.example/*";
    assert!(allows(pattern, "wss://api.example/a"));
    for refused in ["wss://api.example@evil.example/", "ws://api.example/a"] {
        assert!(!allows(pattern, refused), "{refused}");
    }
}

#[test]
fn the_path_is_compared_after_its_dots_are_resolved() {
    let pattern = "https://api.example/v1/*";
    assert!(allows(pattern, "https://api.example/v1/a/../b"));
    assert!(!allows(pattern, "https://api.example/v1/../admin"));
    assert!(!allows(pattern, "https://api.example/v1/%2e%2e/admin"));
    assert!(!allows(pattern, "https://api.example/v1"));
}

#[test]
fn other_patterns_match_the_whole_text() {
    assert!(allows("prod-*", "prod-eu"));
    assert!(!allows("prod-*", "not prod-eu"));
    assert!(allows("EU", "EU") && !allows("EU", "eu"));
}

#[test]
fn an_origin_with_a_wildcard_is_no_pattern() {
    for refused in [
        "https://*.github.com/*",
        "https://api.github.com",
        "https://",
        "http://a@b/*",
        "http://@b/*",
        "https:///host/*",
        "https:////host/*",
        "https:/host/*",
        "https:host/*",
        "https:*",
        "HTTPS://*/",
        "Https:/host/*",
        "https://a\\b/*",
        "https://a?b/*",
        "https://a b/*",
        "*://api.github.com/*",
        "http*://api.github.com/*",
        "wss://*.example/*",
        "https://api%2egithub.com/*",
        "https://api.github.com:*/",
        "https://user:pw@api.github.com/*",
        "https://127.1/*",
        "https:\t//api.github.com/*",
    ] {
        assert_eq!(
            Condition::parse(refused).unwrap_err(),
            ConditionError::Origin,
            "{refused}"
        );
    }
}
