//! What handlers take: who calls, under which name, and what they sent.
//!
//! The caller is read from the head of the request, before the body: an argument of type
//! [`caller::Authenticated`] cannot be had from a request without a valid credential.

pub(crate) mod caller;
pub(crate) mod input;
pub(crate) mod reached;
pub(crate) mod source;
