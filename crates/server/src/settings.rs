//! The settings of the server, filled by the command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use toolvault_gateway::GatewaySettings;

use crate::jwt::IssuerConfig;

/// Addresses, trust and limits of the server.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Certificate chain and key in PEM; `None` for plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Allows plain HTTP on an address that is not loopback.
    pub insecure_http: bool,
    /// A second address that serves `/metrics` only, without authentication.
    pub metrics_listen: Option<SocketAddr>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Limits of requests and connections.
    pub limits: RequestLimits,
    /// Issuers whose tokens are accepted.
    pub issuers: Vec<IssuerConfig>,
    /// The servers behind the gateway.
    pub gateway: GatewaySettings,
}

impl ServerSettings {
    /// For local commands without a server: no address, no issuer, no server behind the gateway.
    pub(crate) fn local() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            insecure_http: false,
            metrics_listen: None,
            trusted_proxies: Vec::new(),
            limits: RequestLimits::default(),
            issuers: Vec::new(),
            gateway: GatewaySettings::default(),
        }
    }
}

/// Certificate chain and private key, as files in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Limits of requests and connections.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestLimits {
    /// Largest body, in bytes.
    pub body_bytes: usize,
    /// Until the head of a request has arrived, in seconds.
    pub header_seconds: u64,
    /// Until the body of a request has arrived, for how long a client may take nothing of an answer, and for how
    /// long a connection of HTTP/2 may be idle, in seconds.
    pub body_seconds: u64,
    /// Connections at a time.
    pub connections: usize,
    /// Requests per second of one key or token; 0 for no limit.
    pub requests_per_second: u32,
    /// Credentials of one source that may fail in a minute before the source is told to wait. A valid
    /// credential is accepted all the same.
    pub sign_in_failures_per_minute: u32,
    /// Until the server has ended after it was told to stop, in seconds. Five sixths of it are for requests in flight.
    pub shutdown_seconds: u64,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            body_bytes: 256 << 10,
            header_seconds: 10,
            body_seconds: 30,
            connections: 1_024,
            requests_per_second: 0,
            sign_in_failures_per_minute: 600,
            shutdown_seconds: 30,
        }
    }
}

impl RequestLimits {
    pub(crate) fn header_timeout(&self) -> Duration {
        Duration::from_secs(self.header_seconds)
    }

    pub(crate) fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.body_seconds)
    }

    pub(crate) fn shutdown_timeout(&self) -> Duration {
        Duration::from_secs(self.shutdown_seconds)
    }

    /// How long requests in flight have; the rest of [`shutdown_timeout`](Self::shutdown_timeout) is for ending the
    /// gateway's programs.
    pub(crate) fn drain_timeout(&self) -> Duration {
        self.shutdown_timeout() * 5 / 6
    }
}
