//! The operations on users, secrets and keys. Each one authorises, loads, acts, records and commits.
//!
//! Code outside this crate cannot reach a ciphertext or a table, so it cannot bypass authorisation or the audit trail.
//!
//! # Layout
//!
//! - [`Vault`]: opens the store. Each file of `operations/` adds the operations on one kind of object.
//! - [`Caller`]: the caller and their rights. Every operation takes one.
//! - [`RootKeySource`], [`Settings`], [`Clock`]: what a vault is opened with.
//! - `writer/`: group commit, with an audit page for each group.
//! - `backup`: the whole store as one stream, and a store from it.
//! - `journal`: the records of uses until the writer saves them in a page.
//! - `cache/`, `channel`: data that may be used without reading the database, and for how long.
//! - `store/`: all SQL.

#![deny(missing_docs)]

mod backup;
mod cache;
mod caller;
mod changes;
mod channel;
mod clock;
mod connection;
mod error;
mod journal;
mod key;
mod operations;
mod root_key;
mod search;
mod secret;
mod settings;
mod setup;
mod shared;
mod store;
mod user;
mod vault;
mod version;
mod writer;

pub use backup::restore::{Keys, RestoreError, Restored, restore};
pub use backup::{Backup, Contents, Piece, Table};
pub use caller::{Caller, OnBehalf, Token};
pub use changes::Changed;
pub use channel::Replica;
pub use clock::{Clock, SystemClock, SystemEntropy};
pub use connection::{Client, Connection};
pub use error::{BoxError, Denial, Error, NeededApproval, Problem};
pub use key::KeyInfo;
pub use operations::approvals::{
    Approval, ApprovalDecision, ApprovalList, ApprovalState, Asked, AskedCall, Waiting,
};
pub use operations::audit::{
    ALARMS_KEPT, AuditFilter, AuditPage, Evidence, Fault, Progress, Pruned, PrunedPart, Reader,
    RecordedPage, ShippingStatus, Unshipped, Verification,
};
pub use operations::connections::refresh::{Lease, NewTokens, RefreshEnd, RefreshLease};
pub use operations::connections::{ConnectionStamp, Disconnected, OpenConnection};
pub use operations::credentials::{CredentialStamp, Credentials};
pub use operations::doctor::Diagnosis;
pub use operations::explain::{Candidate, Explained, Explanation, Near};
pub use operations::forwarding::{ForwardError, Forwarded};
pub use operations::gateway_tasks::TaskAt;
pub use operations::injection::{RepeatedValue, ToolCall};
pub use operations::keys::{IssuedKey, KeyChange, LONGEST_OVERLAP, NewKey};
pub use operations::pins::{MOST_TOOL_PINS, PinnedTexts, SeenTool, ToolChange, ToolPin};
pub use operations::policy::list::PolicyInfo;
pub use operations::resolve::value::AppliedValue;
pub use operations::resolve::within::Within;
pub use operations::resolve::{Applied, Approved, Call, Completed, Injected, Source};
pub use operations::secrets::{
    Field, ListFilter, NewSecret, SecretAnswer, SecretChange, SecretList,
};
pub use operations::sessions::{SessionLimits, SignedIn};
pub use operations::status::StoreStatus;
pub use operations::usage::{DueSecrets, Usage};
pub use operations::user_keys::{RotationBegun, RotationPortion, RotationPosition};
pub use operations::users::UserChange;
pub use operations::uses::{LastUse, SecretUse, SecretUses};
pub use operations::versions::VersionInfo;
pub use root_key::{RootKeyError, RootKeySource};
pub use search::search;
pub use secret::SecretInfo;
pub use settings::{Consistency, DatabaseLocation, DatabaseUrl, Durability, Limits, Settings};
pub use setup::{FirstKeys, OpenError};
pub use store::hosts::Tried;
pub use store::lead::{Lead, LeadHolder};
pub use store::open_database_error::OpenDatabaseError;
pub use user::{Origin, UserInfo};
pub use vault::{Opened, Vault};

/// The target of the spans that are sent as traces. They hold no value, and no name with a value in it.
pub const SPANS: &str = "toolvault_traces";
