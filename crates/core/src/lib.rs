//! The vocabulary and the cryptography of Toolvault, without side effects.
//!
//! Nothing here reads a clock, a file, a socket or a random source: time is an argument
//! ([`Timestamp`](timestamp::Timestamp)) and randomness is a trait ([`Entropy`](entropy::Entropy)).
//!
//! # Layout
//!
//! - [`identity`], [`timestamp`], [`scope`]: basic types.
//! - [`pattern`], [`binding`], [`ranking`]: which secret a tool's argument receives.
//! - [`reference`](mod@reference), [`json`], [`pointer`](mod@pointer), [`arguments`]: how a caller names a secret and a place in the
//!   arguments, and arguments that stay unchanged.
//! - [`canonical`](mod@canonical): the one spelling of a JSON document.
//! - [`conversion`]: text as another JSON type.
//! - [`policy`]: the conditions of a secret's use.
//! - [`confidential`], [`entropy`], [`envelope`], [`keyring`], [`user_keys`]: how a value is stored.
//! - [`terminal`], [`lookalike`]: text of others in a terminal, and what people do not see or take for something else.
//! - [`transcript`]: an unambiguous encoding for additional data, MACs and hashes.
//! - [`mask`], [`api_key`]: the masked form of a value, and API keys.
//! - [`sign_in`]: what a browser holds: a session, and the link that begins one.
//! - [`replica`]: what servers on one database tell each other.
//! - [`redaction`]: finds values in what a tool sends back.
//! - [`backup`]: the format of a backup file.
//! - [`client_key`]: the key with which an OAuth client proves who it is.
//! - [`signature_v4`]: the signature of a request to an S3-compatible store.
//! - [`webhook`]: the signature of a message to a receiver of alarms.
//! - [`audit`]: the chain of pages that records every change and use.

#![deny(missing_docs)]

pub mod api_key;
pub mod arguments;
pub mod audit;
pub mod backup;
pub mod binding;
pub mod canonical;
pub mod client_key;
pub mod confidential;
pub mod conversion;
pub mod digest;
pub mod entropy;
pub mod envelope;
pub mod identity;
pub mod json;
pub mod keyring;
pub mod lookalike;
pub mod mask;
pub mod pattern;
pub mod pointer;
pub mod policy;
pub mod ranking;
pub mod redaction;
pub mod reference;
pub mod replica;
pub mod scope;
pub mod sign_in;
pub mod signature_v4;
pub mod terminal;
pub mod timestamp;
pub mod transcript;
pub mod user_keys;
pub mod webhook;
