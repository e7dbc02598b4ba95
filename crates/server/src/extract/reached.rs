//! The host name with which a client reached the gateway, and the web page that sent the request (contract, section 7,
//! rule 7).
//!
//! Any web page can make a browser send a request to any address. `Host` and `Origin` distinguish such a request from
//! one that was meant for this server. Start at [`Requested::host`].

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Uri, header};

use super::source::{Local, Peer};
use crate::app::App;
use crate::entrance::{Authority, BaseUrl, Entrance};
use crate::error::ApiError;

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// A request that was meant for this server, from any sender.
pub(crate) struct Reached {
    /// The base of the URLs in the response.
    pub(crate) base_url: BaseUrl,
}

impl FromRequestParts<App> for Reached {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        // A local command: the gateway is for agents, and pages are for people, who both use the network.
        let requested = Requested::of(parts, app).ok_or(ApiError::NoSuchRoute)?;
        let entrance = app.entrance();
        let host = requested.host(&entrance)?;
        requested.check_origin(&host, &entrance)?;
        let base_url = match entrance.public_url() {
            Some(url) => url.clone(),
            None => BaseUrl {
                origin: format!("{}://{}", requested.scheme(), host.text),
                path: String::new(),
            },
        };
        Ok(Self { base_url })
    }
}

/// The parts of a request that show how it arrived.
pub(super) struct Requested<'a> {
    uri: &'a Uri,
    headers: &'a HeaderMap,
    /// The local address of the connection.
    local: IpAddr,
    /// Whether the peer is a trusted proxy.
    is_from_proxy: bool,
    is_tls: bool,
}

/// The requested host.
pub(super) struct RequestedHost {
    /// In lower case.
    text: String,
    authority: Authority,
}

impl RequestedHost {
    /// `None` for the default ports.
    pub(super) fn port(&self) -> Option<u16> {
        self.authority.port()
    }

    /// Where the pages of this origin are: below the path of the public URL, if that has this origin.
    pub(super) fn own_url(&self, is_https: bool, entrance: &Entrance) -> BaseUrl {
        let is_own = |url: &&BaseUrl| {
            url.origin.starts_with("https://") == is_https
                && Authority::of_origin(&url.origin).as_ref() == Some(&self.authority)
        };
        let public = entrance.public_url().filter(is_own);
        BaseUrl {
            origin: self.origin(is_https),
            path: public.map_or_else(String::new, |url| url.path.clone()),
        }
    }

    /// The origin of its own pages as browsers write it: without the default port of the scheme, which proxies may add.
    fn origin(&self, is_https: bool) -> String {
        let (scheme, port) = if is_https {
            ("https", ":443")
        } else {
            ("http", ":80")
        };
        let authority = self.text.strip_suffix(port).unwrap_or(&self.text);
        format!("{scheme}://{authority}")
    }
}

impl<'a> Requested<'a> {
    /// `None` for a local command.
    pub(super) fn of(parts: &'a Parts, app: &App) -> Option<Self> {
        let Peer(peer) = parts.extensions.get()?;
        let Local(local) = parts.extensions.get()?;
        let proxies = &app.settings.trusted_proxies;
        let peer = peer.ip().to_canonical();
        Some(Self {
            uri: &parts.uri,
            headers: &parts.headers,
            local: local.ip().to_canonical(),
            is_from_proxy: proxies.iter().any(|net| net.contains(&peer)),
            is_tls: app.settings.tls.is_some(),
        })
    }

    /// The host, if it is one of the server's.
    pub(super) fn host(&self, entrance: &Entrance) -> Result<RequestedHost, ApiError> {
        let host = self
            .host_text()
            .and_then(|text| {
                let authority = Authority::parse(text)?;
                let text = text.to_ascii_lowercase();
                Some(RequestedHost { text, authority })
            })
            .ok_or(ApiError::ForeignHost)?;
        let RequestedHost { authority, .. } = &host;
        let is_ours = authority.is_address(self.local)
            || (self.local.is_loopback() && authority.is_loopback())
            || entrance.allows(authority);
        if is_ours {
            Ok(host)
        } else {
            Err(ApiError::ForeignHost)
        }
    }

    /// The host in the request, which must be unambiguous.
    fn host_text(&self) -> Option<&str> {
        if let Some(text) = self.forwarded(&FORWARDED_HOST) {
            return Some(text);
        }
        // HTTP/2 has the host in the URL. HTTP/1.1 may have it there too, and then both must agree.
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

    /// What the nearest proxy added. Everything before that is only its client's claim.
    fn forwarded(&self, name: &HeaderName) -> Option<&str> {
        let value = self.headers.get_all(name).iter().next_back()?;
        // A value that is not text must not be skipped: it is an invalid host.
        let text = value.to_str().unwrap_or_default();
        self.is_from_proxy
            .then(|| text.rsplit(',').next().unwrap_or_default().trim())
    }

    /// Whether it came over TLS, as far as this server or its configuration knows.
    pub(super) fn is_https(&self, host: &RequestedHost, entrance: &Entrance) -> bool {
        self.scheme() == "https"
            || entrance.public_url().is_some_and(|url| {
                url.origin.starts_with("https://")
                    && Authority::of_origin(&url.origin).as_ref() == Some(&host.authority)
            })
    }

    /// Whether it went from this machine to itself.
    pub(super) fn is_on_this_machine(&self, host: &RequestedHost) -> bool {
        self.local.is_loopback() && host.authority.is_loopback()
    }

    /// Refuses a request that another page sent than one of exactly this origin. Other ports are other origins, even of
    /// this machine. A browser that does not tell the page may be anything: what signs in is not sent by itself.
    pub(super) fn require_own_page(
        &self,
        host: &RequestedHost,
        is_https: bool,
    ) -> Result<(), ApiError> {
        let own = host.origin(is_https);
        let is_only = |name: &HeaderName, expected: &str| {
            let mut values = self.headers.get_all(name).iter();
            values.all(|value| value.as_bytes() == expected.as_bytes())
        };
        if is_only(&header::ORIGIN, &own) && is_only(&FETCH_SITE, "same-origin") {
            Ok(())
        } else {
            Err(ApiError::NotOwnPage)
        }
    }

    /// Refuses a request that a page of another origin sent.
    fn check_origin(&self, host: &RequestedHost, entrance: &Entrance) -> Result<(), ApiError> {
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
