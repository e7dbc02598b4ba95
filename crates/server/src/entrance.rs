//! What of the gateway's settings concerns how it is reached: under which names, and with how large a message.

use toolvault_gateway::{GatewaySettings, HttpError};

use crate::extract::authority::Authority;

/// Why the gateway's settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GatewaySettingsError {
    /// A host is none.
    #[error("gateway.allowed_hosts: '{0}' is not a host, or a host and a port")]
    AllowedHost(String),
    /// The URL is not that of a server's root.
    #[error(
        "gateway.public_url: '{0}' must be http:// or https:// and a host, without a path: the pages stand at the root"
    )]
    PublicUrl(String),
    /// The gateway refuses them.
    #[error(transparent)]
    Gateway(#[from] HttpError),
}

/// Under which names, and with how large a message, the gateway is reached.
pub(crate) struct Entrance {
    allowed: Vec<Authority>,
    /// Scheme and authority.
    public_url: Option<String>,
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
        let public_url = settings
            .public_url
            .as_deref()
            .map(|text| text.strip_suffix('/').unwrap_or(text).to_owned());
        if let Some(url) = &public_url {
            let authority = Authority::of_origin(url)
                .ok_or_else(|| GatewaySettingsError::PublicUrl(url.clone()))?;
            allowed.push(authority);
        }
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

    /// Scheme and authority for the URLs that clients are told; none for those under which they asked.
    pub(crate) fn public_url(&self) -> Option<&str> {
        self.public_url.as_deref()
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
            "https://vault.example/a",
            "https://u@a",
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
        let entrance = entrance(&["a.example:8443"], Some("https://vault.example/")).unwrap();
        assert_eq!(entrance.public_url(), Some("https://vault.example"));
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
