//! Authentication, as a type in the handler's signature.
//!
//! One credential decides: the first present one of `token`, `Authorization` and `x-api-key`, and without any of them the
//! session of a browser. A bad one never falls through to the next, so that a caller cannot be mistaken about whose rights
//! a request has. A local command needs no credential: its transport has admitted it.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use toolvault_core::identity::UserId;
use toolvault_vault::{Caller, Denial, Error, OnBehalf, Token};
use uuid::Uuid;

use super::credential::{Credential, NO_CREDENTIAL, find_credential};
use super::session;
use super::source::{LocalUid, Peer, client_address};
use crate::app::App;
use crate::error::ApiError;
use crate::jwt::JwtError;
use crate::limits::bodies::Sender;
use crate::request_log::{RequestActor, RequestId};

pub(crate) const ON_BEHALF: &str = "x-toolvault-user";

/// A caller with a valid credential.
pub(crate) struct Authenticated(pub(crate) Caller);

/// A caller with a valid credential; a key with `any_user` may name its user later, in the body.
pub(crate) struct AuthenticatedForAnyUser(pub(crate) Caller);

/// A caller with a valid key or token: a program, not a person in a browser. What it gets may be a value.
pub(crate) struct AuthenticatedProgram(pub(crate) Caller);

impl FromRequestParts<App> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        authenticate(parts, app, Accepted::EXPLICIT_USER)
            .await
            .map(Self)
    }
}

impl FromRequestParts<App> for AuthenticatedForAnyUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let accepted = Accepted {
            user_later: true,
            ..Accepted::EXPLICIT_USER
        };
        authenticate(parts, app, accepted).await.map(Self)
    }
}

impl FromRequestParts<App> for AuthenticatedProgram {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        authenticate(parts, app, Accepted::PROGRAM).await.map(Self)
    }
}

impl AuthenticatedProgram {
    /// The caller of something that was counted already: it takes nothing from the caller's rate.
    pub(crate) async fn uncounted(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let accepted = Accepted {
            is_counted: false,
            ..Accepted::PROGRAM
        };
        authenticate(parts, app, accepted).await.map(Self)
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
        authenticate(parts, app, Accepted::EXPLICIT_USER)
            .await
            .map(Self)
    }
}

/// What an operation accepts.
#[derive(Clone, Copy)]
struct Accepted {
    /// Whether a key with `any_user` may name its user later.
    user_later: bool,
    /// Whether the session of a browser is enough.
    sessions: bool,
    /// Whether it takes from the rate of the key or token.
    is_counted: bool,
}

impl Accepted {
    const EXPLICIT_USER: Self = Self {
        user_later: false,
        sessions: true,
        is_counted: true,
    };
    const PROGRAM: Self = Self {
        sessions: false,
        ..Self::EXPLICIT_USER
    };
}

async fn authenticate(
    parts: &mut Parts,
    app: &App,
    accepted: Accepted,
) -> Result<Caller, ApiError> {
    let caller = match parts.extensions.get() {
        Some(&LocalUid(uid)) => local(uid, &parts.headers)?,
        None => with_credential(parts, app, accepted).await?,
    };
    Ok(identify(parts, caller))
}

/// Notes the caller for logs and limits, and the ID of the request for the audit trail.
pub(crate) fn identify(parts: &mut Parts, caller: Caller) -> Caller {
    if let Some(RequestActor(actor)) = parts.extensions.get() {
        // Set once: each request is authenticated once.
        let _ = actor.set(caller.actor().to_string());
    }
    parts.extensions.insert(Sender::of(&caller));
    let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
    match request_id {
        Some(id) => caller.with_request_id(id),
        None => caller,
    }
}

/// A local command. It acts for the user that it names, or for no particular user.
fn local(uid: u32, headers: &HeaderMap) -> Result<Caller, ApiError> {
    match on_behalf(headers) {
        OnBehalf::Unnamed => Ok(Caller::local(uid, None)),
        OnBehalf::User(user) => Ok(Caller::local(uid, Some(user))),
        OnBehalf::Unclear => Err(Error::from(Denial::UserNotNamed).into()),
    }
}

async fn with_credential(parts: &Parts, app: &App, accepted: Accepted) -> Result<Caller, ApiError> {
    let on_behalf = on_behalf(&parts.headers);
    let found = find_credential(&parts.headers);
    if found.as_ref().is_err_and(|reason| *reason == NO_CREDENTIAL)
        && accepted.sessions
        && let Some(session) = session::find(parts, app).await?
    {
        return Ok(session.signed_in.caller);
    }
    let outcome = match found {
        Err(reason) => Err((Error::Unauthenticated, reason)),
        Ok(Credential::ApiKey(key)) => app
            .vault
            .authenticate_key(key, on_behalf, accepted.user_later)
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
    if accepted.is_counted {
        let taken = app.rate.take(caller.actor());
        taken.map_err(ApiError::TooManyRequests)?;
    }
    Ok(caller)
}

/// Records the failure. A source with too many failures must wait, but its valid credentials still work.
pub(crate) fn refuse(parts: &Parts, app: &App, reason: &'static str) -> ApiError {
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
    app.vault.authenticate_token(Token::from(verified)).await
}

pub(crate) fn on_behalf(headers: &HeaderMap) -> OnBehalf {
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
