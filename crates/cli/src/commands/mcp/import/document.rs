//! The file of a client: where its servers stand in it, and putting others in their place.
//!
//! Everything else stays byte for byte. Comments and commas at an end, which some clients allow, are read as space.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toolvault_core::json::{self, Object, Value};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::replace::replace;

/// A client's file.
pub(super) struct Document {
    path: PathBuf,
    text: Zeroizing<String>,
    /// The text as plain JSON, of the same length.
    plain: Zeroizing<String>,
}

/// One server in it.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    /// What the client calls it.
    pub(super) name: String,
    pub(super) members: Object<'a>,
    /// Where its object stands.
    pub(super) range: Range<usize>,
    /// Whether it stands in a table called `servers`, as in VS Code's files.
    pub(super) is_servers: bool,
}

impl Document {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map(Zeroizing::new);
        let text =
            text.map_err(|error| Failure::refused(format!("cannot read {shown}: {error}")))?;
        let plain = plain(&text);
        // Why it does not parse is not told by quoting it.
        match json::parse_text(&plain).map(Value::as_object) {
            Ok(Some(_)) => {}
            Ok(None) => return Err(Failure::refused(format!("{shown} holds no JSON object"))),
            Err(error) => {
                let message = format!("{shown} is not JSON, and is left as it is: {error}");
                return Err(Failure::refused(message));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            text,
            plain,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Every server in it, in order.
    pub(super) fn entries<'a>(&'a self) -> Vec<Entry<'a>> {
        let Some(root) = json::parse_text(&self.plain)
            .ok()
            .and_then(Value::as_object)
        else {
            return Vec::new();
        };
        let mut entries = Vec::new();
        let mut take = |table: Option<Value<'a>>, is_servers| {
            let table = table.and_then(Value::as_object);
            let members = table.and_then(|table| table.members().ok());
            for member in members.into_iter().flatten() {
                let Some(members) = member.value.as_object() else {
                    continue;
                };
                // Both are slices of the same text.
                let start = members.raw().as_ptr().addr() - self.plain.as_ptr().addr();
                entries.push(Entry {
                    name: member.name.into_owned(),
                    range: start..start + members.raw().len(),
                    members,
                    is_servers,
                });
            }
        };
        take(root.get("mcpServers"), false);
        let nested = |name: &str| root.get(name).and_then(Value::as_object);
        if let Some(mcp) = nested("mcp") {
            take(mcp.get("servers"), true);
        }
        if root.get("mcpServers").is_none() {
            take(root.get("servers"), true);
        }
        // Claude Code keeps a table for each directory.
        let projects = nested("projects").and_then(|projects| projects.members().ok());
        for project in projects.into_iter().flatten() {
            let project = project.value.as_object();
            take(project.and_then(|project| project.get("mcpServers")), false);
        }
        entries
    }

    /// The space before the line in which a place is; none if the file has only one line.
    pub(super) fn indentation(&self, place: usize) -> Option<&str> {
        let before = self.text.get(..place)?;
        let line = before.rsplit_once('\n')?.1;
        let end = line.find(|character: char| !character.is_whitespace());
        line.get(..end.unwrap_or(line.len()))
    }

    /// The text with other objects in the places of some.
    pub(super) fn with(
        &self,
        mut changes: Vec<(Range<usize>, Zeroizing<String>)>,
    ) -> Zeroizing<String> {
        changes.sort_by_key(|(range, _)| range.start);
        let longer: usize = changes.iter().map(|(_, text)| text.len()).sum();
        let mut new = Zeroizing::new(String::with_capacity(self.text.len() + longer));
        let mut at = 0;
        for (range, text) in &changes {
            new.push_str(self.text.get(at..range.start).unwrap_or_default());
            new.push_str(text);
            at = range.end;
        }
        new.push_str(self.text.get(at..).unwrap_or_default());
        new
    }

    /// Replaces the file.
    pub(super) fn save(&self, new: &str) -> Result<(), Failure> {
        replace(&self.path, Some(self.text.as_bytes()), new.as_bytes()).map_err(|error| {
            Failure::failed(format!("cannot write {}: {error}", self.path.display()))
        })
    }

    /// Keeps what it holds in a new file beside it, and returns which.
    pub(super) fn keep(&self) -> Result<PathBuf, Failure> {
        let path = crate::config::beside(&self.path, ".before-toolvault");
        replace(&path, None, self.text.as_bytes()).map_err(|error| {
            Failure::failed(format!("cannot write {}: {error}", path.display()))
        })?;
        Ok(path)
    }
}

/// The text with spaces for comments, and for commas before a closing bracket.
fn plain(text: &str) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(text.as_bytes().to_vec());
    let mut at = 0;
    let mut comma = None;
    while let Some(&byte) = bytes.get(at) {
        let end = match (byte, bytes.get(at + 1)) {
            (b'"', _) => {
                comma = None;
                at = end_of_string(&bytes, at);
                continue;
            }
            (b'/', Some(b'/')) => end_of(&bytes, at, b"\n", 0),
            (b'/', Some(b'*')) => end_of(&bytes, at, b"*/", 2),
            (b',', _) => {
                comma = Some(at);
                at + 1
            }
            (b'}' | b']', _) => {
                if let Some(place) = comma.take().and_then(|comma: usize| bytes.get_mut(comma)) {
                    *place = b' ';
                }
                at + 1
            }
            _ => {
                if !byte.is_ascii_whitespace() {
                    comma = None;
                }
                at + 1
            }
        };
        if byte == b'/' && end > at + 1 {
            for place in bytes.get_mut(at..end).into_iter().flatten() {
                if !matches!(place, b'\n' | b'\r') {
                    *place = b' ';
                }
            }
        }
        at = end;
    }
    // Only whole comments were replaced, so it is UTF-8 still.
    Zeroizing::new(String::from_utf8(bytes.to_vec()).unwrap_or_default())
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Behind the next occurrence of `mark`, of which `length` bytes belong to what ends; or the end of all.
fn end_of(bytes: &[u8], start: usize, mark: &[u8], length: usize) -> usize {
    let rest = bytes.get(start + 2..).unwrap_or_default();
    let found = rest.windows(mark.len()).position(|window| window == mark);
    found.map_or(bytes.len(), |found| start + 2 + found + length)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn comments_and_last_commas_are_space_and_strings_stay() {
        for (text, expected) in [
            ("{\"a\": 1, // ä\n}", "{\"a\": 1       \n}"),
            ("[1, /* , \n */ 2,]", "[1,      \n    2 ]"),
            (
                "{\"a\": \"// no, ]\\\", /* */\",\n}",
                "{\"a\": \"// no, ]\\\", /* */\" \n}",
            ),
            ("[1,,]", "[1, ]"),
            ("[\"a\", \"b\"]", "[\"a\", \"b\"]"),
            ("/", "/"),
            ("// all", "      "),
        ] {
            let plain = plain(text);
            assert_eq!(plain.as_str(), expected, "{text}");
            assert_eq!(plain.len(), text.len());
        }
    }
}
