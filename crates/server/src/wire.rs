//! Parses requests as `FastAPI` and pydantic v2 do: the same answers, and the same messages for the same mistakes.
//!
//! These are pure functions over header, query and body text. They may use `toolvault_core::json` and the input types
//! of the vault, but not axum. [`Body::read`] parses the body, [`Fields`] reads its members with the checks of
//! [`check`], [`Query`] reads the URL. All mistakes of a request end up in one [`ValidationErrors`].

mod body;
pub(crate) mod check;
#[cfg(test)]
mod corpus;
mod error;
mod fields;
mod identifier;
mod integer;
mod percent;
mod query;
mod secret;

pub(crate) use body::{Body, BodyError};
pub(crate) use error::{Problem, ValidationError, ValidationErrors};
pub(crate) use fields::Fields;
pub(crate) use identifier::identifier_in_path;
pub(crate) use query::Query;
pub(crate) use secret::{ListQuery, new_secret, secret_change};
