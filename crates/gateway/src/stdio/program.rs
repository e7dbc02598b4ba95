//! Where a program is.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::launch::LaunchError;

/// Where a program is: what a path says, taken from where we run, or the first of its name on `search`, the value of
/// the program's own `PATH`. Only absolute directories are searched.
pub(super) fn find(program: &str, search: &str) -> Result<PathBuf, LaunchError> {
    let not_found = || LaunchError::NotFound {
        program: program.to_owned(),
    };
    if program.is_empty() {
        return Err(not_found());
    }
    if program.contains('/') {
        let path = std::path::absolute(program).map_err(|_unusable| not_found())?;
        return match kind(&path) {
            Kind::Program => Ok(path),
            Kind::Other => Err(LaunchError::NotExecutable {
                program: program.to_owned(),
            }),
            Kind::Nothing => Err(not_found()),
        };
    }
    let mut is_there = false;
    for directory in std::env::split_paths(search).filter(|directory| directory.is_absolute()) {
        let path = directory.join(program);
        match kind(&path) {
            Kind::Program => return Ok(path),
            Kind::Other => is_there = true,
            Kind::Nothing => {}
        }
    }
    if is_there {
        return Err(LaunchError::NotExecutable {
            program: program.to_owned(),
        });
    }
    Err(not_found())
}

enum Kind {
    Program,
    Other,
    Nothing,
}

fn kind(path: &Path) -> Kind {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 => {
            Kind::Program
        }
        Ok(_) => Kind::Other,
        Err(_) => Kind::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(program: &str, search: &str) -> String {
        match find(program, search) {
            Ok(path) => path.display().to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn programs_are_found_by_path_or_on_the_search_path() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().to_str().unwrap();
        let program = place.path().join("tool");
        std::fs::write(&program, "").unwrap();
        let search = format!("relative::/nowhere:{directory}:/bin");
        assert_eq!(
            answer("tool", &search),
            "cannot start 'tool': it is not executable"
        );
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(answer("tool", &search), program.display().to_string());
        assert_eq!(
            answer(&format!("{directory}/tool"), ""),
            program.display().to_string()
        );
        assert_eq!(
            answer(directory, ""),
            format!("cannot start '{directory}': it is not executable")
        );
        assert_eq!(answer("sh", "/bin"), "/bin/sh");
    }

    #[test]
    fn what_is_not_there_is_named() {
        assert_eq!(answer("tool", ""), "cannot start 'tool': not found");
        assert_eq!(answer("./tool", "/bin"), "cannot start './tool': not found");
        assert_eq!(answer("", "/bin"), "cannot start '': not found");
        assert_eq!(
            answer("sh -c x", "/bin"),
            "cannot start 'sh -c x': not found"
        );
    }
}
