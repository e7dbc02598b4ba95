//! The arguments of handlers: the caller, the host name they used, and what they sent.
//!
//! The caller is read from the head of the request, before the body: a handler with an argument of type
//! [`caller::Authenticated`] runs only for requests with a valid credential.

pub(crate) mod caller;
mod credential;
pub(crate) mod input;
pub(crate) mod reached;
pub(crate) mod session;
pub(crate) mod source;
