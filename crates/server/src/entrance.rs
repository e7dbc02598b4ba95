//! What of the gateway's settings concerns how it is reached: under which names, and with how large a message.

use toolvault_gateway::GatewaySettings;
use toolvault_gateway::mcp::GatewayError;

use crate::extract::authority::Authority;

/// Why the gateway's settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GatewaySettingsError {
    /// A host is none.
    #[error("gateway.allowed_hosts: '{0}' is not a host, or a host and a port")]
    AllowedHost(String),
    /// The URL cannot be one of ours.
    #[error("gateway.public_url: '{0}' is not http:// or https://, a host, and perhaps a path")]
    PublicUrl(String),
    /// The gateway refuses them.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
}

/// Under which names, and with how large a message, the gateway is reached.
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

    /// Whether the operator named this host.
    pub(crate) fn allows(&self, host: &Authority) -> bool {
        self.allowed.contains(host)
    }

    /// What the URLs that clients are told begin with; none for what they themselves asked for.
    pub(crate) fn public_url(&self) -> Option<&BaseUrl> {
        self.public_url.as_ref()
    }
}

/// What the URLs of the gateway begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    /// Scheme and authority.
    pub(crate) origin: String,
    /// Empty, or begins with a slash and does not end with one.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn entrance(hosts: &[&str], url: Option<&str>) -> Result<Entrance, GatewaySettingsError> {
        Entrance::new(&GatewaySettings {
            allowed_hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
            public_url: url.map(str::to_owned),
            ..GatewaySettings::default()
        })
    }

    #[test]
    fn what_is_no_host_is_refused_rather_than_passed_over() {
        for host in ["", "*", "https://vault.example", "vault.example/", "a b"] {
            let refused = entrance(&["a.example", host], None);
            assert!(
                matches!(refused, Err(GatewaySettingsError::AllowedHost(text)) if text == host),
                "{host}"
            );
        }
        for url in [
            "vault.example",
            "ftp://vault.example",
            "https://vault.example/a?b",
            "https://vault.example/a#b",
            "https://vault.example/\"",
            "https://u@a",
            "https://",
        ] {
            let refused = entrance(&[], Some(url));
            assert!(
                matches!(refused, Err(GatewaySettingsError::PublicUrl(_))),
                "{url}"
            );
        }
    }

    #[test]
    fn the_public_url_names_a_host_that_is_ours() {
        for (url, origin, path) in [
            ("https://vault.example", "https://vault.example", ""),
            ("https://vault.example/", "https://vault.example", ""),
            ("http://[::1]:1/a/b/", "http://[::1]:1", "/a/b"),
        ] {
            let entrance = entrance(&[], Some(url)).unwrap();
            let found = entrance.public_url().unwrap();
            assert_eq!((found.origin.as_str(), found.path.as_str()), (origin, path));
        }
        let entrance = entrance(&["a.example:8443"], Some("https://vault.example/a")).unwrap();
        for (host, is_allowed) in [
            ("vault.example", true),
            ("vault.example:443", true),
            ("vault.example:8443", false),
            ("a.example:8443", true),
            ("a.example", false),
        ] {
            let host = Authority::parse(host).unwrap();
            assert_eq!(entrance.allows(&host), is_allowed, "{host:?}");
        }
    }
}
