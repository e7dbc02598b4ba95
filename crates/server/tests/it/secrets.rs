//! `/v1/secrets`: the operations of the original API.

mod create;
mod display;
mod etag;
mod idempotency;
mod lengths;
mod list;
mod patch;
mod quota;
mod validation;
mod value;
mod wire;
