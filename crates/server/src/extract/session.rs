//! The session of a browser: a cookie, and the token that the page sends with every request.
//!
//! Browsers send a cookie to every port of its host, so another server on this machine can read the cookie of a page on
//! this machine, replace it, and add more of its name. The token stays in the page: without it, a cookie is worth
//! nothing, and it tells the page's cookie from the others.

use std::sync::{Arc, OnceLock};

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use toolvault_vault::{Denial, Error, OnBehalf, SignedIn};

use super::caller::{identify, on_behalf, refuse};
use super::reached::Requested;
use crate::app::App;
use crate::entrance::BaseUrl;
use crate::error::ApiError;

/// Over HTTPS. Browsers accept a cookie of this name only over HTTPS, for one host, and for all of its paths.
const SECURE_COOKIE: &str = "__Host-toolvault-session";
/// Over plain HTTP on this machine, where not every browser accepts the other: Safari refuses the attribute `Secure`
/// there, and older Chromium the prefix.
const LOCAL_COOKIE: &str = "toolvault-session";
/// The most cookies of one name that are looked at.
const MOST_COOKIES: usize = 4;
const TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
const NOT_ACCEPTED: &str = "session_not_accepted";

/// A browser on whose behalf a page of this server sends requests.
#[derive(Clone, Copy)]
pub(crate) struct Browser {
    is_https: bool,
    /// The port that it asked for; `None` for the default ports.
    port: Option<u16>,
}

impl FromRequestParts<App> for Browser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        Self::of(parts, app)
    }
}

/// A page of this server that sends requests.
pub(crate) struct OwnPage {
    /// Where the dashboard is for its browser.
    pub(crate) base_url: BaseUrl,
}

impl FromRequestParts<App> for OwnPage {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Browser { is_https, .. } = Browser::of(parts, app)?;
        let requested = Requested::of(parts, app).ok_or(ApiError::NoSuchRoute)?;
        let entrance = app.entrance();
        let base_url = requested.host(&entrance)?.own_url(is_https, &entrance);
        Ok(Self { base_url })
    }
}

impl Browser {
    /// The browser, if it asked for this server, for a page of this server, and cookies are safe on the way.
    fn of(parts: &Parts, app: &App) -> Result<Self, ApiError> {
        let requested = Requested::of(parts, app).ok_or(ApiError::NoSuchRoute)?;
        if !app.settings.dashboard.enabled {
            return Err(ApiError::NoSuchRoute);
        }
        let entrance = app.entrance();
        let host = requested.host(&entrance)?;
        let is_https = requested.is_https(&host, &entrance);
        requested.require_own_page(&host, is_https)?;
        if is_https || requested.is_on_this_machine(&host) {
            let port = host.port();
            Ok(Self { is_https, port })
        } else {
            Err(ApiError::SignInNeedsHttps)
        }
    }

    /// With the port: servers on other ports of the host have cookies of their own.
    fn cookie_name(self) -> String {
        let name = if self.is_https {
            SECURE_COOKIE
        } else {
            LOCAL_COOKIE
        };
        match self.port {
            Some(port) => format!("{name}-{port}"),
            None => name.to_owned(),
        }
    }

    /// The cookie with this session. The browser forgets it when it is closed.
    pub(crate) fn cookie(self, sealed: &[u8]) -> Result<HeaderValue, ApiError> {
        self.set_cookie(&URL_SAFE_NO_PAD.encode(sealed), "")
    }

    /// The cookie that replaces any with a session.
    pub(crate) fn no_cookie(self) -> Result<HeaderValue, ApiError> {
        self.set_cookie("", "; Max-Age=0")
    }

    fn set_cookie(self, value: &str, more: &str) -> Result<HeaderValue, ApiError> {
        let name = self.cookie_name();
        let secure = if self.is_https { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}");
        let mut cookie = HeaderValue::try_from(text).map_err(|_| ApiError::Internal)?;
        cookie.set_sensitive(true);
        Ok(cookie)
    }
}

