//! What our own binary does between its start and becoming a program: it takes from itself what the program must not read.
//!
//! It is a process of its own with one thread: only such a process can enter a user namespace, and between fork and exec no
//! code may run without `unsafe`. [`paths`] finds what to conceal; [`namespace`] or [`landlock`] conceals it. Where they
//! can, both allow rather than forbid: a directory around a concealed path keeps only the entries that it has now
//! ([`closed`]). Other systems than Linux have no mechanism.
//!
//! # Security
//!
//! It keeps a program from reading files, whatever the program renames or links. A file that takes the place of a concealed
//! one later is out of reach with Landlock and in a closed directory; elsewhere the server stops the program before its next
//! message. It does not contain a hostile program: one that runs as the same user can change that user's other
//! files, send signals, or ask another process to run something for it. Before version 9, Landlock does not prevent
//! connections to a socket in a concealed directory, so our own control socket asks for a token from a file beside it.

#[cfg(target_os = "linux")]
mod aliases;
#[cfg(target_os = "linux")]
mod closed;
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
use std::path::Path;

#[cfg(target_os = "linux")]
use super::handover::{DONE, NOT_DONE, step};
use super::handover::{SandboxError, Support, Wanted};

/// What to conceal, and with what.
#[derive(Clone, Debug)]
pub struct Confinement {
    /// The mechanism. It is chosen before; there is no fallback.
    pub with: Support,
    /// What cannot be read afterwards.
    pub concealed: Vec<Wanted>,
}

/// Confines this process and becomes the program, whose path comes first in `command`.
///
/// Returns only on failure; the process is then of no further use. Before the program starts, one line on standard output
/// tells the outcome.
#[cfg(target_os = "linux")]
pub fn confine_and_run(
    confinement: &Confinement,
    command: &[OsString],
) -> Result<Infallible, SandboxError> {
    let prepared = command
        .split_first()
        .ok_or(SandboxError::NoProgram)
        .and_then(|program| process::detach().map(|()| program))
        .and_then(|program| confine(confinement).map(|()| program));
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

/// Confines this process and tells whether the content of `witness`, a concealed file that is not empty, is out of reach.
#[cfg(target_os = "linux")]
pub fn probe(confinement: &Confinement, witness: &Path) -> Result<(), SandboxError> {
    let before = std::fs::read(witness).map_err(step("read the witness before it is concealed"))?;
    process::detach()?;
    confine(confinement)?;
    match std::fs::read(witness) {
        Ok(after) if after == before => Err(SandboxError::Ineffective(witness.to_owned())),
        _ => Ok(()),
    }
}

/// Gives the parent process, which has entered a user namespace and waits, the users and groups that we have.
/// [`confine_and_run`] needs it as root and starts our binary once more for it.
#[cfg(target_os = "linux")]
pub fn map_parent() -> Result<(), SandboxError> {
    namespace::map_parent()
}

#[cfg(target_os = "linux")]
fn confine(confinement: &Confinement) -> Result<(), SandboxError> {
    let plan = paths::plan(&confinement.concealed)?;
    rustix::thread::set_no_new_privs(true).map_err(step("give up new privileges"))?;
    match confinement.with {
        Support::MountNamespace => namespace::conceal(&plan)?,
        Support::Landlock => landlock::conceal(&plan)?,
        Support::None => return Err(SandboxError::Unavailable(confinement.with)),
    }
    process::die_with_parent()
}

#[cfg(not(target_os = "linux"))]
pub fn confine_and_run(
    confinement: &Confinement,
    _command: &[OsString],
) -> Result<Infallible, SandboxError> {
    Err(SandboxError::Unavailable(confinement.with))
}

#[cfg(not(target_os = "linux"))]
pub fn probe(confinement: &Confinement, _witness: &Path) -> Result<(), SandboxError> {
    Err(SandboxError::Unavailable(confinement.with))
}

#[cfg(not(target_os = "linux"))]
pub fn map_parent() -> Result<(), SandboxError> {
    Err(SandboxError::Unavailable(Support::MountNamespace))
}
