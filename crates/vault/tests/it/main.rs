//! Every operation of the vault, on SQLite and on PostgreSQL, from one body.
//!
//! `scripts/with-postgres cargo test -p toolvault-vault` supplies the server. Without one the halves on
//! PostgreSQL fail, unless `TOOLVAULT_TEST_SKIP_POSTGRES=1` says that they are to be skipped.
//!
//! [`harness`] makes a store for each test; a module is one noun or one promise.

#[macro_use]
mod harness;

mod audit;
mod audit_list;
mod canary;
mod concurrency;
mod delegation;
mod explain;
mod faults;
mod idempotency;
mod keys;
mod opening;
mod policy;
mod quota;
mod replicas;
mod resolve;
mod resolve_refusals;
mod rotation;
mod secrets;
mod tampering;
mod tokens;
mod trail;
mod update;
mod users;
mod versions;