/// A caller in a session.
pub(crate) struct InSession {
    pub(crate) signed_in: SignedIn,
    pub(crate) browser: Browser,
}

impl FromRequestParts<App> for InSession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let browser = Browser::of(parts, app)?;
        let session = resume(parts, app, browser).await?;
        // A page asks at every start, so there is nothing to record.
        let mut session = session.ok_or(Error::Unauthenticated)?;
        session.signed_in.caller = identify(parts, session.signed_in.caller);
        Ok(session)
    }
}

/// The session of a request that brings one.
pub(super) async fn find(parts: &Parts, app: &App) -> Result<Option<InSession>, ApiError> {
    let is_ours = |name: &str| name.starts_with(SECURE_COOKIE) || name.starts_with(LOCAL_COOKIE);
    let has_cookie = cookies(&parts.headers).any(|(name, _)| is_ours(name));
    if !has_cookie || !app.settings.dashboard.enabled {
        return Ok(None);
    }
    resume(parts, app, Browser::of(parts, app)?).await
}

async fn resume(parts: &Parts, app: &App, browser: Browser) -> Result<Option<InSession>, ApiError> {
    let name = browser.cookie_name();
    // Browsers send those for longer paths first. Ours is for all paths.
    let found: Vec<&str> = cookies(&parts.headers)
        .rev()
        .filter_map(|(known, value)| (known == name).then_some(value))
        .take(MOST_COOKIES)
        .collect();
    if found.is_empty() {
        return Ok(None);
    }
    let token = parts.headers.get(TOKEN).map(HeaderValue::as_bytes);
    let token = URL_SAFE_NO_PAD.decode(token.unwrap_or_default());
    let token = token.unwrap_or_default();
    let limits = app.settings.dashboard.session_limits();
    let mut resumed = Err(Error::Unauthenticated);
    for text in found {
        let sealed = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        let scopes_of = |issuer: &str| app.tokens.scopes_of_people(issuer);
        let resuming = app.vault.resume_session(&sealed, &token, limits, scopes_of);
        resumed = resuming.await;
        if !matches!(resumed, Err(Error::Unauthenticated)) {
            break;
        }
    }
    let signed_in = match resumed {
        Ok(signed_in) => signed_in,
        Err(Error::Unauthenticated) => return Err(refuse(parts, app, NOT_ACCEPTED)),
        Err(error) => return Err(error.into()),
    };
    if on_behalf(&parts.headers) != OnBehalf::Unnamed {
        return Err(Error::from(Denial::NotAnyUser).into());
    }
    app.rate
        .take(signed_in.caller.actor())
        .map_err(ApiError::TooManyRequests)?;
    let renewed = signed_in.renewed.as_deref();
    let renewed = renewed.map(|sealed| browser.cookie(sealed)).transpose()?;
    if let Some(Renewal(cell)) = parts.extensions.get() {
        // Set once: each request is authenticated once.
        let _ = cell.set(renewed);
    }
    Ok(Some(InSession { signed_in, browser }))
}

/// The names and values of all cookies.
fn cookies(headers: &HeaderMap) -> impl DoubleEndedIterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

/// Set by authentication in a session: the cookie that the browser gets, if it needs a newer one.
#[derive(Clone, Default)]
struct Renewal(Arc<OnceLock<Option<HeaderValue>>>);

/// Keeps answers in a session out of caches, and renews its cookie.
pub(crate) async fn renew(mut request: Request, next: Next) -> Response {
    let renewal = Renewal::default();
    request.extensions_mut().insert(renewal.clone());
    let mut response = next.run(request).await;
    if let Some(renewed) = renewal.0.get() {
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // Not over a cookie of the handler, which ends the session.
        if let Some(cookie) = renewed
            && !headers.contains_key(header::SET_COOKIE)
        {
            headers.insert(header::SET_COOKIE, cookie.clone());
        }
    }
    response
}
