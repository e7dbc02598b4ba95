//! The parts of a value that are as confidential as the whole: lines, JSON members, passwords in URLs and headers.

use crate::confidential::Wiped;

use super::alphabet::SPACES;
use crate::json::{self, Kind, Value};

/// A text to search for.
pub(super) struct Part {
    pub(super) text: Wiped<String>,
    /// Whether it is one line of several.
    pub(super) is_line: bool,
}

/// Shorter lines are not searched for: they would match everywhere.
const SHORTEST_LINE: usize = 16;

/// How many levels of nested parts are searched for, such as the password in a URL in a JSON member.
const DEEPEST: usize = 3;

/// The value and its parts.
pub(super) fn of(value: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    add(value, false, DEEPEST, &mut parts);
    parts
}

fn add(text: &str, is_line: bool, left: usize, parts: &mut Vec<Part>) {
    parts.push(Part {
        text: Wiped::new(text.to_owned()),
        is_line,
    });
    let Some(left) = left.checked_sub(1) else {
        return;
    };
    let text = text.trim_matches(SPACES);
    let is_json = text.starts_with(['{', '[']);
    if is_json && let Ok(document) = json::parse_text(text) {
        members(document, left, parts);
        elements(document, left, parts);
    }
    for line in text.split(['\r', '\n']).filter(|_| !is_line) {
        let line = line.trim_matches(SPACES);
        let is_armor = line.starts_with("-----") && line.ends_with("-----");
        if line.len() < text.len() && line.chars().nth(SHORTEST_LINE - 1).is_some() && !is_armor {
            add(line, true, left, parts);
        }
    }
    url(text, left, parts);
    header(text, left, parts);
}

/// The texts of a value that is a list: the gateway sends them as a list to a tool whose schema requires one.
fn elements(value: Value<'_>, left: usize, parts: &mut Vec<Part>) {
    let elements = value.as_array().into_iter().flat_map(json::Array::elements);
    for text in elements.filter_map(Value::as_text).flatten() {
        add(&text, false, left, parts);
    }
}

/// The JSON members whose names say that they are credentials.
fn members(value: Value<'_>, left: usize, parts: &mut Vec<Part>) {
    if value.kind() == Kind::Array {
        let elements = value.as_array().into_iter().flat_map(json::Array::elements);
        elements.for_each(|element| members(element, left, parts));
    }
    let object = value.as_object().and_then(|object| object.members().ok());
    for member in object.into_iter().flatten() {
        match member.value.as_text() {
            Some(Ok(text)) if is_credential(&member.name) => add(&text, false, left, parts),
            Some(_) => {}
            None => members(member.value, left, parts),
        }
    }
}

fn is_credential(name: &str) -> bool {
    const WORDS: [&str; 9] = [
        "key",
        "secret",
        "token",
        "pass",
        "pwd",
        "credential",
        "auth",
        "cookie",
        "sig",
    ];
    let name = name.to_ascii_lowercase();
    let is_address = name.ends_with("uri") || name.ends_with("url");
    !is_address && WORDS.iter().any(|word| name.contains(word))
}

/// The userinfo before the `@` of a URL, and the parameters whose names say that they are credentials.
fn url(text: &str, left: usize, parts: &mut Vec<Part>) {
    let Some((_, rest)) = text.split_once("://").filter(|_| !text.contains(SPACES)) else {
        return;
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    // A password may have an unencoded `/`.
    let authority = if authority.contains('@') {
        authority
    } else {
        rest
    };
    if let Some((user, _)) = authority.rsplit_once('@') {
        let password = user.split_once(':').map_or(user, |(_, password)| password);
        decoded(password, left, parts);
    }
    let query = path.split_once('?').map_or("", |(_, query)| query);
    for (name, value) in query
        .split(['&', '#'])
        .filter_map(|pair| pair.split_once('='))
    {
        if is_credential(name) {
            decoded(value, left, parts);
        }
    }
}

/// Adds a part of a URL, as it is and percent-decoded.
fn decoded(text: &str, left: usize, parts: &mut Vec<Part>) {
    add(text, false, left, parts);
    let bytes = percent_encoding::percent_decode_str(text);
    if let Ok(decoded) = bytes.decode_utf8()
        && decoded != text
    {
        let decoded = Wiped::new(decoded.into_owned());
        add(&decoded, false, left, parts);
    }
}

/// The text after the scheme of an `Authorization` header; after `Basic` also the decoded password.
fn header(text: &str, left: usize, parts: &mut Vec<Part>) {
    let Some((scheme, token)) = text.split_once(' ') else {
        return;
    };
    let token = token.trim_matches(SPACES);
    let is_scheme = ["basic", "bearer", "token", "apikey"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    if !is_scheme || token.contains(SPACES) {
        return;
    }
    add(token, false, left, parts);
    if let Some(decoded) =
        super::alphabet::base64_text(token).filter(|_| scheme.eq_ignore_ascii_case("basic"))
    {
        let password = decoded.split_once(':').map_or("", |(_, password)| password);
        add(&decoded, false, left, parts);
        add(password, false, left, parts);
    }
    if let Some((_, password)) = token.split_once(':') {
        add(password, false, left, parts);
    }
}
