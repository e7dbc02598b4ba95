//! The settings of the server, set by the command line.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use axum::extract::Request;
use ipnet::IpNet;
use serde::Deserialize;
use toolvault_core::confidential::Wiped;
use toolvault_core::timestamp::SECOND;
use toolvault_gateway::GatewaySettings;
use toolvault_gateway::traces::Counts;
use toolvault_vault::SessionLimits;

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
    /// Where another gateway asks about the messages that it relays; `None` if none does.
    pub ext_mcp: Option<ExtMcpSettings>,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Limits of requests and connections.
    pub limits: RequestLimits,
    /// The dashboard and its sessions.
    pub dashboard: DashboardSettings,
    /// Issuers whose tokens are accepted.
    pub issuers: Vec<IssuerConfig>,
    /// The servers of the gateway.
    pub gateway: GatewaySettings,
    /// How the other servers on the database reach this one; `None` if they do not.
    pub replica: Option<ReplicaSettings>,
    /// The traces that are sent; `None` without a collector.
    pub traces: Option<TraceSettings>,
}

impl ServerSettings {
    /// Where people on this machine reach the server; `None` if it does not listen at a known port.
    pub fn base_url(&self) -> Option<String> {
        if let Some(url) = &self.gateway.public_url {
            return Some(url.trim_end_matches('/').to_owned());
        }
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let mut address = self.listen;
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        (address.port() != 0).then(|| format!("{scheme}://{address}"))
    }

    /// For local commands without a server: no address, no issuers, no gateway servers.
    pub(crate) fn local() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            insecure_http: false,
            metrics_listen: None,
            ext_mcp: None,
            trusted_proxies: Vec::new(),
            limits: RequestLimits::default(),
            dashboard: DashboardSettings::default(),
            issuers: Vec::new(),
            gateway: GatewaySettings::default(),
            replica: None,
            traces: None,
        }
    }
}

/// Where another gateway asks about the messages that it relays.
#[derive(Clone)]
pub struct ExtMcpSettings {
    /// The address.
    pub listen: SocketAddr,
    /// What the other gateway proves itself with. Whoever has it and a caller's credential reads the values that the
    /// caller may use.
    pub token: Wiped<String>,
}

impl std::fmt::Debug for ExtMcpSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ExtMcpSettings")
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

/// Traces that are sent to a collector.
#[derive(Clone, Debug)]
pub struct TraceSettings {
    /// Whether a request continues the trace that its header `traceparent` names.
    pub continues: bool,
    /// What became of the spans, for the metrics.
    pub counts: Counts,
}

impl TraceSettings {
    /// The `traceparent` of a request that continues a trace. Whoever reads it must check it.
    pub(crate) fn parent<'a>(&self, request: &'a Request) -> Option<&'a str> {
        let parent = request.headers().get("traceparent")?;
        parent.to_str().ok().filter(|_| self.continues)
    }
}

/// How the servers on one database reach each other.
#[derive(Clone, Debug)]
pub struct ReplicaSettings {
    /// The URL of this server for the others: a scheme, a host, and perhaps a path.
    pub url: String,
    /// Certificates, in PEM, to trust for the others in addition to the system's.
    pub ca_file: Option<PathBuf>,
}

/// Certificate chain and private key, as files in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The dashboard and its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DashboardSettings {
    /// Whether it is served, and sessions are accepted.
    pub enabled: bool,
    /// A session without a request for so long ends, in minutes.
    pub idle_minutes: u32,
    /// How long a session lasts at most, in hours.
    pub session_hours: u32,
}

impl Default for DashboardSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            idle_minutes: 30,
            session_hours: 12,
        }
    }
}

impl DashboardSettings {
    pub(crate) fn session_limits(self) -> SessionLimits {
        let minutes = |minutes: i64| minutes.saturating_mul(60 * SECOND);
        SessionLimits {
            idle: minutes(self.idle_minutes.into()),
            total: minutes(i64::from(self.session_hours) * 60),
        }
    }
}

/// Limits of requests and connections.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestLimits {
    /// Largest body, in bytes.
    pub body_bytes: usize,
    /// The time for the head of a request to arrive, in seconds.
    pub header_seconds: u64,
    /// The time for the body of a request to arrive, for a client to receive some part of an answer, and for an HTTP/2
    /// connection to be idle, in seconds.
    pub body_seconds: u64,
    /// How many connections may be open.
    pub connections: usize,
    /// Requests per second of one key or token; 0 for no limit.
    pub requests_per_second: u32,
    /// How many credentials of one source may fail per minute before it must wait. Valid credentials are accepted even
    /// then.
    pub sign_in_failures_per_minute: u32,
    /// The time for the server to stop, in seconds. Five sixths of it are for requests in flight.
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

    /// The time for requests in flight. The rest of [`shutdown_timeout`](Self::shutdown_timeout) is for stopping the
    /// gateway's programs.
    pub(crate) fn drain_timeout(&self) -> Duration {
        self.shutdown_timeout() * 5 / 6
    }
}
