//! Finds the files of clients, in the home directory and in this folder.

use std::path::{Path, PathBuf};

use directories::BaseDirs;

use super::document::Document;
use crate::printer::{Printer, Table};

/// A client and its file.
type Place = (&'static str, &'static str);

const IN_HOME: [Place; 8] = [
    ("Claude Code", ".claude.json"),
    ("Codex", ".codex/config.toml"),
    ("Cursor", ".cursor/mcp.json"),
    ("Gemini CLI", ".gemini/settings.json"),
    ("opencode", ".config/opencode/opencode.json"),
    ("opencode", ".config/opencode/opencode.jsonc"),
    ("Windsurf", ".codeium/windsurf/mcp_config.json"),
    ("Zed", ".config/zed/settings.json"),
];

/// In the platform's directory for configuration.
const IN_CONFIGURATION: [Place; 2] = [
    ("Claude Desktop", "Claude/claude_desktop_config.json"),
    ("VS Code", "Code/User/mcp.json"),
];

const IN_PROJECT: [Place; 8] = [
    ("Claude Code", ".mcp.json"),
    ("Codex", ".codex/config.toml"),
    ("Cursor", ".cursor/mcp.json"),
    ("Gemini CLI", ".gemini/settings.json"),
    ("opencode", "opencode.json"),
    ("opencode", "opencode.jsonc"),
    ("VS Code", ".vscode/mcp.json"),
    ("Zed", ".zed/settings.json"),
];

/// A file with servers.
pub(crate) struct Found {
    pub(crate) client: &'static str,
    pub(crate) path: PathBuf,
    servers: usize,
    /// Whether it is in this folder, whose files may come from another person.
    is_of_project: bool,
}

impl Found {
    /// The file, as it is shown.
    pub(crate) fn file(&self) -> String {
        let from = if self.is_of_project {
            " (from this folder)"
        } else {
            ""
        };
        format!("{}{from}", self.path.display())
    }
}

/// The files that have servers. For one that is there and cannot be read, it prints a warning.
pub(crate) fn find(printer: &Printer) -> Vec<Found> {
    let mut found = Vec::new();
    let bases = BaseDirs::new();
    let home = bases.as_ref().map(BaseDirs::home_dir);
    if let Some(bases) = &bases {
        let home_dir = bases.home_dir();
        add(&mut found, home_dir, &IN_HOME, home, printer);
        let config_dir = bases.config_dir();
        add(&mut found, config_dir, &IN_CONFIGURATION, home, printer);
    }
    if let Ok(here) = std::env::current_dir()
        && Some(here.as_path()) != home
    {
        let of_home = found.len();
        add(&mut found, &here, &IN_PROJECT, home, printer);
        for one in found.iter_mut().skip(of_home) {
            one.is_of_project = true;
        }
    }
    found
}

fn add(
    found: &mut Vec<Found>,
    folder: &Path,
    places: &[Place],
    home: Option<&Path>,
    printer: &Printer,
) {
    for (client, name) in places {
        let path = folder.join(name);
        let servers = match Document::read(&path, home.map(Path::to_owned)) {
            Ok(document) => document.entries().len(),
            Err(failure) => {
                if !failure.is_not_found {
                    printer.error_line(&format!("warning: {failure}"));
                }
                0
            }
        };
        if servers > 0 {
            found.push(Found {
                client,
                path,
                servers,
                is_of_project: false,
            });
        }
    }
}

/// Prints them.
pub(crate) fn show(found: &[Found], printer: &Printer) -> std::io::Result<()> {
    let mut table = Table::new(&["CLIENT", "SERVERS", "FILE"]);
    for one in found {
        table.row([one.client, &one.servers.to_string(), &one.file()]);
    }
    printer.table(&table)
}
