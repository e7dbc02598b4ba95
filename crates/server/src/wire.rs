//! Requests as `FastAPI` and pydantic v2 read them: the same answers, the same words for the same mistakes.
//!
//! Pure functions over header, query and body text; may use `toolvault_core::json` and
//! what the vault takes, never axum.
//! [`Body::read`] takes the body apart, [`Fields`] reads its members with the checks of [`check`],
//! [`Query`] reads the URL, and every mistake of a request ends in one [`ValidationErrors`].

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
