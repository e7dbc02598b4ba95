//! The relay between agents and the servers.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use toolvault_core::entropy::Entropy;
use toolvault_core::scope::Scope;
use toolvault_vault::{Caller, Clock, SecretInfo, Vault};
use zeroize::Zeroizing;

use crate::http::{HeaderMap, HttpError, Method, StatusCode};
use crate::settings::GatewaySettings;

/// The relay. Cheap to clone.
#[derive(Clone)]
#[expect(
    missing_debug_implementations,
    reason = "what it holds is confidential"
)]
pub struct Gateway;

/// What a client sent.
#[expect(missing_debug_implementations, reason = "a message may hold anything")]
pub struct McpRequest {
    /// Who sent it.
    pub caller: Caller,
    /// The server of `/mcp/{server}`; none for `/mcp`.
    pub server: Option<String>,
    /// GET, POST or DELETE.
    pub method: Method,
    /// The headers, without the caller's credentials.
    pub headers: HeaderMap,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
    /// Scheme and authority under which the client reached us.
    pub base_url: String,
}

/// What the client is answered.
#[expect(missing_debug_implementations, reason = "a message may hold anything")]
pub struct McpReply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: McpBody,
}

/// The body of an answer.
#[expect(missing_debug_implementations, reason = "a message may hold anything")]
pub enum McpBody {
    /// Nothing.
    Empty,
    /// All of it.
    Whole(Bytes),
    /// Events, one piece each.
    Stream(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

/// A secret that a call needed and nobody has set.
#[derive(Clone, Debug)]
pub struct PendingSecret {
    /// The server whose tool was called.
    pub server: String,
    /// The argument that wants it.
    pub argument: String,
    /// The name that the secret will have.
    pub secret_name: String,
    /// For how long it can still be set.
    pub expires_in: Duration,
}

/// Why a pending secret was not set.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// Unknown, used up, expired, or another user's.
    #[error("not found")]
    Unknown,
    /// The vault refused.
    #[error(transparent)]
    Vault(#[from] toolvault_vault::Error),
}

/// What the relay has done so far, and what it holds.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Open sessions.
    pub sessions: u64,
    /// Running programs.
    pub processes: u64,
    /// Tool calls by outcome.
    pub calls: Vec<(&'static str, u64)>,
    /// Values that were found in answers and replaced.
    pub redactions: u64,
    /// How long tool calls took.
    pub durations: Durations,
}

/// A histogram of durations.
#[derive(Clone, Debug, Default)]
pub struct Durations {
    /// The sum of all, in seconds.
    pub sum: f64,
    /// How many there were.
    pub count: u64,
    /// Upper bounds in seconds, ascending, each with how many lie under it but over the one before.
    pub buckets: Vec<(f64, u64)>,
}

impl Gateway {
    /// A relay to the servers of `settings`.
    pub fn new(
        _vault: Vault,
        _settings: GatewaySettings,
        _clock: Arc<dyn Clock>,
        _entropy: Arc<dyn Entropy>,
    ) -> Result<Self, HttpError> {
        Ok(Self)
    }

    /// Answers one request.
    #[expect(clippy::unused_async, reason = "the relay awaits its servers")]
    pub async fn handle(&self, request: McpRequest) -> McpReply {
        let status = if request.caller.scopes().contains(Scope::Use) {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::FORBIDDEN
        };
        McpReply {
            status,
            headers: HeaderMap::new(),
            body: McpBody::Empty,
        }
    }

    /// Takes other settings from here on.
    pub fn reload(&self, _settings: GatewaySettings) -> Result<(), HttpError> {
        Ok(())
    }

    /// Ends sessions and programs.
    #[expect(clippy::unused_async, reason = "the relay awaits its programs")]
    pub async fn close(&self) {}

    /// What the relay has done so far, and what it holds.
    pub fn figures(&self) -> Figures {
        Figures::default()
    }

    /// The secret that a call of this very user needed; none if it is not known any more.
    pub fn pending(&self, _caller: &Caller, _id: &str) -> Option<PendingSecret> {
        None
    }

    /// Sets it, once.
    #[expect(clippy::unused_async, reason = "the relay awaits the vault")]
    pub async fn set_pending(
        &self,
        _caller: &Caller,
        _id: &str,
        _value: Zeroizing<String>,
    ) -> Result<SecretInfo, SetError> {
        Err(SetError::Unknown)
    }
}
