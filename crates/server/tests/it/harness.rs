//! A server on a vault of its own, and callers who speak HTTP to it.
//!
//! Start with [`World::start`]; [`World::operator`] and its neighbours are the callers, [`Actor`] says what
//! they can send, [`Answer`] what they get.

mod actors;
mod answer;
mod clock;
mod request;
mod tokens;
mod world;

pub(crate) use actors::{Actor, Rights};
pub(crate) use answer::Answer;
pub(crate) use request::{exchange, exchange_without_body, read_answer, read_answers};
pub(crate) use tokens::{ISSUER, claims_for, issuer_in, sign, sign_as_stranger};
pub(crate) use world::World;
