//! Programs on this machine that speak MCP over their standard input and output.
//!
//! [`launch`] starts one, [`process`] is the handle to it; [`input`] and [`output`] carry messages, one a line. [`group`]
//! sees to it that nothing of a program is left behind. [`mod@shut_in`] is the other side: our own binary, started once more, takes
//! from itself what the program must not read and then becomes the program. This module knows nothing of MCP or secrets.

mod backoff;
mod concealed;
mod ending;
mod environment;
mod group;
mod input;
mod launch;
mod output;
mod place;
mod process;
mod program;
mod shut_in;
mod support;
#[cfg(test)]
mod tests;

pub use self::environment::is_inherited;
pub use self::program::program_fault;
pub use self::shut_in::{ShutIn, ShutInError, map_parent, probe, shut_in};
pub use self::support::{Support, sandbox_support};

pub(crate) use self::backoff::Backoff;

pub(crate) use self::launch::{GRACE, Launch, LaunchError, OWN_BINARY};
pub(crate) use self::output::{Edges, Line, Output, StderrChunk};
pub(crate) use self::process::Process;
