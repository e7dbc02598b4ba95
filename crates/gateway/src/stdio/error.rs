//! Why a program was not started.

use std::io;
use std::path::PathBuf;

use super::concealed::ConcealError;

/// Why a program was not started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    /// There is no such program.
    #[error("cannot start '{program}': not found")]
    NotFound {
        /// As it was configured.
        program: String,
    },
    /// What has that name is not a program.
    #[error("cannot start '{program}': it is not executable")]
    NotExecutable {
        /// As it was configured.
        program: String,
    },
    /// Its working directory is not a directory.
    #[error("cannot start '{program}' in {}", directory.display())]
    Directory {
        /// As it was configured.
        program: String,
        /// As it was configured.
        directory: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The system refused.
    #[error("cannot start '{program}'")]
    Start {
        /// As it was configured.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The sandbox is on, and the system has no mechanism for it.
    #[error(
        "cannot start '{program}': this system has neither user namespaces nor Landlock for a sandbox, and the sandbox is on"
    )]
    NoSandbox {
        /// As it was configured.
        program: String,
    },
    /// Something that it must not read cannot be concealed.
    #[error("cannot start '{program}': {reason}")]
    Conceal {
        /// As it was configured.
        program: String,
        /// What, and what to do.
        reason: ConcealError,
    },
    /// The sandbox failed.
    #[error("cannot start '{program}': {reason}")]
    Sandbox {
        /// As it was configured.
        program: String,
        /// Why.
        reason: String,
    },
}
