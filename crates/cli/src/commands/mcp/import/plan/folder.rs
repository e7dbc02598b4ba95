//! The folder that a client starts a program in, which the gateway starts it in as well.

use std::path::{Path, PathBuf};

use super::of_client;
use crate::commands::mcp::import::client::{Folder, Kind, Surroundings};
use crate::commands::mcp::import::left::{Left, Text};

/// Ends of file names. A word that ends so and is no absolute path is a file in the folder.
const FILES: [&str; 22] = [
    "cjs", "csproj", "csv", "cts", "db", "js", "jar", "json", "jsonl", "mjs", "mts", "phar", "php",
    "pl", "py", "rb", "sh", "sqlite", "toml", "ts", "yaml", "yml",
];

/// Where a program starts; `None` if that does not matter to it.
pub(super) fn directory(
    command: &[String],
    own: Option<&Text>,
    surroundings: &Surroundings,
) -> Result<Option<String>, Left> {
    let program = command.first().map_or("", String::as_str);
    if is_of_windows(program) {
        return Err("its program has a path of Windows, which this machine does not have".into());
    }
    let directory = match (own, &surroundings.folder) {
        (Some(own), _) => Some(own_directory(own, surroundings)?),
        (None, Folder::Project(project)) => Some(project.clone()),
        (None, Folder::Beside(parent)) if command.iter().any(|word| is_file_in(parent, word)) => {
            Some(parent.clone())
        }
        (None, _) => None,
    };
    let Some(directory) = directory else {
        let relative = command
            .iter()
            .enumerate()
            .find(|(place, word)| is_relative(word, *place == 0));
        return match relative {
            Some((_, word)) => Err(format!(
                "'{word}' depends on the folder that its client starts it in, which the file does not say; make it an absolute path, or add cwd"
            )
            .into()),
            None => Ok(None),
        };
    };
    if !directory.is_dir() {
        let shown = directory.display();
        return Err(format!("the folder that it starts in is not there: {shown}").into());
    }
    match directory.to_str() {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err("the path of the folder that it starts in is not UTF-8".into()),
    }
}

/// The folder that the client's file names.
fn own_directory(own: &Text, surroundings: &Surroundings) -> Result<PathBuf, Left> {
    let filled = surroundings.fill_in(own).map_err(of_client)?;
    if is_of_windows(&filled) {
        return Err(
            "the folder that it starts in has a path of Windows, which this machine does not have"
                .into(),
        );
    }
    let path = match (filled.strip_prefix('~'), &surroundings.home) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            home.join(rest.trim_start_matches('/'))
        }
        _ => PathBuf::from(filled.as_str()),
    };
    let absolute = match &surroundings.folder {
        _ if path.is_absolute() => path,
        // It would be resolved in the folder in which Codex itself was started.
        Folder::Project(project) if surroundings.kind != Kind::Codex => project.join(path),
        Folder::Beside(parent) => parent.join(path),
        _ => {
            return Err(format!(
                "its cwd '{}' depends on the folder that its client was started in; make it an absolute path",
                filled.as_str()
            )
            .into());
        }
    };
    // Without the `.` and `..` in it where that is possible.
    Ok(std::fs::canonicalize(&absolute).unwrap_or(absolute))
}

fn is_file_in(folder: &Path, word: &str) -> bool {
    let path = Path::new(word);
    !word.is_empty() && path.is_relative() && folder.join(path).exists()
}

/// Whether a word names a file in the folder that the program starts in.
fn is_relative(word: &str, is_program: bool) -> bool {
    // The value of an option may be in the same word.
    let word = word.split_once('=').map_or(word, |(_, value)| value);
    let path = Path::new(word);
    let is_other = word.is_empty()
        || path.is_absolute()
        || word.starts_with(['-', '@', '~'])
        || word.contains([':', ';', '&', '|']);
    let has_ending = path
        .extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| FILES.contains(&extension));
    !is_other && (word.starts_with('.') || has_ending || (is_program && word.contains('/')))
}

fn is_of_windows(path: &str) -> bool {
    let drive = path.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    (drive
        && path
            .get(1..3)
            .is_some_and(|rest| matches!(rest, ":\\" | ":/")))
        || path.starts_with("\\\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_name_files_of_the_folder_are_told() {
        for word in [
            ".",
            "..",
            "./run",
            "../x",
            ".env",
            "server/main.py",
            "dist/index.js",
            "--config=./x",
            "app.jar",
        ] {
            assert!(is_relative(word, false), "{word}");
        }
        assert!(is_relative("bin/server", true));
        for word in [
            "/srv/main.py",
            "ghcr.io/team/server",
            "mcp/git",
            "@scope/server.js",
            "--flag",
            "https://h.example/x.json",
            "/a/config.yaml:/b/config.yaml",
            "start",
            "source /srv/env && python3 /srv/server.py",
            "",
        ] {
            assert!(!is_relative(word, false), "{word}");
        }
    }
}
