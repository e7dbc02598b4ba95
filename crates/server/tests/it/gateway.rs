//! Reaching the gateway: host names, credentials, message sizes, and the page on which a user stores a missing
//! secret.
//!
//! [`relay`] connects agents with a scripted tool server, for `listing`, `calling`,
//! `pins`, `pointers`, `explaining`, `overview`, `failing`, `redaction`, `repeats`, `credentials`, `sessions`, `expiry`, `tasks`, `news`,
//! `missing`, `modern`, `oauth`, `secure`,
//! `programs` and `together`.

mod approvals;
mod calling;
mod challenge;
mod credentials;
mod expiry;
mod explaining;
mod failing;
mod listing;
mod metadata;
mod missing;
mod modern;
mod names;
mod news;
mod oauth;
mod overview;
mod page;
mod pins;
mod pointers;
mod programs;
mod redaction;
pub(crate) mod relay;
mod repeats;
mod requests;
mod secure;
mod sessions;
mod tasks;
mod together;
