//! Telling literal credentials from settings: by the name they stand under ([`names`]), by what they look like
//! ([`values`]), and inside longer text such as JSON, connection strings and URLs ([`text`]).
//!
//! It is a guess. What it takes for a credential is stored and referred to. Paths, numbers, switches and plain URLs
//! are settings, whatever they are called: a stored setting would be hidden wherever a result contains it.

mod names;
mod text;
mod values;

use self::names::Naming;
pub(crate) use self::text::{in_url, is_key_in_path, is_key_in_query};

/// The shortest value that can be stored (contract, section 2).
pub(crate) const SHORTEST: usize = 4;

/// Whether a variable's value is a literal credential or contains one.
pub(crate) fn in_variable(name: &str, value: &str) -> bool {
    is_storable(value) && (is_named(name, value) || text::holds(value))
}

/// Whether a header's value is a literal credential or contains one.
pub(crate) fn in_header(name: &str, value: &str) -> bool {
    is_storable(value) && (is_named(name, without_scheme(value)) || text::holds(value))
}

/// The places of words of a command that are literal credentials or hold one.
pub(crate) fn in_arguments<'a>(words: &'a [&'a str]) -> impl Iterator<Item = usize> + 'a {
    let previous = std::iter::once("").chain(words.iter().copied());
    let places = words.iter().zip(previous).enumerate();
    places.filter_map(|(place, (&word, before))| is_argument(word, before).then_some(place))
}

/// The part of a header's value behind `Bearer ` and the like.
pub(crate) fn without_scheme(value: &str) -> &str {
    match value.split_once(' ') {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            rest.trim_start()
        }
        _ => value,
    }
}

fn is_argument(word: &str, before: &str) -> bool {
    let is_value = before.starts_with('-')
        && !before.contains('=')
        && !word.starts_with('-')
        && in_variable(before, word);
    is_value || text::holds(word)
}

/// Whether the name says that the value is a credential, and the value does not say otherwise.
fn is_named(name: &str, value: &str) -> bool {
    if values::is_filled_in(value) {
        return false;
    }
    match names::of(name) {
        Naming::Password => !values::is_switch(value) && !values::is_place(value),
        Naming::Credential => !values::is_setting(value),
        Naming::Perhaps => !values::is_setting(value) && values::is_opaque(value),
        Naming::Setting => false,
    }
}

fn is_storable(value: &str) -> bool {
    value.chars().count() >= SHORTEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_told_by_name_and_by_what_they_look_like() {
        for (name, value) in [
            ("LINEAR_API_KEY", "abcd"),
            ("GITHUB_PERSONAL_ACCESS_TOKEN", "abcdef"),
            ("githubToken", "abcdef"),
            ("DB_PASSWORD", "hunter2"),
            ("DB_PASSWORD", "20261129"),
            ("DB_PWD", "hunter2"),
            ("ZENDESK_PW", "hunter2"),
            ("PASSPHRASE", "correct horse"),
            ("sender_passkey", "hunter2"),
            ("API_KEY_PROD", "abcdef"),
            ("TOKEN_2", "abcdef"),
            ("AUTH", "Zm9vOmJhcg=="),
            (
                "AWS_SECRET_ACCESS_KEY",
                "/x9Kd0qLmZ7Rt2YwVbN4uPa8GcHe5JfS1oTi6XyQ",
            ),
            ("X", "ghp_0123456789abcdef"),
            ("X", "Kd0qLmZ7Rt2YwVbN4uPa8GcHe5JfS1oTi6XyQ"),
            ("DATABASE", "postgres://user:password@db/x"),
        ] {
            assert!(in_variable(name, value), "{name}={value}");
        }
    }

    #[test]
    fn settings_are_no_credentials_whatever_they_are_called() {
        for (name, value) in [
            ("PATH", "/usr/bin"),
            ("PWD", "/srv"),
            ("MAX_TOKENS", "4096"),
            ("MAX_TOKENS", "128000"),
            ("TOKEN_LIMIT", "4096"),
            ("SSH_KEY_PATH", "/home/me/.ssh/id"),
            ("SSH_KEY", "~/.ssh/id"),
            ("TLS_KEY", "certs/server.pem"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/srv/account.json"),
            ("AUTH_MODE", "production"),
            ("AUTH_TYPE", "oauth2"),
            ("AUTH", "production"),
            ("API_KEY_HEADER", "X-API-Key"),
            ("TOKEN_ENDPOINT", "https://login.example/oauth/token"),
            ("TOKEN", "https://login.example/oauth/token"),
            ("KEY_VAULT_NAME", "team-vault"),
            ("PASSWORD_MIN_LENGTH", "1234"),
            ("PUBLIC_KEY", "abcdef"),
            ("AWS_ACCESS_KEY_ID_FILE", "/run/x"),
            ("KEYBOARD", "qwerty"),
            ("API_KEY", "abc"),
            ("API_KEY", "${API_KEY}"),
            ("USE_TOKEN", "true"),
            ("HOME", "sk-"),
            ("CACHE_KEY", "articles"),
            (
                "IMAGE",
                "ghcr.io/team/server@sha256:0a1b2c3d4e5f60718293a4b5c6d7e8f900112233445566778899aabbccddeeff",
            ),
        ] {
            assert!(!in_variable(name, value), "{name}={value}");
        }
    }

    #[test]
    fn headers_are_told_with_and_without_a_scheme() {
        assert!(in_header("Authorization", "Bearer abc"));
        assert!(in_header("X-API-Key", "abcdef"));
        assert!(in_header("X-Custom", "Bearer ghp_0123456789abcdef"));
        assert!(!in_header("X-Team", "research"));
        assert!(!in_header("X-Auth-Type", "oauth2"));
        assert!(!in_header("X-Max-Tokens", "4096"));
        assert_eq!(without_scheme("Bearer  abc"), "abc");
        assert_eq!(without_scheme("abc"), "abc");
    }

    #[test]
    fn arguments_are_told_in_every_form() {
        for words in [
            &["--api-key=abcdef"][..],
            &["--api-key", "abcdef"],
            &["-token", "abcdef"],
            &["--header", "Authorization: Bearer abcdef"],
            &["-e", "API_KEY=abcdef"],
            &["--env=API_KEY=abcdef"],
            &["--config", r#"{"apiKey": "abcdef"}"#],
            &[r#"--config={"apiKey": "abcdef"}"#],
            &["-c", "export API_KEY='abcdef'; exec server"],
            &["postgres://user:password@db/x"],
            &["https://host/mcp?api_key=abcdef"],
            &["sk-0123456789"],
        ] {
            assert_eq!(in_arguments(words).collect::<Vec<_>>(), [words.len() - 1]);
        }
        let none = [
            "-y",
            "@scope/server",
            "--key-file",
            "/x",
            "--port",
            "80",
            "/srv/docs",
            "--from",
            "git+https://github.com/team/server@0a1b2c3d4e5f60718293a4b5c6d7e8f900112233",
            "-lc",
            "source ~/.secrets/env; export TOKEN=$OTHER; exec server",
        ];
        assert_eq!(in_arguments(&none).collect::<Vec<_>>(), [0; 0]);
    }
}
