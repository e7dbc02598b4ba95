//! Recognises literal credentials by the name of their setting or by their first characters.
//!
//! This is a guess that errs on the safe side: text that it mistakes for a credential is stored as a secret and
//! referred to, which does no harm.

use toolvault_gateway::http::Url;

/// Words in names of credentials.
const WORDS: [&str; 14] = [
    "APIKEY",
    "AUTH",
    "AUTHORIZATION",
    "BEARER",
    "COOKIE",
    "CREDENTIAL",
    "CREDENTIALS",
    "KEY",
    "PASS",
    "PASSWD",
    "PASSWORD",
    "PAT",
    "SECRET",
    "TOKEN",
];
/// Suffixes of words that are written without a separator: `ACCESSTOKEN`.
const ENDINGS: [&str; 4] = ["APIKEY", "PASSWORD", "SECRET", "TOKEN"];
/// A name with this suffix tells where a credential is, but is not one.
const PLACES: [&str; 5] = ["DIR", "FILE", "ID", "PATH", "URL"];
/// Prefixes of the tokens of well-known services.
const BEGINNINGS: [&str; 21] = [
    "AIza",
    "AKIA",
    "AKCp",
    "SG.",
    "eyJ",
    "figd_",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "hf_",
    "lin_api_",
    "npm_",
    "ntn_",
    "sk-",
    "sk_live_",
    "tvk_",
    "xoxb-",
    "xoxp-",
];
/// The shortest value that can be stored (contract, section 2).
pub(crate) const SHORTEST: usize = 4;

/// Whether a variable's value is a literal credential.
pub(crate) fn in_variable(name: &str, value: &str) -> bool {
    is_storable(value) && (is_named(name, value) || is_known(value) || in_url(value))
}

/// Whether a header's value is a literal credential.
pub(crate) fn in_header(name: &str, value: &str) -> bool {
    is_storable(value) && (is_named(name, value) || is_known(without_scheme(value)))
}

/// Whether a URL holds a password, or a credential in its query.
pub(crate) fn in_url(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    let has_password = url.has_host() && url.password().is_some_and(|text| !text.is_empty());
    has_password
        || url
            .query_pairs()
            .any(|(name, value)| in_variable(&name, &value))
}

/// The positions of words in a command that are literal credentials or contain one.
pub(crate) fn in_arguments<'a>(words: &'a [&'a str]) -> impl Iterator<Item = usize> + 'a {
    let previous = std::iter::once("").chain(words.iter().copied());
    let places = words.iter().zip(previous).enumerate();
    places.filter_map(|(place, (&word, before))| is_argument(word, before).then_some(place))
}

/// The part of a header's value after `Bearer` or another scheme.
pub(crate) fn without_scheme(value: &str) -> &str {
    match value.split_once(' ') {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            rest.trim_start()
        }
        _ => value,
    }
}

fn is_argument(word: &str, before: &str) -> bool {
    // A header as in `mcp-remote --header`, or a variable as in `docker run -e`.
    let is_header = word
        .split_once(':')
        .is_some_and(|(name, value)| is_name(name) && in_header(name, value.trim_start()));
    let is_assignment = word
        .split_once('=')
        .is_some_and(|(name, value)| is_name(name) && in_variable(name, value));
    let is_value = before.starts_with("--")
        && !before.contains('=')
        && !word.starts_with('-')
        && in_variable(before, word);
    is_header || is_assignment || is_value || is_known(word) || in_url(word)
}

fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.bytes().all(is_part)
}

/// Whether the name suggests a credential and the value does not contradict it.
fn is_named(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words = || name.split(|letter: char| !letter.is_ascii_alphanumeric());
    let last = words().next_back().unwrap_or_default();
    if PLACES.contains(&last) || is_plain(value) {
        return false;
    }
    words().any(|word| WORDS.contains(&word) || ENDINGS.iter().any(|end| word.ends_with(end)))
}

fn is_known(value: &str) -> bool {
    let longest = BEGINNINGS.iter().filter(|start| value.starts_with(**start));
    longest
        .map(|start| start.len())
        .max()
        .is_some_and(|start| value.len() >= start + 8)
}

/// A switch or a number is not a credential, whatever its name.
fn is_plain(value: &str) -> bool {
    matches!(value, "true" | "false" | "none" | "null")
        || (value.len() < 6 && value.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_storable(value: &str) -> bool {
    value.chars().count() >= SHORTEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_told_by_name_and_by_beginning() {
        for (name, value) in [
            ("LINEAR_API_KEY", "abcd"),
            ("GITHUB_PERSONAL_ACCESS_TOKEN", "abcdef"),
            ("githubToken", "abcdef"),
            ("DB_PASSWORD", "hunter2"),
            ("X", "ghp_0123456789abcdef"),
            ("DATABASE", "postgres://user:password@db/x"),
        ] {
            assert!(in_variable(name, value), "{name}");
        }
        for (name, value) in [
            ("PATH", "/usr/bin"),
            ("MAX_TOKENS", "4096"),
            ("TOKEN_LIMIT", "4096"),
            ("SSH_KEY_PATH", "/home/me/.ssh/id"),
            ("AWS_ACCESS_KEY_ID_FILE", "/run/x"),
            ("KEYBOARD", "qwerty"),
            ("API_KEY", "abc"),
            ("USE_TOKEN", "true"),
            ("HOME", "sk-"),
        ] {
            assert!(!in_variable(name, value), "{name}");
        }
    }

    #[test]
    fn headers_are_told_with_and_without_a_scheme() {
        assert!(in_header("Authorization", "Bearer abc"));
        assert!(in_header("X-API-Key", "abcdef"));
        assert!(in_header("X-Custom", "Bearer ghp_0123456789abcdef"));
        assert!(!in_header("X-Team", "research"));
        assert_eq!(without_scheme("Bearer  abc"), "abc");
        assert_eq!(without_scheme("abc"), "abc");
    }

    #[test]
    fn arguments_are_told_in_every_form() {
        for words in [
            &["--api-key=abcdef"][..],
            &["--api-key", "abcdef"],
            &["--header", "Authorization: Bearer abcdef"],
            &["-e", "API_KEY=abcdef"],
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
        ];
        assert_eq!(in_arguments(&none).count(), 0);
    }
}
