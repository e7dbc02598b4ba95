//! The HTTP API, its limits, and the API for local commands.
//!
//! Handlers read a request, call an operation of the vault, and write the answer. The vault makes all decisions.
//!
//! # Layout
//!
//! - `routes`: the whole URL table; `api/`: the handlers, one file per URL segment.
//! - `extract/`: the caller (known before the body is read), and what they sent.
//! - `wire/`: parses requests as `FastAPI` and pydantic do; `error`: the error type and its responses.
//! - `entrance`: the host names of the gateway.
//! - `ext_mcp/`: what another gateway asks about the messages that it relays, over gRPC.
//! - `forward/`: requests for what another server on the database has.
//! - `jwt/`: tokens of configured issuers.
//! - `listener`, `tls`, `limits/`: connections and rate limits.
//! - [`control`]: the same API for local commands, through a Unix socket or in their own process.
//! - `openapi`, `metrics`: the description of the API, and counts of its use.
//! - `jobs`: how backups and checkpoints went that the server writes regularly; `status`: the server at a glance.

mod api;
mod app;
pub mod control;
mod entrance;
mod error;
mod ext_mcp;
mod extract;
mod forward;
mod jobs;
mod jwt;
mod limits;
mod listener;
mod metrics;
mod oidc;
mod openapi;
mod reload;
mod request_log;
mod routes;
mod serve_error;
mod settings;
mod status;
mod tls;
mod wire;

pub use app::ServerHandle;
pub use entrance::GatewaySettingsError;
pub use jobs::{Alarms, Job, JobState, Jobs, Shipping};
pub use jwt::{Algorithm, IssuerConfig, IssuerConfigError};
pub use listener::{Prepared, Server, Workers};
pub use openapi::document as openapi_document;
pub use reload::{ReloadReport, ReloadRequest};
pub use serve_error::ServeError;
pub use settings::{
    DashboardSettings, ExtMcpSettings, ReplicaSettings, RequestLimits, ServerSettings, TlsFiles,
    TraceSettings,
};
pub use status::Status;
