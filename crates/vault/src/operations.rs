//! The operations, one file for each kind of object. Each one authorises, loads, acts, records and commits.

pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod authentication;
mod canaries;
pub(crate) mod connections;
pub(crate) mod credentials;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod forwarding;
pub(crate) mod gateway_tasks;
pub(crate) mod injection;
pub(crate) mod keys;
mod names;
pub(crate) mod pins;
pub(crate) mod policy;
pub(crate) mod resolve;
pub(crate) mod root_key;
pub(crate) mod secrets;
pub(crate) mod sessions;
pub(crate) mod status;
pub(crate) mod usage;
pub(crate) mod user_keys;
pub(crate) mod users;
pub(crate) mod uses;
pub(crate) mod versions;
