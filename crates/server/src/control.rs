//! The API for local commands: the routes of the network API, with the rights of the root key.
//!
//! A local command is an ordinary request. If a server has the store open, the request goes through the Unix socket in
//! its data directory: [`ControlSocket`] serves it, [`ask`] and [`open`] send to it. Otherwise the command opens the store and its
//! own process answers: [`OwnStore`].
//!
//! The rights come from the transport, never from the content of a request. Only these two transports mark a request as
//! local. The socket does so only for the server's own user and root, and only with the token that the server wrote to
//! the data directory.

mod answer;
mod client;
mod gate;
mod own_store;
mod socket;
#[cfg(test)]
mod tests;
mod token;

pub use axum::http::{Request, Response};

pub use self::answer::Answer;
pub use self::client::{ControlError, ask, open};
pub use self::own_store::OwnStore;
pub use self::socket::ControlSocket;

/// The name of the socket in the data directory.
pub const SOCKET_NAME: &str = "control.sock";
