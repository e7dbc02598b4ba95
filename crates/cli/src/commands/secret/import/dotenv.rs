//! Files with a line `NAME=VALUE` for each variable.

use toolvault_core::confidential::Wiped;

use super::format::{Entry, MOST_ENTRIES};

/// The entries, up to one more than are accepted. An error has a line, and repeats nothing of it.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    let mut rest = text;
    let (mut number, mut uncounted) = (1, text);
    while !rest.is_empty() && entries.len() <= MOST_ENTRIES {
        let passed = uncounted.len().saturating_sub(rest.len());
        number += uncounted
            .bytes()
            .take(passed)
            .filter(|&byte| byte == b'\n')
            .count();
        uncounted = rest;
        let at = |why: &str| format!("line {number}: {why}");
        let start = rest.trim_start();
        if start.starts_with('#') || start.is_empty() {
            rest = after_line(start);
            continue;
        }
        if start.len() < rest.len() {
            rest = start;
            continue;
        }
        let start = start.strip_prefix("export ").unwrap_or(start);
        let (name, value) = start
            .split_once('=')
            .filter(|(name, _)| !name.contains(['\n', '\r']))
            .ok_or_else(|| at("it is not NAME=VALUE"))?;
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(is_of_name) {
            return Err(at("what is before the '=' is not the name of a variable"));
        }
        let value = value.trim_start_matches([' ', '\t']);
        let (value, behind) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                quoted(value, quote).ok_or_else(|| at("a quote is not closed"))?
            }
            _ => plain(value),
        };
        let line_end = behind.lines().next().unwrap_or_default().trim();
        if !line_end.is_empty() && !line_end.starts_with('#') {
            return Err(at("there is text after a closing quote"));
        }
        entries.push(Entry {
            name: name.to_owned(),
            value,
            is_secret: false,
            is_text: true,
        });
        rest = after_line(behind);
    }
    Ok(entries)
}

fn after_line(text: &str) -> &str {
    text.split_once('\n').map_or("", |(_, after)| after)
}

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// A value to the end of its line or to a comment.
fn plain(text: &str) -> (Wiped<String>, &str) {
    let line = text.lines().next().unwrap_or_default();
    let end = [" #", "\t#"]
        .iter()
        .filter_map(|sign| line.find(sign))
        .min();
    let value = line.get(..end.unwrap_or(line.len())).unwrap_or_default();
    let behind = text.get(line.len()..).unwrap_or_default();
    (Wiped::new(value.trim_end().to_owned()), behind)
}

/// A value in quotes, which may have several lines. In double quotes a backslash escapes.
fn quoted(text: &str, quote: char) -> Option<(Wiped<String>, &str)> {
    let text = text.strip_prefix(quote)?;
    let mut is_escaped = false;
    let end = text.find(|character: char| {
        let is_end = character == quote && !is_escaped;
        is_escaped = character == '\\' && quote == '"' && !is_escaped;
        is_end
    })?;
    let (inside, behind) = (text.get(..end)?, text.get(end + 1..)?);
    let mut value = Wiped::new(String::with_capacity(end));
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' if quote == '"' => match characters.next()? {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                escaped @ ('"' | '\\' | '$' | '`') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
    Some((value, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        let entries = parse(text)?.into_iter();
        Ok(entries
            .map(|entry| (entry.name, entry.value.as_str().to_owned()))
            .collect())
    }

    #[test]
    fn lines_are_read_as_shells_and_libraries_do() {
        let text = "\u{20}\n# comment\nexport A=one\r\n  B = two words # why\nC='it''s'\n";
        assert_eq!(
            read(text).unwrap_err(),
            "line 5: there is text after a closing quote"
        );
        let text = "# comment\n\nexport A=one\r\n  B = two words # why\nC='$x \\n' # note\nD=\nE=a#b\n\
            F=\"first\nsecond \\\"x\\\" \\$ \\n\\d\"\nG=x=y==";
        let expected = [
            ("A", "one"),
            ("B", "two words"),
            ("C", "$x \\n"),
            ("D", ""),
            ("E", "a#b"),
            ("F", "first\nsecond \"x\" $ \n\\d"),
            ("G", "x=y=="),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read(text).unwrap(), expected);
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn a_long_file_costs_no_more_than_its_length() {
        let text = "#\n".repeat(1 << 20) + "A";
        assert_eq!(
            read(&text).unwrap_err(),
            "line 1048577: it is not NAME=VALUE"
        );
        let text = "A=\"abc\"\n".repeat(MOST_ENTRIES + 9) + "what follows is not read";
        let entries = parse(&text).unwrap();
        assert_eq!(entries.len(), MOST_ENTRIES + 1);
        assert!(entries.iter().all(|entry| entry.value.capacity() < 64));
    }

    #[test]
    fn an_error_tells_the_line_and_nothing_of_a_value() {
        for (text, expected) in [
            ("A=1\ncanary\n", "line 2: it is not NAME=VALUE"),
            ("A=1\n\ncanary\nB=2", "line 3: it is not NAME=VALUE"),
            (
                "A=1\nsk canary=2",
                "line 2: what is before the '=' is not the name of a variable",
            ),
            (
                "=canary",
                "line 1: what is before the '=' is not the name of a variable",
            ),
            ("A=\"canary\n", "line 1: a quote is not closed"),
            (
                "A='x' canary",
                "line 1: there is text after a closing quote",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), expected, "{text:?}");
        }
    }
}
