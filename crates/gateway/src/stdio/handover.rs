//! What the server and our binary that sets up a sandbox have in common: mechanisms, paths, the first line and errors.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::concealed::Identity;

/// The binary that runs, even if another has been installed in its place.
pub(crate) const OWN_BINARY: &str = "/proc/self/exe";
/// The first line of output once the sandbox is set up.
pub(super) const DONE: &str = "toolvault: sandboxed";
/// What the first line begins with if that failed; the reason follows.
pub(super) const NOT_DONE: &str = "toolvault: not sandboxed: ";

/// A mechanism for sandboxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// A user and a mount namespace: concealed paths are empty.
    MountNamespace,
    /// Landlock: concealed paths, and what is made beside them later, cannot be opened.
    Landlock,
    /// Nothing.
    None,
}

impl Support {
    /// Its name on the command line, in logs and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MountNamespace => "mount-namespace",
            Self::Landlock => "landlock",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Support {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Support {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::MountNamespace, Self::Landlock]
            .into_iter()
            .find(|support| support.as_str() == text)
            .ok_or("one of mount-namespace and landlock")
    }
}

/// A file or directory to conceal: `<path>`, or `<device>:<inode>:<absolute path>` if it must be that very one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub(super) path: PathBuf,
    pub(super) identity: Option<Identity>,
}

impl Wanted {
    /// As an argument on the command line.
    pub(super) fn argument(path: &Path, identity: Identity) -> OsString {
        let mut argument = OsString::from(format!("{identity}:"));
        argument.push(path);
        argument
    }
}

impl From<OsString> for Wanted {
    fn from(argument: OsString) -> Self {
        let bytes = argument.as_bytes();
        let colon = bytes.windows(2).position(|pair| pair == b":/");
        let known = colon.and_then(|colon| {
            let identity = std::str::from_utf8(bytes.get(..colon)?).ok()?;
            let path = bytes.get(colon.checked_add(1)?..)?;
            Some((identity.parse().ok()?, path.to_vec()))
        });
        match known {
            Some((identity, path)) => Self {
                path: OsString::from_vec(path).into(),
                identity: Some(identity),
            },
            None => Self {
                path: argument.into(),
                identity: None,
            },
        }
    }
}

/// Why nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The system does not have this mechanism.
    #[error("{0} is not available")]
    Unavailable(Support),
    /// A step failed.
    #[error("cannot {step}")]
    Step {
        /// What was being done.
        step: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The command line names no program.
    #[error("there is no program to start")]
    NoProgram,
    /// The root directory is among the concealed paths.
    #[error("the root directory cannot be concealed")]
    Root,
    /// A path does not lead to what it did when the program was to be started.
    #[error("{} was moved or replaced just now", .0.display())]
    Moved(PathBuf),
    /// A concealed path can still be read.
    #[error("{} can still be read", .0.display())]
    Ineffective(PathBuf),
}

/// Names what was being done when `source` happened.
#[cfg(target_os = "linux")]
pub(super) fn step<E: Into<io::Error>>(step: impl Into<String>) -> impl FnOnce(E) -> SandboxError {
    let step = step.into();
    move |source| SandboxError::Step {
        step,
        source: source.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_as_they_are_written() {
        let identity = Identity::at(Path::new("/")).unwrap();
        for path in ["/a b", "/a:/b", "/"] {
            let wanted = Wanted::from(Wanted::argument(Path::new(path), identity));
            assert_eq!(wanted.path, Path::new(path));
            assert_eq!(wanted.identity, Some(identity));
        }
        for plain in ["/a b", "/1:2:/c", "a:/b", "1:2:c"] {
            let wanted = Wanted::from(OsString::from(plain));
            assert_eq!(
                (wanted.path.as_path(), wanted.identity),
                (Path::new(plain), None)
            );
        }
    }
}
