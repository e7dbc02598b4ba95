//! Which URLs a request may start with, before any name is looked up.

use std::net::IpAddr;

use reqwest::Url;

use super::address;
use super::error::HttpError;
use super::policy::HttpPolicy;

/// The parsed `url`, if `policy` allows a request to it as far as the text tells.
pub(super) fn check(url: &str, policy: &HttpPolicy) -> Result<Url, HttpError> {
    let url = Url::parse(url).map_err(|_| HttpError::InvalidUrl)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(HttpError::UnsupportedScheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(HttpError::UserInfo);
    }
    let host = url.host_str().ok_or(HttpError::InvalidUrl)?;
    let literal = literal_address(host);
    let is_this_machine = literal.map_or_else(|| is_localhost(host), address::is_loopback);
    if url.scheme() == "http" && !policy.allow_plain_http && !is_this_machine {
        return Err(HttpError::PlainHttp);
    }
    // The transport connects to a literal address without asking the resolver.
    if literal.is_some_and(|address| !address::is_allowed(address, policy.allow_private_network)) {
        return Err(HttpError::ForbiddenAddress);
    }
    Ok(url)
}

/// The address that the host of a parsed URL spells; `0x7f.1` and the like are normalised by then.
fn literal_address(host: &str) -> Option<IpAddr> {
    let bare = host
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(host);
    bare.parse().ok()
}

/// Whether the name means this machine by RFC 6761, section 6.3.
pub(super) fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.rsplit('.')
        .next()
        .is_some_and(|label| label.eq_ignore_ascii_case("localhost"))
}
