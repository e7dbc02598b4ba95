//! Whether a file is kept by git, so that what stood in it stands in its history.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::environment::{API_KEY, API_KEY_FILE, ROOT_KEY};

/// Whether git tracks the file. Git is asked only where there is a repository.
pub(super) fn tracks(path: &Path) -> bool {
    let Ok(path) = std::fs::canonicalize(path) else {
        return false;
    };
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return false;
    };
    if !directory
        .ancestors()
        .any(|place| place.join(".git").exists())
    {
        return false;
    }
    let asked = Command::new("git")
        // A repository's own configuration is not to start a program.
        .args([
            "-c",
            "core.fsmonitor=false",
            "ls-files",
            "--error-unmatch",
            "--",
        ])
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
