//! How it is reached: the HTTP API, its limits, and the socket for local commands.
//!
//! Nothing is decided here: handlers read a request, call an operation of the vault, and write the answer.
//!
//! # Layout
//!
//! - `routes`: the whole URL table on one page; `api/`: one file per URL segment.
//! - `extract/`: who calls (before the body is read), and what they sent.
//! - `wire/`: requests as `FastAPI` and pydantic read them; `error`: the one error and its answers.
//! - `entrance`: under which names the gateway is reached.
//! - `jwt/`: tokens of configured issuers.
//! - `listener`, `tls`, `limits/`: connections, and how much to take from whom.
//! - [`control`]: the socket through which local commands reach a running server.
//! - `openapi`, `metrics`: what describes the API and what counts its use.

mod api;
mod app;
pub mod control;
mod entrance;
mod error;
mod extract;
mod jwt;
mod limits;
mod listener;
mod metrics;
mod openapi;
mod request_log;
mod routes;
mod serve_error;
mod settings;
mod tls;
mod wire;

pub use app::ServerHandle;
pub use entrance::GatewaySettingsError;
pub use jwt::{Algorithm, IssuerConfig, IssuerConfigError};
pub use listener::Server;
pub use openapi::document as openapi_document;
pub use serve_error::ServeError;
pub use settings::{RequestLimits, ServerSettings, TlsFiles};
