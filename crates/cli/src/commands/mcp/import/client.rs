//! Which client a file belongs to, and in which folder it starts programs.

mod variables;

use std::path::{Path, PathBuf};

pub(super) use self::variables::Surroundings;

/// A client, as far as its files differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    ClaudeCode,
    ClaudeDesktop,
    Codex,
    Cursor,
    Gemini,
    Opencode,
    VsCode,
    Windsurf,
    Zed,
    Other,
}

/// Where a client starts the programs of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Folder {
    /// In this folder of a project.
    Project(PathBuf),
    /// In the project that is open, or in a place that the client does not promise.
    Open,
    /// Unknown; the file is in this folder.
    Beside(PathBuf),
}

/// Folders of a project that hold a client's file.
const OF_PROJECTS: [&str; 7] = [
    ".codex",
    ".cursor",
    ".gemini",
    ".opencode",
    ".vscode",
    ".windsurf",
    ".zed",
];

impl Kind {
    /// The client that reads the file at `path`, with these names at its top.
    pub(super) fn of(path: &Path, names: &[String]) -> Self {
        let file = name_of(Some(path));
        let folder = name_of(path.parent());
        let has = |name: &str| names.iter().any(|other| other == name);
        match (file, folder) {
            ("claude_desktop_config.json", _) => Self::ClaudeDesktop,
            (".mcp.json" | ".claude.json", _) => Self::ClaudeCode,
            (_, ".cursor") => Self::Cursor,
            (_, ".gemini") => Self::Gemini,
            (_, ".vscode" | "User") => Self::VsCode,
            (_, ".zed" | "zed") => Self::Zed,
            ("mcp_config.json", _) | (_, ".windsurf" | "windsurf") => Self::Windsurf,
            ("opencode.json" | "opencode.jsonc", _) | (_, ".opencode") => Self::Opencode,
            _ if has("mcp_servers") => Self::Codex,
            _ if has("context_servers") => Self::Zed,
            _ if has("servers") => Self::VsCode,
            _ => Self::Other,
        }
    }

    /// Whether it replaces variables in the words of a command. The others hand them over as they are.
    pub(super) fn fills_in_words(self) -> bool {
        !matches!(self, Self::ClaudeDesktop | Self::Codex | Self::Zed)
    }

    /// The variable `name`, as the client spells it.
    pub(super) fn variable(self, name: &str) -> String {
        match self {
            Self::Cursor | Self::VsCode | Self::Windsurf => format!("${{env:{name}}}"),
            Self::Opencode => format!("{{env:{name}}}"),
            _ => format!("${{{name}}}"),
        }
    }
}

impl Folder {
    /// Where the client starts the programs of the file at `path`, which is absolute.
    pub(super) fn of(kind: Kind, path: &Path, home: Option<&Path>) -> Self {
        let parent = path.parent().unwrap_or(path);
        let above = parent.parent().filter(|above| Some(*above) != home);
        match kind {
            Kind::ClaudeDesktop => Self::Open,
            Kind::ClaudeCode if name_of(Some(path)) == ".mcp.json" => {
                Self::Project(parent.to_owned())
            }
            Kind::Opencode
                if name_of(Some(parent)) != "opencode"
                    && !name_of(Some(parent)).starts_with('.') =>
            {
                Self::Project(parent.to_owned())
            }
            _ if OF_PROJECTS.contains(&name_of(Some(parent))) => {
                above.map_or(Self::Open, |above| Self::Project(above.to_owned()))
            }
            Kind::Other => Self::Beside(parent.to_owned()),
            _ => Self::Open,
        }
    }
}

fn name_of(path: Option<&Path>) -> &str {
    path.and_then(Path::file_name)
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paths, a name at the top of the file, the client, and the project that it starts programs in.
    const FILES: [(&str, &str, Kind, Option<&str>); 15] = [
        (
            "/srv/app/.mcp.json",
            "mcpServers",
            Kind::ClaudeCode,
            Some("/srv/app"),
        ),
        (
            "/home/me/.claude.json",
            "mcpServers",
            Kind::ClaudeCode,
            None,
        ),
        (
            "/srv/app/.cursor/mcp.json",
            "mcpServers",
            Kind::Cursor,
            Some("/srv/app"),
        ),
        (
            "/home/me/.cursor/mcp.json",
            "mcpServers",
            Kind::Cursor,
            None,
        ),
        (
            "/srv/app/.vscode/mcp.json",
            "servers",
            Kind::VsCode,
            Some("/srv/app"),
        ),
        (
            "/home/me/.config/Code/User/mcp.json",
            "servers",
            Kind::VsCode,
            None,
        ),
        (
            "/home/me/.codeium/windsurf/mcp_config.json",
            "mcpServers",
            Kind::Windsurf,
            None,
        ),
        (
            "/srv/app/.gemini/settings.json",
            "mcpServers",
            Kind::Gemini,
            Some("/srv/app"),
        ),
        (
            "/home/me/.codex/config.toml",
            "mcp_servers",
            Kind::Codex,
            None,
        ),
        (
            "/srv/app/.codex/config.toml",
            "mcp_servers",
            Kind::Codex,
            Some("/srv/app"),
        ),
        (
            "/home/me/.config/zed/settings.json",
            "context_servers",
            Kind::Zed,
            None,
        ),
        (
            "/srv/app/.zed/settings.json",
            "context_servers",
            Kind::Zed,
            Some("/srv/app"),
        ),
        (
            "/srv/app/opencode.jsonc",
            "mcp",
            Kind::Opencode,
            Some("/srv/app"),
        ),
        (
            "/home/me/.config/opencode/opencode.json",
            "mcp",
            Kind::Opencode,
            None,
        ),
        (
            "/srv/x/claude_desktop_config.json",
            "mcpServers",
            Kind::ClaudeDesktop,
            None,
        ),
    ];

    #[test]
    fn files_are_told_by_their_place_and_by_what_they_hold() {
        let home = Some(Path::new("/home/me"));
        for (path, name, kind, project) in FILES {
            assert_eq!(
                Kind::of(Path::new(path), &[name.to_owned()]),
                kind,
                "{path}"
            );
            let folder = project.map_or(Folder::Open, |project| Folder::Project(project.into()));
            assert_eq!(Folder::of(kind, Path::new(path), home), folder, "{path}");
        }
        let path = Path::new("/srv/app/x.json");
        assert_eq!(Kind::of(path, &["mcpServers".to_owned()]), Kind::Other);
        assert_eq!(
            Folder::of(Kind::Other, path, home),
            Folder::Beside("/srv/app".into())
        );
    }
}
