//! All SQL. One text serves SQLite and PostgreSQL.
//!
//! [`database`] opens and migrates, on PostgreSQL at one of several [`hosts`]. [`transaction`] has the macro that runs
//! one query body with either driver. [`given`] runs statements on many rows. [`dialect`] has the few differences, and
//! [`disk`] tells why the embedded database cannot be written to. [`backup`] copies whole tables. Each other file is one
//! table and its neighbours: row, reads, writes. Lookups return `Option`; the operation decides whether absence is an
//! error.

pub(crate) mod api_keys;
pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod audit_cut;
pub(crate) mod audit_shipped;
pub(crate) mod backup;
pub(crate) mod client_registrations;
pub(crate) mod connections;
pub(crate) mod database;
pub(crate) mod dialect;
mod directory;
pub(crate) mod disk;
pub(crate) mod doctor;
pub(crate) mod ended_sign_ins;
pub(crate) mod gateway_tasks;
pub(crate) mod given;
pub(crate) mod hosts;
pub(crate) mod idempotent_answers;
pub(crate) mod installation;
pub(crate) mod lead;
pub(crate) mod open_database_error;
pub(crate) mod secrets;
pub(crate) mod session_generations;
pub(crate) mod tool_pins;
pub(crate) mod transaction;
pub(crate) mod users;
pub(crate) mod versions;
pub(crate) mod wanted;
