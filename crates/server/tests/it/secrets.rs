//! `/v1/secrets`: the operations of the original API.

mod create;
mod display;
mod etag;
mod idempotency;
mod lengths;
mod list;
mod patch;
mod policy;
mod quota;
mod validation;
mod value;
mod versions;
mod wire;
