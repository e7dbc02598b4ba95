//! The gateway settings for reaching it: allowed hosts, the public URL and the largest message. Parsed once.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use toolvault_gateway::GatewaySettings;
use toolvault_gateway::mcp::GatewayError;

/// The default ports of http and https.
const OWN_PORTS: [u16; 2] = [80, 443];
const LONGEST_NAME: usize = 253;

/// Why the gateway's settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GatewaySettingsError {
    /// An entry of `allowed_hosts` is not a host.
    #[error("gateway.allowed_hosts: '{0}' is not a host, or a host and a port")]
    AllowedHost(String),
    /// `public_url` is not an HTTP URL.
    #[error("gateway.public_url: '{0}' is not http:// or https://, a host, and perhaps a path")]
    PublicUrl(String),
    /// The gateway refuses the settings.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
}

/// Under which names the gateway can be reached, and how large a message may be.
pub(crate) struct Entrance {
    allowed: Vec<Authority>,
    public_url: Option<BaseUrl>,
    /// Largest message, in bytes.
    pub(crate) message_bytes: usize,
}

impl Entrance {
    /// Reads the settings.
    pub(crate) fn new(settings: &GatewaySettings) -> Result<Self, GatewaySettingsError> {
        let mut allowed = settings
            .allowed_hosts
            .iter()
            .map(|text| {
                Authority::parse(text)
                    .ok_or_else(|| GatewaySettingsError::AllowedHost(text.clone()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let public_url = match &settings.public_url {
            None => None,
            Some(text) => {
                let refused = || GatewaySettingsError::PublicUrl(text.clone());
                let (url, authority) = BaseUrl::parse(text).ok_or_else(refused)?;
                allowed.push(authority);
                Some(url)
            }
        };
        Ok(Self {
            allowed,
            public_url,
            message_bytes: settings.limits.message_bytes,
        })
    }

    /// Whether the operator allowed this host.
    pub(crate) fn allows(&self, host: &Authority) -> bool {
        self.allowed.contains(host)
    }

    /// The base of the URLs that clients receive; `None` for the host that the client used itself.
    pub(crate) fn public_url(&self) -> Option<&BaseUrl> {
        self.public_url.as_ref()
    }
}

/// The base of the gateway's URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    /// Scheme and authority.
    pub(crate) origin: String,
    /// Empty, or a path that begins with a slash and does not end with one.
    pub(crate) path: String,
}

impl BaseUrl {
    fn parse(text: &str) -> Option<(Self, Authority)> {
        let begin = text.find("://")? + "://".len();
        let end = text
            .get(begin..)?
            .find('/')
            .map_or(text.len(), |length| begin + length);
        let (origin, path) = text.split_at_checked(end)?;
        let authority = Authority::of_origin(origin)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
        let url = Self {
            origin: origin.to_owned(),
            path: path.trim_end_matches('/').to_owned(),
        };
        path.bytes().all(is_plain).then_some((url, authority))
    }
}

impl std::fmt::Display for BaseUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}{}", self.origin, self.path)
    }
}

/// A host with an optional port, as in `Host`, in an origin and in the configuration.
///
/// The parser is strict on purpose. It refuses what a browser would never send, so a text that passed a comparison here
/// cannot mean something else to a later parser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authority {
    host: Host,
    /// `None` for the default ports.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    /// In lower case.
    Name(String),
}

impl Authority {
    /// Parses `host` or `host:port`; an IPv6 address must be in brackets.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']')?;
            let address: Ipv6Addr = address.parse().ok()?;
            (Host::Address(address.to_canonical()), port)
        } else {
            let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            (name(host)?, port)
        };
        let port = match port {
            "" => None,
            port => Some(number(port.strip_prefix(':')?)?),
        };
        Some(Self {
            host,
            port: port.filter(|port| !OWN_PORTS.contains(port)),
        })
    }

    /// The authority of an origin (RFC 6454) with the scheme http or https.
    pub(crate) fn of_origin(text: &str) -> Option<Self> {
        let authority = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))?;
        Self::parse(authority)
    }

    /// `None` for the default ports.
    pub(crate) fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether it names this machine's loopback interface, at any port.
    pub(crate) fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Address(address) => address.is_loopback(),
            Host::Name(name) => name == "localhost",
        }
    }

    /// Whether it is this address, at any port.
    pub(crate) fn is_address(&self, address: IpAddr) -> bool {
        self.host == Host::Address(address.to_canonical())
    }
}

fn name(text: &str) -> Option<Host> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(Host::Address(address.into()));
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    (text.len() <= LONGEST_NAME && text.split('.').all(is_label))
        .then(|| Host::Name(text.to_ascii_lowercase()))
}

fn number(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}
