//! Where a program is.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::error::LaunchError;
use crate::settings::{Part, StdioServer, Template};

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

/// Why the program of a server cannot be started, if it could not be started now by a process with these variables. A server
/// whose own `PATH` is a secret's is not judged.
pub fn program_fault(server: &StdioServer, inherited: &[(String, String)]) -> Option<String> {
    let ours = inherited.iter().find(|(name, _)| name == "PATH");
    let search = match server.env.get("PATH") {
        Some(own) => literal(own)?,
        None => ours.map_or("", |(_, value)| value.as_str()),
    };
    let program = server.command.first().map_or("", String::as_str);
    find(program, search).err().map(|error| error.to_string())
}

/// The text of a template without references.
fn literal(template: &Template) -> Option<&str> {
    match template.parts() {
        [] => Some(""),
        [Part::Text(text)] => Some(text),
        _ => None,
    }
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
    fn a_servers_own_search_path_counts_before_ours() {
        let fault = |own: Option<&str>, ours: &str| {
            let own = own.map(|text| ("PATH".to_owned(), Template::parse(text).unwrap()));
            let server = StdioServer {
                command: vec!["sh".to_owned(), "-c".to_owned()],
                env: own.into_iter().collect(),
                directory: None,
            };
            program_fault(&server, &[("PATH".to_owned(), ours.to_owned())])
        };
        let missing = Some("cannot start 'sh': not found".to_owned());
        assert_eq!(fault(None, "/bin"), None);
        assert_eq!(fault(None, "/nowhere"), missing);
        assert_eq!(fault(Some("/bin"), "/nowhere"), None);
        assert_eq!(fault(Some("/nowhere"), "/bin"), missing);
        assert_eq!(fault(Some(""), "/bin"), missing);
        assert_eq!(fault(Some("{{ secret://path }}:/bin"), "/nowhere"), None);
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
