//! How the gateway is reached: under which names, with which credential, with how large a message, and the page on
//! which a person stores what a call lacked.
//!
//! [`relay`] holds what it answers to agents against a tool server that a test tells what to say: `listing`, `calling`,
//! `failing`, `redaction`, `repeats`, `credentials`, `sessions`, `expiry`, `tasks`, `news`, `missing`, `modern`,
//! `programs` and `together`.

mod calling;
mod challenge;
mod credentials;
mod expiry;
mod failing;
mod listing;
mod metadata;
mod missing;
mod modern;
mod names;
mod news;
mod page;
mod programs;
mod redaction;
mod relay;
mod repeats;
mod requests;
mod sessions;
mod tasks;
mod together;
