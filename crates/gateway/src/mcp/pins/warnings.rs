//! What a person should know of a tool before they trust it: that its name imitates another's, or that its definition
//! holds characters that people do not see.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;
use toolvault_core::lookalike::{appearance, hidden, is_unusual};

use super::difference::{below, excerpt};

/// How many warnings of one definition are told.
const MOST: usize = 20;
/// How many characters or tools one warning names.
const NAMED: usize = 8;

/// The names of all tools that have pins.
#[derive(Default)]
pub(super) struct Names {
    /// Servers and tools by how the tool's name looks.
    alike: HashMap<String, Vec<(String, String)>>,
    /// Servers by how the prefix of their tools looks.
    prefixes: BTreeMap<String, String>,
}

impl Names {
    pub(super) fn new(names: Vec<(String, String)>) -> Self {
        let mut all = Self::default();
        for (server, tool) in names {
            let prefix = appearance(&format!("{server}__"));
            all.prefixes.entry(prefix).or_insert(server.clone());
            let alike = all.alike.entry(appearance(&tool)).or_default();
            alike.push((server, tool));
        }
        all
    }

    /// The warnings of a tool's name.
    pub(super) fn warnings(&self, server: &str, tool: &str) -> Vec<String> {
        let mut warnings = Vec::new();
        let looks = appearance(tool);
        let alike = self.alike.get(&looks).into_iter().flatten();
        let alike = alike.filter(|(_, other)| other != tool);
        let alike = alike.map(|(server, tool)| format!("{} of {server}", excerpt(tool, 0)));
        if let Some(alike) = list(alike) {
            warnings.push(format!("its name looks like {alike}"));
        }
        let imitated = self.prefixes.iter().filter(|(prefix, other)| {
            looks.starts_with(prefix.as_str()) && other.as_str() != server
        });
        if let Some(imitated) = list(imitated.map(|(_, other)| other.clone())) {
            warnings.push(format!("its name begins like the tools of {imitated}"));
        }
        if is_unusual(tool) {
            warnings.push("its name has letters that names mix seldom".to_owned());
        }
        warnings
    }
}

/// The warnings of a definition that was kept: where it holds characters that people do not see.
pub(super) fn of_definition(text: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Ok(definition) = serde_json::from_str(text) {
        search("", &definition, &mut warnings);
    }
    warnings
}

fn search(place: &str, value: &Value, warnings: &mut Vec<String>) {
    if warnings.len() >= MOST {
        return;
    }
    match value {
        Value::String(text) => warnings.extend(unseen(place, text)),
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                search(&below(place, &index.to_string()), element, warnings);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let place = below(place, name);
                warnings.extend(unseen(&format!("the name of {place}"), name));
                search(&place, member, warnings);
            }
        }
        _ => {}
    }
}

fn unseen(place: &str, text: &str) -> Option<String> {
    let mut count = 0;
    let mut kinds = BTreeSet::new();
    for character in hidden(text) {
        count += 1;
        kinds.insert(character);
    }
    let kinds = kinds
        .into_iter()
        .map(|kind| format!("U+{:04X}", u32::from(kind)));
    let characters = if count == 1 {
        "character"
    } else {
        "characters"
    };
    list(kinds).map(|kinds| format!("{place} holds {count} hidden {characters}: {kinds}"))
}

/// The first of them; `None` if there are none.
fn list(all: impl Iterator<Item = String>) -> Option<String> {
    let mut all = all.peekable();
    all.peek()?;
    let named: Vec<_> = all.by_ref().take(NAMED).collect();
    let more = if all.peek().is_some() {
        " and others"
    } else {
        ""
    };
    Some(format!("{}{more}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[(&str, &str)]) -> Names {
        let all = all
            .iter()
            .map(|(server, tool)| ((*server).to_owned(), (*tool).to_owned()));
        Names::new(all.collect())
    }

    #[test]
    fn a_name_that_imitates_another_is_warned_of_and_the_same_name_elsewhere_is_not() {
        let all = names(&[
            ("linear", "get_issue"),
            ("github", "get_issue"),
            ("evil", "get_lssue"),
            ("evil", "get_Issue"),
            ("evil", "gеt_issue"),
            ("evil", "linear__get_issue"),
            ("evil", "1inear__x"),
            ("linear", "linear__own"),
        ]);
        let warnings = |server, tool| all.warnings(server, tool);
        let alike = "its name looks like get_issue of linear, get_issue of github";
        let cyrillic = warnings("evil", "gеt_issue");
        assert!(cyrillic[0].starts_with(alike), "{cyrillic:?}");
        assert_eq!(cyrillic[1], "its name has letters that names mix seldom");
        assert!(warnings("linear", "get_issue")[0].starts_with("its name looks like"));
        for tool in ["linear__get_issue", "1inear__x"] {
            let expected = ["its name begins like the tools of linear"];
            assert_eq!(warnings("evil", tool), expected, "{tool}");
        }
        assert_eq!(warnings("linear", "linear__own"), [""; 0]);
        let plain = names(&[
            ("linear", "search"),
            ("github", "search"),
            ("github", "searches"),
        ]);
        for (server, tool) in [
            ("linear", "search"),
            ("github", "search"),
            ("github", "searches"),
        ] {
            assert_eq!(plain.warnings(server, tool), [""; 0], "{tool}");
        }
    }

    #[test]
    fn hidden_characters_are_found_wherever_they_are() {
        let text = r#"{"name":"a\u200b","description":"x\udb40\udc41y\udb40\udc41\u202e","inputSchema":{"enum":["\u2066"],"b\u00ad":1},"title":"⚠️ fine"}"#;
        assert_eq!(
            of_definition(text),
            [
                "description holds 3 hidden characters: U+202E, U+E0041",
                r"the name of inputSchema/b\u{ad} holds 1 hidden character: U+00AD",
                "inputSchema/enum/0 holds 1 hidden character: U+2066",
                "name holds 1 hidden character: U+200B",
            ]
        );
        let many: Vec<_> = (0..100).map(|at| format!(r#""{at}":"\u200b""#)).collect();
        let warnings = of_definition(&format!("{{{}}}", many.join(",")));
        assert_eq!(warnings.len(), MOST);
        let all: String = ('\u{e0020}'..='\u{e007e}').collect();
        let warnings = of_definition(&format!(r#"{{"name":"{all}"}}"#));
        assert!(warnings[0].ends_with("U+E0027 and others"), "{warnings:?}");
    }
}
