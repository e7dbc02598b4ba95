//! The socket through which local commands reach a running server.
//!
//! A command is one [`LocalCommand`], done by one function, [`execute()`]: in the process of the command
//! line if it holds the store itself, or behind this socket if a server does. The protocol is one line of
//! JSON for the command and one for the answer. Whoever may connect is as powerful as the root key, so
//! only the server's own user and root may.

mod answer;
mod client;
mod command;
mod execute;
mod listener;
mod lookup;
#[cfg(test)]
mod tests;

pub use self::answer::{LocalAnswer, LocalError, StoreReport, VerificationReport};
pub use self::client::{ControlError, call};
pub use self::command::{Checkpoint, KeyRequest, LocalCommand};
pub use self::execute::execute;
pub use self::listener::ControlSocket;

/// The name of the socket in the data directory.
pub const SOCKET_NAME: &str = "control.sock";
