//! Credentials inside longer text: JSON, headers, pairs of name and value, connection strings, scripts and URLs.

use toolvault_core::json::{self, Value};
use toolvault_gateway::http::Url;

use super::{in_header, in_variable, is_named, values};

/// Whether a text contains a literal credential.
pub(super) fn holds(text: &str) -> bool {
    let text = text.trim();
    text.split(|letter: char| !is_of_token(letter))
        .any(values::is_known)
        || values::is_long_token(text)
        || (text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----"))
        || in_json(text)
        || in_pairs(text)
        || text
            .split_whitespace()
            .any(|word| in_url(word.trim_matches(['"', '\''])))
}

/// Whether a URL holds a user's password, or a credential in its path or query.
pub(crate) fn in_url(text: &str) -> bool {
    if !text.contains("://") {
        return false;
    }
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    let has_password = url.has_host() && url.password().is_some_and(is_literal);
    let has_token =
        url.has_host() && url.password().is_none() && values::is_key_part(url.username());
    has_password
        || has_token
        || url
            .path_segments()
            .is_some_and(|mut parts| parts.any(is_key_in_path))
        || url
            .query_pairs()
            .any(|(name, value)| is_key_in_query(&name, &value))
}

/// Whether a part of a URL's path is a credential.
pub(crate) fn is_key_in_path(part: &str) -> bool {
    values::is_key_part(part)
}

/// Whether a parameter of a URL is a credential.
pub(crate) fn is_key_in_query(name: &str, value: &str) -> bool {
    in_variable(name, value) || (!values::is_uuid(value) && values::is_key_part(value))
}

fn is_literal(password: &str) -> bool {
    // `${…}` and `{env:…}`, as a URL spells them.
    let is_filled_in =
        password.starts_with('$') || password.starts_with("%7B") || password.starts_with('{');
    !password.is_empty() && !is_filled_in
}

fn in_json(text: &str) -> bool {
    // An option and its value may be one word: `--config={…}`.
    let start = text.find(['{', '[']).filter(|&start| {
        start == 0
            || text
                .get(..start)
                .is_some_and(|before| before.ends_with('='))
    });
    let parsed = start
        .and_then(|start| text.get(start..))
        .map(json::parse_text);
    parsed.and_then(Result::ok).is_some_and(in_value)
}

fn in_value(value: Value<'_>) -> bool {
    if let Some(object) = value.as_object() {
        let members = object.members().unwrap_or_default();
        return members.iter().any(|member| match member.value.as_text() {
            Some(Ok(text)) => in_header(&member.name, &text) || in_variable(&member.name, &text),
            _ => in_value(member.value),
        });
    }
    if let Some(array) = value.as_array() {
        return array.elements().any(in_value);
    }
    value
        .as_text()
        .and_then(Result::ok)
        .is_some_and(|text| holds(&text))
}

/// Whether a pair in the text is a credential. Names in connection strings have spaces, those in scripts have not.
fn in_pairs(text: &str) -> bool {
    let parts = text
        .split([';', '\n'])
        .chain(text.split([';', ',', '&', ' ', '\t', '\n']));
    parts.into_iter().any(|part| is_pair(part.trim()))
}

fn is_pair(part: &str) -> bool {
    let is_header = part
        .split_once(':')
        .is_some_and(|(name, value)| is_word(name) && in_scheme(name, value.trim_start()));
    let is_assignment = part.split_once('=').is_some_and(|(name, value)| {
        let name = name.trim_start_matches('-');
        let bare = value.trim_matches(['"', '\'']);
        let is_long_enough = bare.chars().count() >= super::SHORTEST;
        is_name(name) && ((is_long_enough && is_named(name, bare)) || is_pair(value))
    });
    is_header || is_assignment
}

fn in_scheme(name: &str, value: &str) -> bool {
    let bare = super::without_scheme(value);
    bare.chars().count() >= super::SHORTEST && is_named(name, bare)
}

fn is_word(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.bytes().all(is_part)
}

fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.split(' ').all(|word| is_word(word) || word.is_empty())
}

fn is_of_token(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '+' | '~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_longer_text_are_found() {
        for text in [
            r#"{"Authorization": "Bearer abcdef", "Version": "2022-06-28"}"#,
            r#"{"a": [{"clientSecret": "abcdef"}]}"#,
            r#"--config={"apiKey": "abcdef"}"#,
            "Server=db;User Id=sa;Password=hunter2;",
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abcdef==",
            "host=localhost password=hunter2",
            "NAME=API_KEY=abcdef",
            "Authorization: Bearer abcdef",
            "Cookie:session-abcdef",
            "x sk-0123456789abcdef y",
            "-----BEGIN PRIVATE KEY-----\nMIIB\n",
            "postgresql://user:hunter2@db/x",
            "https://0f1e2d3c4b5a69788796a5b4@errors.example/1",
            "https://hooks.example/services/Zm4Kq81LxP0dTn7RwYb2",
            "https://h.example/mcp?code=Zm4Kq81LxP0dTn7RwYb2",
        ] {
            assert!(holds(text), "{text}");
        }
    }

    #[test]
    fn longer_text_without_keys_is_none() {
        for text in [
            r#"{"Version": "2022-06-28", "auth": "none"}"#,
            "Server=db;Integrated Security=true;Trusted_Connection=yes",
            "host=localhost port=5432 sslmode=require",
            "postgresql://user@db/x",
            "postgresql://user:${PASSWORD}@db/x",
            "https://h.example/mcp?tools=search,fetch&project=team-a",
            "https://mcp.example/mcp/team-tools/javascript-nextjs-g6",
            "http://localhost:8080/o/mcp",
            "surreal_mind=info,rmcp=debug",
            "@modelcontextprotocol/server-sequential-thinking",
            "/srv/config.yaml:/app/config.yaml",
        ] {
            assert!(!holds(text), "{text}");
        }
    }
}
