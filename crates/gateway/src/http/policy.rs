//! What a [`GuardedClient`](super::GuardedClient) may do: where to, how long, how much.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use super::address;
use super::error::HttpError;

/// The rules of one client. The default reaches public addresses over https only.
#[derive(Clone, Debug)]
pub struct HttpPolicy {
    /// Time for one TCP and TLS handshake.
    pub connect_timeout: Duration,
    /// Time from the look-up of the name to the last byte of the answer, or to the end of its head if it
    /// is read as it comes.
    pub total_timeout: Duration,
    /// Of an answer that is read as it comes, the longest wait for its next bytes; `None` for no limit.
    pub silence_timeout: Option<Duration>,
    /// Most bytes of an answer's body; one more is [`HttpError::TooLarge`].
    pub max_body_bytes: usize,
    /// Whether addresses of private networks and of this machine may be connected to.
    ///
    /// It admits RFC 1918, RFC 6598 (shared), unique local and loopback addresses. Link-local ones,
    /// where clouds serve machine credentials, stay refused, and so do all reserved ranges.
    pub allow_private_network: bool,
    /// Whether http, without TLS, may leave this machine.
    pub allow_plain_http: bool,
    /// A PEM file of certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
}

impl Default for HttpPolicy {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(30),
            silence_timeout: None,
            max_body_bytes: 1 << 20,
            allow_private_network: false,
            allow_plain_http: false,
            ca_file: None,
        }
    }
}

impl HttpPolicy {
    /// The parsed `url`, if a request to it could start under this policy.
    ///
    /// A host name is not looked up: its addresses are judged when they are connected to.
    pub fn check(&self, url: &str) -> Result<Url, HttpError> {
        let url = Url::parse(url).map_err(|_| HttpError::InvalidUrl)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(HttpError::UnsupportedScheme);
        }
        self.check_host(&url, url.scheme() == "https")?;
        Ok(url)
    }

    /// Whether a connection to the host of `url` could start under this policy.
    pub(crate) fn check_host(&self, url: &Url, is_encrypted: bool) -> Result<(), HttpError> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(HttpError::UserInfo);
        }
        let host = url.host_str().ok_or(HttpError::InvalidUrl)?;
        let literal = literal_address(host);
        if !is_encrypted && !self.allow_plain_http && !is_on_this_machine(url) {
            return Err(HttpError::PlainHttp);
        }
        // The transport connects to a literal address without asking the resolver.
        if literal.is_some_and(|address| !address::is_allowed(address, self.allow_private_network))
        {
            return Err(HttpError::ForbiddenAddress);
        }
        Ok(())
    }
}

/// Whether its host is this machine: a loopback address, or a name that means one.
pub fn is_on_this_machine(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        literal_address(host).map_or_else(|| address::is_localhost(host), address::is_loopback)
    })
}

/// The address that the host of a parsed URL spells; `0x7f.1` and the like are normalised by then.
fn literal_address(host: &str) -> Option<IpAddr> {
    bare_host(host).parse().ok()
}

/// The host of a URL without the brackets of an IPv6 address.
pub(crate) fn bare_host(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(host)
}
