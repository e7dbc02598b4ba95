//! Every operation of the vault, on SQLite and on PostgreSQL, from one body.
//!
//! `scripts/with-postgres cargo test -p toolvault-vault` supplies the server. Without it the tests on
//! PostgreSQL fail, unless `TOOLVAULT_TEST_SKIP_POSTGRES=1` skips them.
//!
//! [`harness`] creates a store for each test. A module tests one kind of object or one guarantee.

#[cfg(test)]
#[macro_use]
mod harness;

#[cfg(test)]
mod alarms;
#[cfg(test)]
mod approvals;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod audit_list;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod backup_check;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod canary_secrets;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod checkpoints;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod delegation;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod gateway_tasks;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod injection;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod names;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod people;
#[cfg(test)]
mod pins;
#[cfg(test)]
mod pointers;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod prune;
#[cfg(test)]
mod quota;
#[cfg(test)]
mod recheck;
#[cfg(test)]
mod replicas;
#[cfg(test)]
mod resolve;
#[cfg(test)]
mod resolve_refusals;
#[cfg(test)]
mod root_key;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod ship;
#[cfg(test)]
mod status;
#[cfg(test)]
mod tampering;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod tool_calls;
#[cfg(test)]
mod trail;
#[cfg(test)]
mod update;
#[cfg(test)]
mod user_keys;
#[cfg(test)]
mod users;
#[cfg(test)]
mod uses;
#[cfg(test)]
mod versions;
