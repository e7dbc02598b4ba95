//! Programs on this machine that speak MCP over their standard input and output.
//!
//! [`launch`] starts one, [`process`] is the handle to it; [`input`] and [`output`] carry messages, one a line. [`group`]
//! makes sure that nothing of a program is left behind. [`concealed`] remembers what no program may read. [`mod@sandbox`] is
//! the other side: our own binary, started once more, confines itself and then becomes the program; [`handover`] is what
//! both sides know. This module knows nothing of MCP or secrets.

mod backoff;
mod concealed;
mod environment;
mod error;
mod exit;
mod group;
mod handover;
mod input;
mod launch;
mod output;
mod process;
mod program;
mod sandbox;
mod support;
#[cfg(test)]
mod tests;

pub use self::environment::is_inherited;
pub use self::handover::{SandboxError, Support, Wanted};
pub use self::program::program_fault;
pub use self::sandbox::{Confinement, confine_and_run, map_parent, probe};
pub use self::support::sandbox_support;

pub(crate) use self::backoff::Backoff;
pub(crate) use self::concealed::Concealed;
pub(crate) use self::error::LaunchError;
pub(crate) use self::handover::OWN_BINARY;
pub(crate) use self::launch::{GRACE, Launch};
pub(crate) use self::output::{Edges, Line, Output, StderrChunk};
pub(crate) use self::process::Process;
