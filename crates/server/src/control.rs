//! The socket through which local commands reach a running server.
//!
//! A command is one [`LocalCommand`], done by one function, [`execute()`]: in the process of the command
//! line if it holds the store itself, or behind this socket if a server does. The protocol is one line for
//! the command, which begins with a token and is JSON behind it, and one of JSON for the answer. Whoever
//! is let in is as powerful as the root key, so only the server's own user and root are, and only if they can read the
//! data directory too.

mod answer;
mod client;
mod command;
mod execute;
mod listener;
mod lookup;
#[cfg(test)]
mod tests;
mod token;

pub use self::answer::{LocalAnswer, LocalError, StoreReport, VerificationReport};
pub use self::client::{ControlError, call};
pub use self::command::{Checkpoint, KeyRequest, LocalCommand};
pub use self::execute::execute;
pub use self::listener::ControlSocket;

/// The name of the socket in the data directory.
pub const SOCKET_NAME: &str = "control.sock";
