//! Whether a file is under version control, so that what is in it reaches others.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::environment::{API_KEY, API_KEY_FILE, ROOT_KEY};

/// How far a file is under version control.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Versioned {
    /// It is not: no repository has it, or it is ignored.
    No,
    /// The next commit of all files would take it.
    Next,
    /// What was in it is in the history.
    Tracked,
}

/// Folders of version control whose programs are not asked.
const OTHERS: [&str; 3] = [".hg", ".jj", ".svn"];

/// How the file is kept. Git is asked only where there is a repository.
pub(super) fn versioned(path: &Path) -> Versioned {
    let Ok(path) = std::fs::canonicalize(path) else {
        return Versioned::No;
    };
    let Some(directory) = path.parent() else {
        return Versioned::No;
    };
    let has = |name: &str| directory.ancestors().any(|place| place.join(name).exists());
    if has(".git") {
        if lists(&path, &["--cached"]) {
            return Versioned::Tracked;
        }
        if lists(&path, &["--others", "--exclude-standard"]) {
            return Versioned::Next;
        }
    }
    if OTHERS.iter().any(|name| has(name)) {
        return Versioned::Next;
    }
    Versioned::No
}

/// Whether `git ls-files` with these options names the file.
fn lists(path: &Path, options: &[&str]) -> bool {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return false;
    };
    let asked = Command::new("git")
        // A repository's own configuration must not start a program.
        .args(["-c", "core.fsmonitor=false", "ls-files", "--error-unmatch"])
        .args(options)
        .arg("--")
        .arg(name)
        .current_dir(directory)
        .env_remove(API_KEY)
        .env_remove(API_KEY_FILE)
        .env_remove(ROOT_KEY)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}
