//! Authentication, as a type in the handler's signature.
//!
//! One credential decides: the first present one of `token`, `Authorization` and `x-api-key`. A bad one never falls
//! through to the next, so that a caller cannot be mistaken about whose rights a request has. A local command needs no
//! credential: its transport has admitted it.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use toolvault_core::api_key::looks_like_api_key;
use toolvault_core::identity::UserId;
use toolvault_vault::{Caller, Denial, Error, OnBehalf, Token};
use uuid::Uuid;

use super::source::{LocalUid, Peer, client_address};
use crate::app::App;
use crate::error::ApiError;
use crate::jwt::JwtError;
use crate::limits::bodies::Sender;
use crate::request_log::{RequestActor, RequestId};

const ON_BEHALF: &str = "x-toolvault-user";

/// A caller with a valid credential.
pub(crate) struct Authenticated(pub(crate) Caller);

/// A caller with a valid credential; a key with `any_user` may name its user later, in the body.
pub(crate) struct AuthenticatedForAnyUser(pub(crate) Caller);

impl FromRequestParts<App> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        authenticate(parts, app, false).await.map(Self)
    }
}

impl FromRequestParts<App> for AuthenticatedForAnyUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        authenticate(parts, app, true).await.map(Self)
    }
}

/// A local command. For other callers the route does not exist.
pub(crate) struct Local(pub(crate) Caller);

impl FromRequestParts<App> for Local {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        if parts.extensions.get::<LocalUid>().is_none() {
            return Err(ApiError::NoSuchRoute);
        }
        authenticate(parts, app, false).await.map(Self)
    }
}

/// A credential as it was presented.
enum Credential<'a> {
    ApiKey(&'a str),
    Token(&'a str),
}

async fn authenticate(
    parts: &mut Parts,
    app: &App,
    may_name_user_later: bool,
) -> Result<Caller, ApiError> {
    let caller = match parts.extensions.get() {
        Some(&LocalUid(uid)) => local(uid, &parts.headers)?,
        None => with_credential(parts, app, may_name_user_later).await?,
    };
    if let Some(RequestActor(actor)) = parts.extensions.get() {
        // Set once: each request is authenticated once.
        let _ = actor.set(caller.actor().to_string());
    }
    parts.extensions.insert(Sender::of(&caller));
    let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
    Ok(match request_id {
        Some(id) => caller.with_request_id(id),
        None => caller,
    })
}

/// A local command. It acts for the user that it names, or for no particular user.
fn local(uid: u32, headers: &HeaderMap) -> Result<Caller, ApiError> {
    match on_behalf(headers) {
        OnBehalf::Unnamed => Ok(Caller::local(uid, None)),
        OnBehalf::User(user) => Ok(Caller::local(uid, Some(user))),
        OnBehalf::Unclear => Err(Error::from(Denial::UserNotNamed).into()),
    }
}

async fn with_credential(
    parts: &Parts,
    app: &App,
    may_name_user_later: bool,
) -> Result<Caller, ApiError> {
    let on_behalf = on_behalf(&parts.headers);
    let outcome = match find_credential(&parts.headers) {
        Err(reason) => Err((Error::Unauthenticated, reason)),
        Ok(Credential::ApiKey(key)) => app
            .vault
            .authenticate_key(key, on_behalf, may_name_user_later)
            .await
            .map_err(|error| (error, "key_not_accepted")),
        Ok(Credential::Token(token)) => authenticate_token(app, token, on_behalf)
            .await
            .map_err(|error| (error, "token_not_accepted")),
    };
    let caller = match outcome {
        Ok(caller) => caller,
        Err((Error::Unauthenticated, reason)) => return Err(refuse(parts, app, reason)),
        Err((error, _)) => return Err(error.into()),
    };
    app.rate
        .take(caller.actor())
        .map_err(ApiError::TooManyRequests)?;
    Ok(caller)
}

/// Records the failure. A source with too many failures must wait, but its valid credentials still work.
fn refuse(parts: &Parts, app: &App, reason: &'static str) -> ApiError {
    let source = parts
        .extensions
        .get::<Peer>()
        .map(|peer| client_address(peer.0, &parts.headers, &app.settings.trusted_proxies));
    let text = source.map_or_else(|| "local".to_owned(), |source| source.to_string());
    app.vault.note_sign_in_failure(&text, reason);
    app.metrics.sign_in_failed(reason);
    if reason == NO_CREDENTIAL {
        return Error::Unauthenticated.into();
    }
    match app.throttle.note(source, app.clock.now()) {
        Some(seconds) => ApiError::TooManyRequests(seconds),
        None => Error::Unauthenticated.into(),
    }
}

async fn authenticate_token(app: &App, token: &str, on_behalf: OnBehalf) -> Result<Caller, Error> {
    let verified =
        app.tokens
            .verify(token, app.clock.now())
            .await
            .map_err(|error| match error {
                JwtError::Unavailable => Error::Unavailable(Some(error.into())),
                error => {
                    tracing::debug!(error = %error, "a token was refused");
                    Error::Unauthenticated
                }
            })?;
    if on_behalf != OnBehalf::Unnamed {
        return Err(Denial::NotAnyUser.into());
    }
    app.vault
        .authenticate_token(Token {
            issuer: verified.issuer,
            subject: verified.subject,
            user: verified.user_id,
            scopes: verified.scopes,
            create_user: verified.create_users,
            expires_at: verified.expires_at,
        })
        .await
}

const NO_CREDENTIAL: &str = "no_credential";

/// The first credential that is present, or why there is none.
fn find_credential(headers: &HeaderMap) -> Result<Credential<'_>, &'static str> {
    for name in ["token", "authorization", "x-api-key"] {
        let Some(text) = only_value(headers, name)? else {
            continue;
        };
        let text = if name == "authorization" {
            without_scheme(text)
        } else {
            text
        };
        let is_key = looks_like_api_key(text);
        return match name {
            "token" if is_key => Err("key_in_token_header"),
            "x-api-key" if !is_key => Err("malformed_key"),
            _ if is_key => Ok(Credential::ApiKey(text)),
            _ => Ok(Credential::Token(text)),
        };
    }
    Err(NO_CREDENTIAL)
}

/// The value of a header that occurs once and is not empty. A repeated header is ambiguous.
fn only_value<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> Result<Option<&'a str>, &'static str> {
    let mut values = headers
        .get_all(HeaderName::from_static(name))
        .iter()
        .filter(|value| !value.as_bytes().trim_ascii().is_empty());
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err("repeated_header");
    }
    value
        .to_str()
        .map(|text| Some(text.trim()))
        .map_err(|_| "malformed_header")
}

