//! Checkpoints in files.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use toolvault_core::audit::checkpoint::Checkpoint;

use crate::failure::Failure;

/// The checkpoints in these files, and in the files of these directories.
pub(super) fn read_all(paths: &[PathBuf]) -> Result<Vec<Checkpoint>, Failure> {
    let mut checkpoints = Vec::new();
    for path in paths {
        if path.is_dir() {
            let files = files_of(path).map_err(|error| refused(path, &error))?;
            if files.is_empty() {
                return Err(refused(path, &"the directory has no checkpoints"));
            }
            for file in files {
                checkpoints.extend(read(&file)?);
            }
        } else {
            checkpoints.extend(read(path)?);
        }
    }
    Ok(checkpoints)
}

/// The files of a directory that are not hidden, in order.
fn files_of(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let is_hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
        if path.is_file() && !path.file_name().is_some_and(is_hidden) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The checkpoints in one file: at least one.
fn read(path: &Path) -> Result<Vec<Checkpoint>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| refused(path, &error))?;
    let checkpoints = serde_json::Deserializer::from_str(&text).into_iter();
    let checkpoints: Vec<Checkpoint> = checkpoints
        .collect::<Result<_, _>>()
        .map_err(|error| refused(path, &error))?;
    if checkpoints.is_empty() {
        return Err(refused(path, &"the file is empty"));
    }
    Ok(checkpoints)
}

fn refused(path: &Path, why: &dyn Display) -> Failure {
    let path = path.display();
    Failure::refused(format!("cannot use the checkpoint {path}: {why}"))
        .hint("a checkpoint is the output of: toolvault audit checkpoint")
}
