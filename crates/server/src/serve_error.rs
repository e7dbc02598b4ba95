//! Why the server cannot serve.

use std::net::SocketAddr;

use toolvault_gateway::http::HttpError;

use crate::entrance::GatewaySettingsError;
use crate::jwt::IssuerConfigError;
use crate::tls::TlsError;

/// Why the server cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The server cannot listen on the address.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Plain HTTP would be reachable from other machines.
    #[error(
        "refusing plain HTTP on {0}, which is not loopback: use --tls-cert and --tls-key, or --insecure-http behind a proxy"
    )]
    PlainHttp(SocketAddr),
    /// The certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An issuer of tokens cannot be used.
    #[error(transparent)]
    Issuer(#[from] IssuerConfigError),
    /// The other servers on the database cannot be reached with these settings.
    #[error("replica.url, replica.ca_file: {0}")]
    Replica(#[source] HttpError),
    /// The gateway's settings cannot be used.
    #[error(transparent)]
    Gateway(#[from] GatewaySettingsError),
}
