//! The handlers, one file per URL segment. Each file has the types of requests and answers, then the handlers in the
//! order list, read, create, update, delete.

pub(crate) mod approvals;
mod asset;
pub(crate) mod audit;
pub(crate) mod connections;
pub(crate) mod dashboard;
pub(crate) mod documents;
pub(crate) mod gateway;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod local;
pub(crate) mod mcp;
pub(crate) mod mcp_secrets;
pub(crate) mod me;
pub(crate) mod pending_secrets;
pub(crate) mod pins;
pub(crate) mod policy;
pub(crate) mod protected_resource;
pub(crate) mod secrets;
pub(crate) mod session;
pub(crate) mod tools;
pub(crate) mod users;
pub(crate) mod uses;
pub(crate) mod values;
pub(crate) mod versions;

use serde::Serialize;
use toolvault_core::timestamp::{SECOND, Timestamp, TimestampError};
use utoipa::ToSchema;

use crate::wire::Problem;

/// An empty object.
#[derive(Serialize, ToSchema)]
pub(crate) struct Nothing {}

/// A moment in a query or a body.
pub(crate) fn moment(text: &str) -> Result<Timestamp, Problem> {
    text.parse().map_err(|error| match error {
        TimestampError::NoOffset => {
            Problem::new("timezone_aware", "Input should have timezone info")
        }
        TimestampError::NoDateTime => {
            Problem::new("datetime_parsing", "Input should be a valid datetime")
        }
    })
}

/// Seconds as the unit of [`Timestamp`].
pub(crate) const fn seconds(seconds: i64) -> i64 {
    seconds.saturating_mul(SECOND)
}
