//! A server with its own vault, and HTTP callers.
//!
//! Start with [`World::start`]; [`World::operator`] and similar functions are the callers, [`Actor`] sends
//! requests, [`Answer`] is what they get.

mod actors;
mod answer;
mod clock;
mod provider;
mod request;
mod sessions;
mod tokens;
mod world;

pub(crate) use actors::{Actor, Rights};
pub(crate) use answer::Answer;
pub(crate) use provider::{ACCESS_TOKEN, AtIssuer, Provider};
pub(crate) use request::{exchange, exchange_without_body, read_answer, read_answers};
pub(crate) use sessions::{cookie_of, token_of};
pub(crate) use tokens::{ISSUER, claims_for, issuer_in, sign, sign_as, sign_as_stranger};
pub(crate) use world::{World, WorldSettings};
