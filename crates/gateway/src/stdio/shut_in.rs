//! What our own binary does between its start and becoming a program: it takes from itself what the program must not read.
//!
//! It is a process of its own with one thread, because only such a one can enter a user namespace, and because nothing may run
//! between fork and exec without `unsafe`. [`paths`] says what is to be concealed; [`namespace`] or [`landlock`] conceals it.
//! On systems other than Linux there is nothing to conceal with.
//!
//! # Security
//!
//! It keeps a program from reading files, by whatever path. It does not contain a program that is hostile through and through:
//! one that runs as the same user can still change that user's other files, send signals, or ask others to run something for it.
//! Another hard link of a concealed file is another file to it, and so is what replaces a concealed file later
//! (`Process::is_shut_in`). Before version 9, Landlock does not keep it from connecting to a socket in a concealed directory;
//! our own server's asks for what is written in a file beside it.

#[cfg(target_os = "linux")]
mod aliases;
#[cfg(target_os = "linux")]
mod landlock;
#[cfg(target_os = "linux")]
mod namespace;
#[cfg(target_os = "linux")]
mod paths;
#[cfg(target_os = "linux")]
mod process;

use std::convert::Infallible;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use super::support::Support;

/// What to shut in, and with what.
#[derive(Clone, Debug)]
pub struct ShutIn {
    /// What to use. There is no second choice: that is made before.
    pub with: Support,
    /// What cannot be read afterwards.
    pub concealed: Vec<PathBuf>,
}

/// Why nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum ShutInError {
    /// This system has no such thing.
    #[error("{0} is not available")]
    Unavailable(Support),
    /// A step did not work.
    #[error("cannot {step}")]
    Step {
        /// What was being done.
        step: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no program to become.
    #[error("there is no program to start")]
    NoProgram,
    /// What is to be concealed holds everything.
    #[error("the root directory cannot be concealed")]
    Root,
    /// It can still be read.
    #[error("what was concealed can still be read")]
    Ineffective,
}

/// What was being done when `source` happened.
#[cfg(target_os = "linux")]
fn step<E: Into<io::Error>>(step: impl Into<String>) -> impl FnOnce(E) -> ShutInError {
    let step = step.into();
    move |source| ShutInError::Step {
        step,
        source: source.into(),
    }
}

/// Shuts this process in and becomes the program, whose path comes first in `command`.
///
/// Returns only if that failed; the process is then of no further use. On standard output one line says how it went before
/// the program is begun.
#[cfg(target_os = "linux")]
pub fn shut_in(wanted: &ShutIn, command: &[OsString]) -> Result<Infallible, ShutInError> {
    use super::support::{DONE, NOT_DONE};
    let prepared = command
        .split_first()
        .ok_or(ShutInError::NoProgram)
        .and_then(|program| process::detach().map(|()| program))
        .and_then(|program| conceal(wanted).map(|()| program));
    match prepared {
        Ok((program, arguments)) => {
            process::say(DONE)?;
            process::become_program(program, arguments)
        }
        Err(error) => {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
            process::say(&format!("{NOT_DONE}{error}{}", source.unwrap_or_default()))?;
            Err(error)
        }
    }
}

/// Shuts this process in and says whether what `witness` holds, which is concealed and not empty, cannot be read afterwards.
#[cfg(target_os = "linux")]
pub fn probe(wanted: &ShutIn, witness: &std::path::Path) -> Result<(), ShutInError> {
    let before = std::fs::read(witness).map_err(step("read the witness before it is concealed"))?;
    process::detach()?;
    conceal(wanted)?;
    match std::fs::read(witness) {
        Ok(after) if after == before => Err(ShutInError::Ineffective),
        // What is concealed is gone, closed or empty.
        _ => Ok(()),
    }
}

/// Gives the parent process, which has entered a user namespace and waits, the users and groups that we have: what
/// [`shut_in`] asks another process of our binary for when it runs as root.
#[cfg(target_os = "linux")]
pub fn map_parent() -> Result<(), ShutInError> {
    namespace::map_parent()
}

#[cfg(target_os = "linux")]
fn conceal(wanted: &ShutIn) -> Result<(), ShutInError> {
    let places = paths::to_conceal(&wanted.concealed)?;
    rustix::thread::set_no_new_privs(true).map_err(step("give up new privileges"))?;
    match wanted.with {
        Support::MountNamespace => namespace::conceal(&places)?,
        Support::Landlock => landlock::conceal(&places)?,
        Support::None => return Err(ShutInError::Unavailable(wanted.with)),
    }
    process::die_with_parent()
}

/// There is nothing to shut in with on this system.
#[cfg(not(target_os = "linux"))]
pub fn shut_in(wanted: &ShutIn, _command: &[OsString]) -> Result<Infallible, ShutInError> {
    Err(ShutInError::Unavailable(wanted.with))
}

/// There is nothing to shut in with on this system.
#[cfg(not(target_os = "linux"))]
pub fn probe(wanted: &ShutIn, _witness: &std::path::Path) -> Result<(), ShutInError> {
    Err(ShutInError::Unavailable(wanted.with))
}

/// There are no user namespaces on this system.
#[cfg(not(target_os = "linux"))]
pub fn map_parent() -> Result<(), ShutInError> {
    Err(ShutInError::Unavailable(Support::MountNamespace))
}