/// The text after the scheme `Bearer`, or all of it: a bare key or token is accepted, too.
fn without_scheme(text: &str) -> &str {
    match text.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim(),
        _ => text,
    }
}

fn on_behalf(headers: &HeaderMap) -> OnBehalf {
    let mut values = headers.get_all(ON_BEHALF).iter();
    match (values.next(), values.next()) {
        (None, _) => OnBehalf::Unnamed,
        (Some(value), None) => value
            .to_str()
            .ok()
            .and_then(|text| Uuid::try_parse(text.trim()).ok())
            .map_or(OnBehalf::Unclear, |id| OnBehalf::User(UserId(id))),
        _ => OnBehalf::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "tvk_x";

    fn found(headers: &[(&'static str, &str)]) -> Result<String, &'static str> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        find_credential(&map).map(|credential| match credential {
            Credential::ApiKey(text) => format!("key {text}"),
            Credential::Token(text) => format!("token {text}"),
        })
    }

    #[test]
    fn the_first_header_that_is_not_empty_decides() {
        assert_eq!(
            found(&[("x-api-key", KEY), ("token", "a.b.c")]),
            Ok("token a.b.c".into())
        );
        assert_eq!(
            found(&[("token", ""), ("authorization", KEY)]),
            Ok(format!("key {KEY}"))
        );
        assert_eq!(
            found(&[("token", "  "), ("x-api-key", KEY)]),
            Ok(format!("key {KEY}"))
        );
        assert_eq!(found(&[]), Err(NO_CREDENTIAL));
    }

    #[test]
    fn a_bad_credential_does_not_fall_through() {
        assert_eq!(
            found(&[("token", KEY), ("x-api-key", KEY)]),
            Err("key_in_token_header")
        );
        assert_eq!(found(&[("x-api-key", "a.b.c")]), Err("malformed_key"));
        assert_eq!(
            found(&[("authorization", KEY), ("authorization", "Bearer tvk_y")]),
            Err("repeated_header")
        );
    }

    #[test]
    fn bearer_is_known_in_any_case_and_may_be_left_out() {
        for text in ["Bearer tvk_x", "bearer   tvk_x", "BEARER tvk_x", "tvk_x"] {
            assert_eq!(
                found(&[("authorization", text)]),
                Ok(format!("key {KEY}")),
                "{text}"
            );
        }
        assert_eq!(
            found(&[("authorization", "Basic dTpw")]),
            Ok("token Basic dTpw".into())
        );
    }
}
