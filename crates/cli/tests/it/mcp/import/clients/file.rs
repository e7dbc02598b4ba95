//! A client's file, read without any of the code that is tested.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::room::Room;

/// A file in the place where its client reads it.
pub(super) struct ClientFile {
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// The project that is open, if the file is part of one.
    pub(super) project: Option<PathBuf>,
    /// The keys in it.
    pub(super) keys: Vec<String>,
    whole: Value,
}

/// The names of the files below a folder, in order.
pub(super) fn all(data: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap() != "expected.txt" {
                names.push(
                    path.strip_prefix(data)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned(),
                );
            }
        }
    }
    names.sort_unstable();
    names
}

/// Where a client reads a file with this name in the data, below the project or the home.
fn place(client: &str, name: &str) -> (&'static str, bool) {
    let is_project = name.starts_with("project/");
    match (client, is_project) {
        ("claude-code", _) if name.ends_with("/.mcp.json") => (".mcp.json", true),
        ("claude-code", _) => (".claude.json", false),
        ("claude-desktop", _) => (".config/Claude/claude_desktop_config.json", false),
        ("codex", _) => (".codex/config.toml", is_project),
        ("cursor", _) => (".cursor/mcp.json", is_project),
        ("gemini", _) => (".gemini/settings.json", is_project),
        ("opencode", true) if ends_as(name, "jsonc") => ("opencode.jsonc", true),
        ("opencode", true) => ("opencode.json", true),
        ("opencode", false) => (".config/opencode/opencode.json", false),
        ("vscode", _) => (".vscode/mcp.json", true),
        ("windsurf", true) => (".windsurf/mcp_config.json", true),
        ("windsurf", false) => (".codeium/windsurf/mcp_config.json", false),
        ("zed", true) => (".zed/settings.json", true),
        ("zed", false) => (".config/zed/settings.json", false),
        _ => panic!("{client} has no place"),
    }
}

impl ClientFile {
    pub(super) fn read(client: &str, data: &Path, name: &str, room: &Room) -> Self {
        let text = std::fs::read_to_string(data.join(name)).unwrap();
        // Version control makes line ends equal.
        let text = if name.contains("-crlf.") {
            text.replace('\n', "\r\n")
        } else {
            text
        };
        let keys = text
            .split('⟦')
            .skip(1)
            .map(|rest| rest.split('⟧').next().unwrap().replace('·', ""));
        let keys = keys.collect();
        let text = room.with_places(&text.replace(['⟦', '⟧', '·'], ""));
        let (place, is_project) = place(client, name);
        let folder = if is_project {
            room.project()
        } else {
            room.home()
        };
        Self {
            path: folder.join(place),
            project: is_project.then(|| room.project()),
            whole: parsed(&text, place),
            text,
            keys,
        }
    }

    /// It as it is now.
    pub(super) fn again(file: &Self) -> Self {
        let text = std::fs::read_to_string(&file.path).unwrap();
        Self {
            path: file.path.clone(),
            project: file.project.clone(),
            whole: parsed(&text, file.path.to_str().unwrap()),
            text,
            keys: file.keys.clone(),
        }
    }

    /// What it says about a server.
    pub(super) fn server(&self, name: &str) -> &Value {
        self.find(name)
            .unwrap_or_else(|| panic!("{name} is not in {}", self.text))
            .0
    }

    /// The folder of the project in which Claude Code has the server.
    pub(super) fn folder_of(&self, name: &str) -> Option<PathBuf> {
        self.find(name).unwrap().1.or_else(|| self.project.clone())
    }

    fn find(&self, name: &str) -> Option<(&Value, Option<PathBuf>)> {
        let tables = [
            "/mcpServers",
            "/servers",
            "/context_servers",
            "/mcp/servers",
            "/mcp",
            "/mcp_servers",
        ];
        let tables = tables
            .iter()
            .filter_map(|place| Some((self.whole.pointer(place)?, None)));
        let projects = self.whole["projects"].as_object().into_iter().flatten();
        let projects =
            projects.map(|(path, project)| (&project["mcpServers"], Some(PathBuf::from(path))));
        tables
            .chain(projects)
            .find_map(|(table, folder)| Some((table.get(name)?, folder)))
    }

    /// No key that was in a server is in the file or the configuration.
    pub(super) fn assert_no_key_of(&self, server: &str, file: &str, configuration: &str) {
        let spelled = self.server(server).to_string();
        for key in self
            .keys
            .iter()
            .filter(|key| spelled.contains(key.as_str()))
        {
            assert!(!file.contains(key.as_str()), "{server}: {file}");
            assert!(
                !configuration.contains(key.as_str()),
                "{server}: {configuration}"
            );
        }
    }

    /// Its comments, in order.
    pub(super) fn comments(&self) -> Vec<String> {
        if self.path.extension().unwrap() == "toml" {
            let comments = self.text.lines().filter_map(|line| line.split_once('#'));
            let mut comments: Vec<String> = comments
                .map(|(_, comment)| comment.trim().to_owned())
                .collect();
            // Those inside a server may move to its first line.
            comments.sort_unstable();
            return comments;
        }
        pieces(&self.text).1
    }
}

fn ends_as(name: &str, extension: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|own| own == extension)
}

fn parsed(text: &str, name: &str) -> Value {
    let text = text.trim_start_matches('\u{feff}');
    if ends_as(name, "toml") {
        let table: toml::Table = text
            .parse()
            .unwrap_or_else(|error| panic!("{error}: {text}"));
        return serde_json::to_value(table).unwrap();
    }
    let plain = pieces(text).0;
    serde_json::from_str(&plain).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The text as plain JSON, and its comments.
fn pieces(text: &str) -> (String, Vec<String>) {
    let (mut plain, mut comments) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = if letter == '"' {
            let mut is_escaped = false;
            let end = rest[1..].find(|letter| {
                let is_end = letter == '"' && !is_escaped;
                is_escaped = letter == '\\' && !is_escaped;
                is_end
            });
            let length = end.unwrap() + 2;
            plain.push_str(&rest[..length]);
            length
        } else if rest.starts_with("//") || rest.starts_with("/*") {
            let mark = if rest.starts_with("//") { "\n" } else { "*/" };
            let length = rest.find(mark).unwrap_or(rest.len());
            comments.push(rest[2..length].trim().to_owned());
            length + if mark == "*/" { 2 } else { 0 }
        } else {
            if matches!(letter, '}' | ']') {
                let end = plain.trim_end().trim_end_matches(',').len();
                plain.truncate(end);
            }
            plain.push(letter);
            letter.len_utf8()
        };
        rest = &rest[length..];
    }
    (plain, comments)
}
