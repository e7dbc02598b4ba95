//! Escapes control characters.

use std::borrow::Cow;
use std::fmt::Write as _;

use toolvault_core::terminal::is_unsafe;

/// The text in one line, each unsafe character as Rust spells it: `\u{1b}`, `\n`.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_unsafe(character) {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// A JSON document with the unsafe characters in its strings escaped. Line breaks between members stay.
pub(super) fn escape_json(document: &str) -> Cow<'_, str> {
    let is_unsafe = |character: char| character != '\n' && is_unsafe(character);
    if !document.contains(is_unsafe) {
        return Cow::Borrowed(document);
    }
    let mut escaped = String::with_capacity(document.len() + 16);
    for character in document.chars() {
        if is_unsafe(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        assert_eq!(escape("linear-prod é 名"), "linear-prod é 名");
        assert_eq!(
            escape("a\u{1b}[2Jb\r\n\u{9b}\u{202e}\u{7f}"),
            "a\\u{1b}[2Jb\\r\\n\\u{9b}\\u{202e}\\u{7f}"
        );
    }

    #[test]
    fn json_stays_the_same_json() {
        let value = serde_json::json!({"name": "a\u{1b}\u{9b}\u{202e}\u{7f}\u{e0041}b"});
        let document = serde_json::to_string_pretty(&value).unwrap();
        let escaped = escape_json(&document);
        assert!(!escaped.chars().any(|c| c != '\n' && is_unsafe(c)));
        let read: serde_json::Value = serde_json::from_str(&escaped).unwrap();
        assert_eq!(read, value);
    }
}
