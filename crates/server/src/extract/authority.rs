//! A host and perhaps a port, as they stand in `Host`, in an origin and in the configuration.
//!
//! Strict on purpose: what a browser would never send is not an authority, so no text that is compared here can
//! mean something else to a later reader.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The default ports of http and https.
const OWN_PORTS: [u16; 2] = [80, 443];
const LONGEST_NAME: usize = 253;

/// A host and its port.
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
    /// Reads `host` or `host:port`; an IPv6 address stands in brackets.
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

    /// The authority of an origin (RFC 6454) with the scheme http or https; the origin has nothing else.
    pub(crate) fn of_origin(text: &str) -> Option<Self> {
        let authority = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))?;
        Self::parse(authority)
    }

    /// Whether it names this machine to itself, at any port.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_has_one_reading() {
        for (one, other) in [
            ("vault.example", "VAULT.Example"),
            ("vault.example", "vault.example:443"),
            ("vault.example:80", "vault.example"),
            ("127.0.0.1:8710", "[::ffff:127.0.0.1]:8710"),
            ("[::1]:8710", "[0:0:0:0:0:0:0:1]:8710"),
        ] {
            let [one, other] = [one, other].map(|text| Authority::parse(text).unwrap());
            assert_eq!(one, other);
        }
        for (one, other) in [
            ("vault.example", "vault.example:8443"),
            ("vault.example", "vault.example.com"),
            ("127.0.0.1", "127.0.0.2"),
        ] {
            let [one, other] = [one, other].map(|text| Authority::parse(text).unwrap());
            assert_ne!(one, other);
        }
    }

    #[test]
    fn what_a_browser_would_not_send_is_none() {
        for text in [
            "",
            ":",
            ":80",
            "a:",
            "a:0",
            "a:080",
            "a:65536",
            "a:+80",
            "a:8 0",
            "a:80:80",
            "a/",
            "a?",
            "a#",
            "a@b",
            "a:1@b",
            "a/?#@b",
            "a\\b",
            "a b",
            " a",
            "a ",
            "a.",
            ".a",
            "a..b",
            "::1",
            "[::1",
            "[::1]8710",
            "[::1]x",
            "[fe80::1%25eth0]",
            "[127.0.0.1]",
            "a%2eb",
            "ä",
            "a,b",
            "*",
            "*.a",
        ] {
            assert_eq!(Authority::parse(text), None, "{text}");
        }
        let long = format!("{}a", "a.".repeat(127));
        assert_eq!(Authority::parse(&long), None);
    }

    #[test]
    fn only_pages_have_an_origin_here() {
        for text in ["http://a", "https://a:8443", "http://[::1]:1"] {
            assert!(Authority::of_origin(text).is_some(), "{text}");
        }
        for text in [
            "null",
            "",
            "a",
            "//a",
            "file://",
            "chrome-extension://a",
            "http://a/",
            "http://a/b",
            "http://u@a",
            "https:a",
            "HTTP://a",
            "http://a http://b",
        ] {
            assert_eq!(Authority::of_origin(text), None, "{text}");
        }
    }

    #[test]
    fn this_machine_is_known_by_its_few_names_only() {
        for text in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1",
            "127.9.9.9:5",
            "[::1]",
        ] {
            assert!(Authority::parse(text).unwrap().is_loopback(), "{text}");
        }
        for text in [
            "localhost.example",
            "a.localhost",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0.0.0.0",
            "[::]",
            "10.0.0.1",
        ] {
            assert!(!Authority::parse(text).unwrap().is_loopback(), "{text}");
        }
    }
}
