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
}

/// The files that have servers. One that cannot be read is left out.
pub(crate) fn find() -> Vec<Found> {
    let mut found = Vec::new();
    let bases = BaseDirs::new();
    let home = bases.as_ref().map(BaseDirs::home_dir);
    if let Some(bases) = &bases {
        add(&mut found, bases.home_dir(), &IN_HOME, home);
        add(&mut found, bases.config_dir(), &IN_CONFIGURATION, home);
    }
    if let Ok(here) = std::env::current_dir()
        && Some(here.as_path()) != home
    {
        add(&mut found, &here, &IN_PROJECT, home);
    }
    found
}

fn add(found: &mut Vec<Found>, folder: &Path, places: &[Place], home: Option<&Path>) {
    for (client, name) in places {
        let path = folder.join(name);
        let document = Document::read(&path, home.map(Path::to_owned));
        let servers = document.map_or(0, |document| document.entries().len());
        if servers > 0 {
            found.push(Found {
                client,
                path,
                servers,
            });
        }
    }
}

/// Prints them.
pub(crate) fn show(found: &[Found], printer: &Printer) -> std::io::Result<()> {
    let mut table = Table::new(&["CLIENT", "SERVERS", "FILE"]);
    for one in found {
        let file = one.path.display().to_string();
        table.row([one.client, &one.servers.to_string(), &file]);
    }
    printer.table(&table)
}
