//! The JSON files of clients: in which tables their servers are, and changing single members of a server.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toolvault_core::confidential::Wiped;
use toolvault_core::json::{self, Object, Value};

use super::Entry;
use super::plain::plain;
use crate::commands::mcp::import::client::{Folder, Kind, Surroundings};
use crate::commands::mcp::import::given::Given;
use crate::commands::mcp::import::left::Text;
use crate::commands::mcp::import::rewrite::{Replacement, json as rewrite};
use crate::failure::Failure;

/// The text as plain JSON, of the same length.
pub(super) struct File {
    plain: Text,
}

/// Where the object of a server is.
pub(super) struct Place {
    range: Range<usize>,
    /// The client whose form the object has.
    kind: Kind,
}

impl File {
    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let plain = plain(text);
        // Why it does not parse is not told by quoting it.
        match json::parse_text(&plain).map(Value::as_object) {
            Ok(Some(_)) => Ok(Self { plain }),
            Ok(None) => Err(Failure::refused(format!("{shown} holds no JSON object"))),
            Err(error) => {
                let message = format!("{shown} is not JSON, and is left as it is: {error}");
                Err(Failure::refused(message))
            }
        }
    }

    /// What the tables of its root are called.
    pub(super) fn names(&self) -> Vec<String> {
        let members = self.root().and_then(|root| root.members().ok());
        let names = members.into_iter().flatten();
        names.map(|member| member.name.into_owned()).collect()
    }

    pub(super) fn entries(&self, surroundings: &Surroundings) -> Vec<Entry> {
        let Some(root) = self.root() else {
            return Vec::new();
        };
        let kind = surroundings.kind;
        let mut entries = Vec::new();
        let mut take = |table: Option<Value<'_>>, form: Kind, folder: &Folder| {
            let surroundings = Surroundings {
                folder: folder.clone(),
                ..surroundings.clone()
            };
            self.take(table, form, &surroundings, &mut entries);
        };
        let folder = &surroundings.folder;
        take(root.get("mcpServers"), kind, folder);
        take(root.get("context_servers"), Kind::Zed, folder);
        if kind == Kind::VsCode || root.get("mcpServers").is_none() {
            take(root.get("servers"), Kind::VsCode, folder);
        }
        // Settings of VS Code and the second form of opencode have a table below `mcp`.
        let nested = |name: &str| root.get(name).and_then(Value::as_object);
        match nested("mcp").and_then(|mcp| mcp.get("servers")) {
            Some(servers) => {
                let form = if kind == Kind::Opencode {
                    kind
                } else {
                    Kind::VsCode
                };
                take(Some(servers), form, folder);
            }
            None if kind == Kind::Opencode => take(root.get("mcp"), kind, folder),
            None => {}
        }
        // Claude Code has a table for each project.
        let projects = nested("projects").and_then(|projects| projects.members().ok());
        for project in projects.into_iter().flatten() {
            let folder = Folder::Project(PathBuf::from(&*project.name));
            let servers = project
                .value
                .as_object()
                .and_then(|project| project.get("mcpServers"));
            take(servers, kind, &folder);
        }
        entries
    }

    /// Adds the servers of one table.
    fn take(
        &self,
        table: Option<Value<'_>>,
        form: Kind,
        surroundings: &Surroundings,
        entries: &mut Vec<Entry>,
    ) {
        let table = table.and_then(Value::as_object);
        let members = table.and_then(|table| table.members().ok());
        for member in members.into_iter().flatten() {
            let Some(members) = member.value.as_object() else {
                continue;
            };
            let place = Place {
                range: self.range_of(members.raw()),
                kind: form,
            };
            entries.push(Entry {
                name: member.name.into_owned(),
                given: Given::of(members, form),
                surroundings: surroundings.clone(),
                place: super::Place::Json(place),
            });
        }
    }

    /// The text with other members in some servers.
    pub(super) fn with<'a>(
        &self,
        text: &str,
        replacements: impl Iterator<Item = (&'a Place, &'a Replacement<'a>)>,
    ) -> Text {
        let mut changes = Vec::new();
        for (place, replacement) in replacements {
            let object = self.plain.get(place.range.clone()).unwrap_or_default();
            let Some(object) = json::parse_text(object).ok().and_then(Value::as_object) else {
                continue;
            };
            let members = rewrite::members(place.kind, object, replacement);
            self.change(text, place.range.start, object, &members, &mut changes);
        }
        changes.sort_by_key(|(range, _)| range.start);
        let longer: usize = changes.iter().map(|(_, text)| text.len()).sum();
        let mut new = Wiped::new(String::with_capacity(text.len() + longer));
        let mut at = 0;
        for (range, replaced) in &changes {
            new.push_str(text.get(at..range.start).unwrap_or_default());
            new.push_str(replaced);
            at = range.end;
        }
        new.push_str(text.get(at..).unwrap_or_default());
        new
    }

    /// Puts members in the place of those that say how a server is reached. Comments and the others stay.
    fn change(
        &self,
        text: &str,
        start: usize,
        object: Object<'_>,
        members: &[rewrite::Member],
        changes: &mut Vec<(Range<usize>, Text)>,
    ) {
        let mut at = start + 1;
        let mut is_written = false;
        // Behind the last member that stays.
        let mut kept = start + 1;
        let all = object.members().unwrap_or_default();
        for member in all {
            let value = member.value.raw();
            let end = start + offset(object.raw(), value) + value.len();
            let name = self.plain.get(at..).and_then(|rest| rest.find('"'));
            let begin = at + name.unwrap_or_default();
            let comma = self
                .plain
                .get(end..)
                .and_then(|rest| rest.find(|letter: char| !letter.is_whitespace()));
            let comma = comma
                .map(|offset| end + offset)
                .filter(|&place| self.plain.get(place..=place) == Some(","));
            at = comma.map_or(end, |comma| comma + 1);
            if !rewrite::is_replaced(&member.name, members) {
                kept = end;
                continue;
            }
            if !is_written {
                let line = line_of(text, begin);
                changes.push((begin..end, rewrite::written(members, line)));
                is_written = true;
                kept = end;
                continue;
            }
            // One comma goes with it: the one behind it, or of the last member the one before.
            let first = text
                .get(..begin)
                .map_or(begin, |before| before.trim_end().len());
            let first = if self.is_in_comment(text, first) {
                begin
            } else {
                first
            };
            changes.push((first..end, Text::default()));
            match comma {
                Some(comma) => changes.push((comma..comma + 1, Text::default())),
                None => self.without_comma(kept..begin, changes),
            }
        }
    }

    /// Whether a comment ends at a place; what follows must not move into its line.
    fn is_in_comment(&self, text: &str, end: usize) -> bool {
        let last = |text: &str| {
            text.get(..end)
                .and_then(|before| before.chars().next_back())
        };
        last(text) != last(&self.plain)
    }

    /// Takes out the comma before a member that was the last one.
    fn without_comma(&self, between: Range<usize>, changes: &mut Vec<(Range<usize>, Text)>) {
        let comma = self
            .plain
            .get(between.clone())
            .and_then(|between| between.find(','));
        if let Some(comma) = comma.map(|offset| between.start + offset)
            && !changes.iter().any(|(range, _)| range.contains(&comma))
        {
            changes.push((comma..comma + 1, Text::default()));
        }
    }

    fn root(&self) -> Option<Object<'_>> {
        json::parse_text(&self.plain)
            .ok()
            .and_then(Value::as_object)
    }

    fn range_of(&self, part: &str) -> Range<usize> {
        let start = offset(&self.plain, part);
        start..start + part.len()
    }
}

/// Where a slice of a text begins in it.
fn offset(text: &str, part: &str) -> usize {
    part.as_ptr().addr() - text.as_ptr().addr()
}

/// The space before the line in which a place is; `None` if something else is before it in the line.
fn line_of(text: &str, place: usize) -> Option<&str> {
    let line = text.get(..place)?.rsplit_once('\n')?.1;
    line.chars().all(char::is_whitespace).then_some(line)
}
