//! Filling in the variables of a client's file that are known here.

use std::path::{Path, PathBuf};

use toolvault_core::confidential::Wiped;

use super::{Folder, Kind};
use crate::commands::mcp::import::left::Text;

/// What is needed to fill in variables.
#[derive(Clone)]
pub(in crate::commands::mcp::import) struct Surroundings {
    pub(in crate::commands::mcp::import) kind: Kind,
    pub(in crate::commands::mcp::import) folder: Folder,
    pub(in crate::commands::mcp::import) home: Option<PathBuf>,
}

impl Surroundings {
    /// The text with the variables in it that are known here. Fails with the first one that only the client knows.
    pub(in crate::commands::mcp::import) fn fill_in(&self, text: &str) -> Result<Text, String> {
        let mut filled = Wiped::new(String::with_capacity(text.len() + 64));
        let mut rest = text;
        while let Some((before, variable, after)) = self.next_variable(rest) {
            filled.push_str(before);
            filled.push_str(&self.value_of(variable).ok_or_else(|| variable.to_owned())?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// The name of the variable that is the whole text, if only the client knows its value.
    pub(in crate::commands::mcp::import) fn only_variable(&self, text: &str) -> Option<String> {
        let (before, variable, after) = self.next_variable(text)?;
        let is_whole = before.is_empty() && after.is_empty() && self.value_of(variable).is_none();
        let name = variable
            .trim_start_matches(['$', '{'])
            .trim_end_matches('}');
        let name = name.strip_prefix("env:").unwrap_or(name);
        (is_whole && !name.contains(":-")).then(|| name.to_owned())
    }

    /// What is before the first variable, the variable as it is spelled, and what is behind it.
    fn next_variable<'a>(&self, text: &'a str) -> Option<(&'a str, &'a str, &'a str)> {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        for (start, _) in text.char_indices() {
            let from = text.get(start..)?;
            let is_braced = from.starts_with("${")
                || (self.kind == Kind::Opencode
                    && (from.starts_with("{env:") || from.starts_with("{file:")));
            let length = if is_braced {
                from.find('}').map(|end| end + 1)
            } else if self.kind == Kind::Gemini && from.starts_with('$') {
                let name = from.bytes().skip(1).take_while(is_part).count();
                (name > 0).then_some(name + 1)
            } else {
                None
            };
            if let Some(length) = length {
                return Some((text.get(..start)?, from.get(..length)?, from.get(length..)?));
            }
        }
        None
    }

    /// The value of a variable that says where the project or the user's home is.
    fn value_of(&self, variable: &str) -> Option<String> {
        let name = variable
            .trim_start_matches(['$', '{'])
            .trim_end_matches('}');
        let text = |path: &Path| Some(path.to_str()?.to_owned());
        let project = match &self.folder {
            Folder::Project(project) => Some(project),
            _ => None,
        };
        match name {
            "workspaceFolder"
            | "workspaceRoot"
            | "CLAUDE_PROJECT_DIR"
            | "CLAUDE_PROJECT_DIR:-." => text(project?),
            "workspaceFolderBasename" => text(Path::new(project?.file_name()?)),
            "userHome" | "HOME" | "env:HOME" => text(self.home.as_deref()?),
            "pathSeparator" | "/" => Some("/".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings(kind: Kind) -> Surroundings {
        Surroundings {
            kind,
            folder: Folder::Project("/srv/app".into()),
            home: Some("/home/me".into()),
        }
    }

    #[test]
    fn places_are_filled_in_and_other_variables_are_named() {
        let cursor = surroundings(Kind::Cursor);
        for (text, filled) in [
            ("${workspaceFolder}/x", Ok("/srv/app/x")),
            ("${userHome}${/}x", Ok("/home/me/x")),
            ("${workspaceFolderBasename}", Ok("app")),
            ("$(pwd) $X {env:X}", Ok("$(pwd) $X {env:X}")),
            ("a${input:x}b${env:Y}", Err("${input:x}")),
            ("${X:-d}", Err("${X:-d}")),
        ] {
            let got = cursor.fill_in(text);
            let got = got
                .as_ref()
                .map(|text| text.as_str())
                .map_err(String::as_str);
            assert_eq!(got, filled, "{text}");
        }
        assert!(surroundings(Kind::Gemini).fill_in("$X").is_err());
        assert!(surroundings(Kind::Opencode).fill_in("{env:X}").is_err());
    }

    #[test]
    fn a_text_that_is_one_variable_is_told() {
        for (kind, text, name) in [
            (Kind::Cursor, "${env:X}", Some("X")),
            (Kind::ClaudeCode, "${X}", Some("X")),
            (Kind::VsCode, "${input:the-key}", Some("input:the-key")),
            (Kind::Opencode, "{env:X}", Some("X")),
            (Kind::Gemini, "$X", Some("X")),
            (Kind::ClaudeCode, "$X", None),
            (Kind::ClaudeCode, "${X:-d}", None),
            (Kind::ClaudeCode, "${HOME}", None),
            (Kind::ClaudeCode, "a${X}", None),
        ] {
            assert_eq!(
                surroundings(kind).only_variable(text).as_deref(),
                name,
                "{text}"
            );
        }
    }
}
