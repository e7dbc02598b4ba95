//! Under which name a client reached the gateway, and from which page it was sent (contract, section 7, rule 7).
//!
//! Any web page can make a browser send a request to any address. `Host` and `Origin` tell such a request from
//! one that was meant for this server. Start at [`Asked::host`].

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Uri, header};

use super::source::{Local, Peer};
use crate::app::App;
use crate::entrance::{Authority, BaseUrl, Entrance};
use crate::error::ApiError;

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// A request that was meant for this server, from any sender.
pub(crate) struct Reached {
    /// What the URLs that the client is told begin with.
    pub(crate) base_url: BaseUrl,
}

impl FromRequestParts<App> for Reached {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let (Some(Peer(peer)), Some(Local(local))) =
            (parts.extensions.get(), parts.extensions.get())
        else {
            // A local command: the gateway is for agents, which come over the network.
            return Err(ApiError::NoSuchRoute);
        };
        let proxies = &app.settings.trusted_proxies;
        let peer = peer.ip().to_canonical();
        let asked = Asked {
            uri: &parts.uri,
            headers: &parts.headers,
            local: local.ip().to_canonical(),
            is_from_proxy: proxies.iter().any(|net| net.contains(&peer)),
            is_tls: app.settings.tls.is_some(),
        };
        let entrance = app.entrance();
        let host = asked.host(&entrance)?;
        asked.check_origin(&host, &entrance)?;
        let base_url = match entrance.public_url() {
            Some(url) => url.clone(),
            None => BaseUrl {
                origin: format!("{}://{}", asked.scheme(), host.text),
                path: String::new(),
            },
        };
        Ok(Self { base_url })
    }
}

/// What of a request tells how it came to us.
struct Asked<'a> {
    uri: &'a Uri,
    headers: &'a HeaderMap,
    /// Our own end of the connection.
    local: IpAddr,
    /// Whether its other end is a proxy that is believed.
    is_from_proxy: bool,
    is_tls: bool,
}

/// The host that was asked for.
struct AskedHost {
    /// In lower case.
    text: String,
    authority: Authority,
}

impl Asked<'_> {
    /// The host, if it is one of ours.
    fn host(&self, entrance: &Entrance) -> Result<AskedHost, ApiError> {
        let host = self
            .host_text()
            .and_then(|text| {
                let authority = Authority::parse(text)?;
                let text = text.to_ascii_lowercase();
                Some(AskedHost { text, authority })
            })
            .ok_or(ApiError::ForeignHost)?;
        let AskedHost { authority, .. } = &host;
        let is_ours = authority.is_address(self.local)
            || (self.local.is_loopback() && authority.is_loopback())
            || entrance.allows(authority);
        if is_ours {
            Ok(host)
        } else {
            Err(ApiError::ForeignHost)
        }
    }

    /// What was asked for, by the one name that there is for it.
    fn host_text(&self) -> Option<&str> {
        if let Some(text) = self.forwarded(&FORWARDED_HOST) {
            return Some(text);
        }
        // HTTP/2 says it in the URL, and so may HTTP/1.1; then both must say the same.
        let in_url = self.uri.authority().map(axum::http::uri::Authority::as_str);
        let mut in_head = self.headers.get_all(header::HOST).iter();
        let in_head = match (in_head.next(), in_head.next()) {
            (Some(value), None) => Some(value.to_str().ok()?),
            (None, _) => None,
            (Some(_), Some(_)) => return None,
        };
        match (in_url, in_head) {
            (Some(url), Some(head)) => url.eq_ignore_ascii_case(head).then_some(head),
            (url, head) => url.or(head),
        }
    }

    /// What the nearest proxy says; what stands before its word is only its client's claim.
    fn forwarded(&self, name: &HeaderName) -> Option<&str> {
        let value = self.headers.get_all(name).iter().next_back()?;
        // What cannot be read must not be passed over: it is no host.
        let text = value.to_str().unwrap_or_default();
        self.is_from_proxy
            .then(|| text.rsplit(',').next().unwrap_or_default().trim())
    }

    /// Refuses a request that a page of another origin sent.
    fn check_origin(&self, host: &AskedHost, entrance: &Entrance) -> Result<(), ApiError> {
        let mut origins = self.headers.get_all(header::ORIGIN).iter();
        let origin = match (origins.next(), origins.next()) {
            (None, _) => return Ok(()),
            (Some(value), None) => value.to_str().ok().and_then(Authority::of_origin),
            (Some(_), Some(_)) => None,
        };
        let is_ours = origin.is_some_and(|origin| {
            origin == host.authority
                || (self.local.is_loopback()
                    && host.authority.is_loopback()
                    && origin.is_loopback())
                || entrance.allows(&origin)
        });
        if is_ours {
            Ok(())
        } else {
            Err(ApiError::ForeignOrigin)
        }
    }

    fn scheme(&self) -> &'static str {
        let is_https = self
            .forwarded(&FORWARDED_PROTO)
            .map_or(self.is_tls, |text| text.eq_ignore_ascii_case("https"));
        if is_https { "https" } else { "http" }
    }
}

#[cfg(test)]
mod tests;
