//! Every way to express the host and the origin of a request.

use toolvault_gateway::GatewaySettings;

use super::*;

const LOOPBACK: &str = "127.0.0.1";
const NETWORK: &str = "192.0.2.7";

/// A request, and its result: the base URL, or the refusal.
struct Case<'a> {
    local: &'a str,
    uri: &'a str,
    headers: &'a [(&'static str, &'a str)],
    is_from_proxy: bool,
}

impl Case<'_> {
    fn outcome(&self) -> String {
        let entrance = Entrance::new(&GatewaySettings {
            allowed_hosts: ["vault.example".to_owned(), "other.example:8443".to_owned()].into(),
            ..GatewaySettings::default()
        });
        let entrance = entrance.unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            headers.append(*name, value.parse().unwrap());
        }
        let uri = self.uri.parse().unwrap();
        let requested = Requested {
            uri: &uri,
            headers: &headers,
            local: self.local.parse().unwrap(),
            is_from_proxy: self.is_from_proxy,
            is_tls: false,
        };
        let outcome = requested.host(&entrance).and_then(|host| {
            requested.check_origin(&host, &entrance)?;
            Ok(format!("{}://{}", requested.scheme(), host.text))
        });
        match outcome {
            Ok(url) => url,
            Err(ApiError::ForeignHost) => "host".to_owned(),
            Err(ApiError::ForeignOrigin) => "origin".to_owned(),
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn host(local: &str, host: &str) -> String {
    let headers = [("host", host)];
    let case = Case {
        local,
        uri: "/mcp",
        headers: &headers,
        is_from_proxy: false,
    };
    case.outcome()
}

fn origin(local: &str, host: &str, origin: &str) -> String {
    let headers = [("host", host), ("origin", origin)];
    let case = Case {
        local,
        uri: "/mcp",
        headers: &headers,
        is_from_proxy: false,
    };
    let outcome = case.outcome();
    if outcome.starts_with("http") {
        "ours".to_owned()
    } else {
        outcome
    }
}

#[test]
#[rustfmt::skip]
fn hosts() {
    for (local, requested, expected) in [
        // This machine, to itself, at any port: one may be forwarded to ours.
        (LOOPBACK, "localhost",            "http://localhost"),
        (LOOPBACK, "LocalHost:8710",       "http://localhost:8710"),
        (LOOPBACK, "127.0.0.1:9000",       "http://127.0.0.1:9000"),
        (LOOPBACK, "127.0.0.2",            "http://127.0.0.2"),
        (LOOPBACK, "[::1]:8710",           "http://[::1]:8710"),
        ("::1",    "localhost:8710",       "http://localhost:8710"),
        // The same from elsewhere is refused.
        (NETWORK,  "localhost",            "host"),
        (NETWORK,  "127.0.0.1:8710",       "host"),
        (NETWORK,  "[::1]",                "host"),
        // Only the address at which the request arrived.
        (NETWORK,  "192.0.2.7:8710",       "http://192.0.2.7:8710"),
        (NETWORK,  "192.0.2.7",            "http://192.0.2.7"),
        (NETWORK,  "192.0.2.8",            "host"),
        (NETWORK,  "0.0.0.0:8710",         "host"),
        (LOOPBACK, "192.0.2.7",            "host"),
        (LOOPBACK, "0.0.0.0:8710",         "host"),
        // A host that the operator allowed, with its port.
        (NETWORK,  "vault.example",        "http://vault.example"),
        (NETWORK,  "VAULT.example:443",    "http://vault.example:443"),
        (LOOPBACK, "vault.example",        "http://vault.example"),
        (NETWORK,  "vault.example:8710",   "host"),
        (NETWORK,  "other.example:8443",   "http://other.example:8443"),
        (NETWORK,  "other.example",        "host"),
        // A foreign name that resolves to our address.
        (LOOPBACK, "evil.example",         "host"),
        (LOOPBACK, "evil.example:8710",    "host"),
        (LOOPBACK, "localhost.evil.example", "host"),
        (LOOPBACK, "127.0.0.1.evil.example", "host"),
        (LOOPBACK, "evil.localhost",       "host"),
        (NETWORK,  "a.vault.example",      "host"),
        // Spellings that other software might read differently.
        (LOOPBACK, "localhost.",           "host"),
        (NETWORK,  "vault.example.",       "host"),
        (LOOPBACK, "localhost/?#@",        "host"),
        (LOOPBACK, "a/?#@localhost",       "host"),
        (LOOPBACK, "localhost@evil.example", "host"),
        (LOOPBACK, "evil.example@localhost", "host"),
        (LOOPBACK, "localhost:8710@evil.example", "host"),
        (LOOPBACK, "localhost#.evil.example", "host"),
        (LOOPBACK, "localhost\\.evil.example", "host"),
        (LOOPBACK, "localhost, evil.example", "host"),
        (LOOPBACK, "127.1",                "host"),
        (LOOPBACK, "2130706433",           "host"),
        (LOOPBACK, "0x7f.0.0.1",           "host"),
        (LOOPBACK, "localhost:",           "host"),
        (LOOPBACK, "localhost:99999",      "host"),
        (LOOPBACK, "",                     "host"),
    ] {
        assert_eq!(host(local, requested), expected, "{requested} at {local}");
    }
}

#[test]
#[rustfmt::skip]
fn origins() {
    for (local, requested, from, expected) in [
        // The host's own pages, with either scheme.
        (NETWORK,  "vault.example",      "https://vault.example",       "ours"),
        (NETWORK,  "vault.example",      "http://VAULT.EXAMPLE",        "ours"),
        (NETWORK,  "vault.example",      "https://vault.example:8443",  "origin"),
        (NETWORK,  "192.0.2.7:8710",     "http://192.0.2.7:8710",       "ours"),
        (NETWORK,  "192.0.2.7:8710",     "http://192.0.2.7:8711",       "origin"),
        // Pages of this machine, at any port, if the client is on this machine.
        (LOOPBACK, "localhost:8710",     "http://localhost:6274",       "ours"),
        (LOOPBACK, "127.0.0.1:8710",     "http://localhost:3000",       "ours"),
        (LOOPBACK, "localhost:8710",     "http://[::1]:1",              "ours"),
        (LOOPBACK, "vault.example",      "http://localhost:3000",       "origin"),
        (NETWORK,  "192.0.2.7:8710",     "http://localhost:3000",       "origin"),
        (NETWORK,  "vault.example",      "http://127.0.0.1",            "origin"),
        // Hosts that the operator allowed.
        (LOOPBACK, "localhost:8710",     "https://vault.example",       "ours"),
        (NETWORK,  "192.0.2.7",          "https://other.example:8443",  "ours"),
        (NETWORK,  "192.0.2.7",          "https://other.example",       "origin"),
        // Foreign ones.
        (LOOPBACK, "localhost:8710",     "https://evil.example",        "origin"),
        (LOOPBACK, "localhost:8710",     "http://localhost.evil.example", "origin"),
        (LOOPBACK, "localhost:8710",     "http://evil.example:8710",    "origin"),
        (LOOPBACK, "localhost:8710",     "null",                        "origin"),
        (LOOPBACK, "localhost:8710",     "",                            "origin"),
        (LOOPBACK, "localhost:8710",     "file://",                     "origin"),
        (LOOPBACK, "localhost:8710",     "chrome-extension://localhost", "origin"),
        (LOOPBACK, "localhost:8710",     "localhost:8710",              "origin"),
        (LOOPBACK, "localhost:8710",     "http://localhost/",           "origin"),
        (LOOPBACK, "localhost:8710",     "http://localhost@evil.example", "origin"),
        (LOOPBACK, "localhost:8710",     "http://evil.example@localhost", "origin"),
        (LOOPBACK, "localhost:8710",     "http://localhost http://evil.example", "origin"),
        // A page whose own name resolves to us: the origin matches the host, but the host is not ours.
        (LOOPBACK, "evil.example:8710",  "http://evil.example:8710",    "host"),
    ] {
        assert_eq!(origin(local, requested, from), expected, "{from} to {requested} at {local}");
    }
}

#[test]
#[rustfmt::skip]
fn several_names_at_once() {
    for (uri, headers, expected) in [
        ("/mcp",                     &[][..],                                               "host"),
        ("/mcp",                     &[("host", "localhost"), ("host", "localhost")],       "host"),
        ("/mcp",                     &[("host", "localhost"), ("host", "evil.example")],    "host"),
        ("/mcp",                     &[("host", "localhost"), ("origin", "http://localhost"), ("origin", "null")], "origin"),
        // The form of HTTP/2, and of HTTP/1.1 to a proxy.
        ("http://localhost:1/mcp",   &[],                                                   "http://localhost:1"),
        ("http://evil.example/mcp",  &[],                                                   "host"),
        ("http://localhost/mcp",     &[("host", "LOCALHOST")],                              "http://localhost"),
        ("http://localhost/mcp",     &[("host", "evil.example")],                           "host"),
        ("http://evil.example/mcp",  &[("host", "localhost")],                              "host"),
        ("http://localhost/mcp",     &[("host", "127.0.0.1")],                              "host"),
        ("http://u@localhost/mcp",   &[],                                                   "host"),
        // An untrusted peer's claim about the original request.
        ("/mcp",                     &[("host", "localhost"), ("x-forwarded-host", "vault.example")], "http://localhost"),
        ("/mcp",                     &[("host", "evil.example"), ("x-forwarded-host", "localhost")],  "host"),
        ("/mcp",                     &[("host", "localhost"), ("x-forwarded-proto", "https")],        "http://localhost"),
    ] {
        let case = Case { local: LOOPBACK, uri, headers, is_from_proxy: false };
        assert_eq!(case.outcome(), expected, "{uri} {headers:?}");
    }
}

#[test]
#[rustfmt::skip]
fn what_a_trusted_proxy_says() {
    for (headers, expected) in [
        (&[("host", "localhost")][..],                                                        "http://localhost"),
        (&[("host", "10.0.0.1:8710"), ("x-forwarded-host", "vault.example")],                 "http://vault.example"),
        (&[("host", "localhost"), ("x-forwarded-host", "evil.example")],                      "host"),
        (&[("host", "localhost"), ("x-forwarded-host", "")],                                  "host"),
        (&[("host", "localhost"), ("x-forwarded-host", "vault.example/")],                    "host"),
        // The proxy added the last one; everything before it came from its client.
        (&[("x-forwarded-host", "evil.example, vault.example")],                              "http://vault.example"),
        (&[("x-forwarded-host", "evil.example"), ("x-forwarded-host", "vault.example")],      "http://vault.example"),
        (&[("x-forwarded-host", "vault.example, evil.example")],                              "host"),
        (&[("x-forwarded-host", "vault.example"), ("x-forwarded-proto", "https")],            "https://vault.example"),
        (&[("x-forwarded-host", "vault.example"), ("x-forwarded-proto", "javascript")],       "http://vault.example"),
        (&[("x-forwarded-host", "vault.example"), ("origin", "https://vault.example")],       "http://vault.example"),
        (&[("x-forwarded-host", "vault.example"), ("origin", "http://localhost")],            "origin"),
    ] {
        let case = Case { local: LOOPBACK, uri: "/mcp", headers, is_from_proxy: true };
        assert_eq!(case.outcome(), expected, "{headers:?}");
    }
}
