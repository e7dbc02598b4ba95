//! What differs between two definitions of a tool, in words.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use toolvault_core::canonical::canonical;
use toolvault_core::json::parse;
use toolvault_core::terminal::is_unsafe;

/// How many differences are told.
const MOST: usize = 100;
/// How many characters of a text are told, from just before the first that differs.
const SHOWN: usize = 240;
/// How many of them lie before the first that differs.
const BEFORE: usize = 40;

/// The differences, one line for each place, and first whether readers disagree about one of the definitions: what is
/// said of it then need not be what a model reads.
pub(super) fn differences(before: &str, after: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (which, text) in [("pinned", before), ("new", after)] {
        if let Some(why) = ambiguity(text) {
            lines.push(format!(
                "the {which} definition means different things to different readers: {why}"
            ));
        }
    }
    let known = |text| serde_json::from_str::<Value>(text).ok();
    match known(before).zip(known(after)) {
        Some((before, after)) => compare("", &before, &after, &mut lines),
        None => lines.push("the definitions cannot be compared".to_owned()),
    }
    if lines.len() > MOST {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(format!("{more} more differences"));
    }
    lines
}

/// Why a definition has no canonical form; `None` if it has one.
fn ambiguity(text: &str) -> Option<String> {
    match parse(text.as_bytes()) {
        Ok(definition) => canonical(definition).err().map(|why| why.to_string()),
        Err(_) => Some("it is not JSON".to_owned()),
    }
}

fn compare(place: &str, before: &Value, after: &Value, lines: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => members(place, before, after, lines),
        (before, after) if before == after => {}
        (before, after) => {
            let (before, after) = (before.to_string(), after.to_string());
            let same = before.chars().zip(after.chars());
            let same = same.take_while(|(one, other)| one == other).count();
            let (before, after) = (excerpt(&before, same), excerpt(&after, same));
            lines.push(format!("{place}: was {before}, is now {after}"));
        }
    }
}

fn members(
    place: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    lines: &mut Vec<String>,
) {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let place = below(place, name);
        match (before.get(name), after.get(name)) {
            (Some(before), Some(after)) => compare(&place, before, after, lines),
            (Some(before), None) => {
                lines.push(format!(
                    "{place}: removed, was {}",
                    excerpt(&before.to_string(), 0)
                ));
            }
            (None, Some(after)) => {
                lines.push(format!(
                    "{place}: added, is {}",
                    excerpt(&after.to_string(), 0)
                ));
            }
            (None, None) => {}
        }
    }
}

/// The place of a member; only its end if it is long.
pub(super) fn below(place: &str, name: &str) -> String {
    let separator = if place.is_empty() { "" } else { "/" };
    let whole = format!("{place}{separator}{}", excerpt(name, 0));
    match whole.chars().count().checked_sub(SHOWN) {
        None | Some(0) => whole,
        Some(more) => format!("…{}", whole.chars().skip(more + 1).collect::<String>()),
    }
}

/// A part of a text from just before this character. What people would not see is written as its number.
pub(super) fn excerpt(text: &str, from: usize) -> String {
    let from = if text.chars().count() <= SHOWN {
        0
    } else {
        from.saturating_sub(BEFORE)
    };
    let mut shown = String::from(if from > 0 { "…" } else { "" });
    let mut characters = text.chars().skip(from);
    for character in characters.by_ref().take(SHOWN) {
        if is_unsafe(character) || matches!(character, '\u{fe0e}' | '\u{fe0f}') {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(before: &str, after: &str) -> Vec<String> {
        differences(before, after)
    }

    #[test]
    fn each_place_is_named_with_what_it_was_and_is() {
        let before = r#"{"name":"a","description":"Sends it","inputSchema":{"properties":{"to":{},"cc":{"type":"string"}}}}"#;
        let after = r#"{"name":"a","title":"A","description":"Sends all","inputSchema":{"properties":{"to":true}}}"#;
        assert_eq!(
            of(before, after),
            [
                r#"description: was "Sends it", is now "Sends all""#,
                r#"inputSchema/properties/cc: removed, was {"type":"string"}"#,
                "inputSchema/properties/to: was {}, is now true",
                r#"title: added, is "A""#,
            ]
        );
    }

    #[test]
    fn that_readers_disagree_about_a_definition_is_told_first() {
        let plain = r#"{"description":"Sends it"}"#;
        let says = "definition means different things to different readers";
        for (text, why) in [
            (
                r#"{"description":"Sends all","description":"Sends it"}"#,
                "an object repeats the name of a member",
            ),
            (
                r#"{"description":"Sends it","a":18446744073709551617}"#,
                "a number does not fit into a double",
            ),
            (r#"{"description":"\ud800"}"#, "a text is not Unicode"),
        ] {
            assert_eq!(of(plain, text)[0], format!("the new {says}: {why}"));
            assert_eq!(of(text, plain)[0], format!("the pinned {says}: {why}"));
        }
        let lines = of(plain, r#"{"description":"\ud800"}"#);
        assert_eq!(lines[1], "the definitions cannot be compared");
    }

    #[test]
    fn a_long_text_is_shown_from_where_it_differs_and_hidden_characters_are_written_out() {
        let long = "x".repeat(1_000);
        let [line] = of(
            &format!("[\"{long}\"]"),
            &format!("[\"{long}\u{202e}\\u001b[2K\"]"),
        )
        .try_into()
        .unwrap();
        assert!(line.len() < 3 * SHOWN, "{line}");
        assert!(line.contains(r"\u{202e}\u001b[2K"), "{line}");
        assert!(!line.contains(is_unsafe), "{line}");
        let many: Vec<String> = (0..200).map(|at| format!("\"{at}\":1")).collect();
        let lines = of("{}", &format!("{{{}}}", many.join(",")));
        assert_eq!(
            (lines.len(), lines[MOST].as_str()),
            (MOST + 1, "100 more differences")
        );
        let deep = |end: &str| format!("{}{end}{}", r#"{"member":"#.repeat(100), "}".repeat(100));
        let [line] = of(&deep("1"), &deep("2")).try_into().unwrap();
        assert!(line.len() < 2 * SHOWN && line.starts_with('…'), "{line}");
        assert!(line.ends_with("member/member: was 1, is now 2"), "{line}");
    }
}
