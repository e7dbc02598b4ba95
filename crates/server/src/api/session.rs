//! `/v1/session`: a person signs in with an API key, with a link of the command line or at an issuer ([`issuers`]), signs
//! out, and approves keys for command lines ([`approvals`]).

pub(crate) mod approvals;
pub(crate) mod issuers;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use toolvault_core::api_key::KeyId;
use toolvault_core::confidential::Wiped;
use toolvault_core::identity::UserId;
use toolvault_core::pattern::ToolPattern;
use toolvault_core::scope::ScopeSet;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::{Error, SignedIn};
use utoipa::ToSchema;

use self::issuers::CameBack;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::refuse;
use crate::extract::input::{ReceivedBody, read_body};
use crate::extract::session::{Browser, InSession};
use crate::limits::bodies::Sender;
use crate::openapi::words::Scope;
use crate::openapi::{errors, requests};
use crate::wire::{Body, Fields, Problem, ValidationErrors, check};

/// The longest body of a sign-in, in bytes.
const LONGEST: usize = 16_384;

/// A person's session.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    /// What the page sends as `X-CSRF-Token` with every request
    csrf_token: String,
    /// When the session ends, whatever happens in it
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// After so many seconds without a request it ends earlier
    #[schema(minimum = 1)]
    idle_seconds: i64,
    #[schema(value_type = Uuid)]
    user_id: UserId,
    user_name: String,
    /// The name of the key, the subject at the issuer, or `local:` and the user of the machine
    name: String,
    #[schema(value_type = Vec<Scope>)]
    scopes: ScopeSet,
    #[schema(value_type = Vec<String>)]
    tools: Vec<ToolPattern>,
    /// The key whose rights it has; null for a link of the command line, and at an issuer
    #[schema(required = true, value_type = Option<String>)]
    key_id: Option<KeyId>,
}

impl Session {
    fn of(app: &App, signed_in: &SignedIn) -> Self {
        let caller = &signed_in.caller;
        Self {
            csrf_token: URL_SAFE_NO_PAD.encode(signed_in.token),
            expires_at: signed_in.expires_at,
            idle_seconds: i64::from(app.settings.dashboard.idle_minutes) * 60,
            user_id: caller.user(),
            user_name: signed_in.user_name.clone(),
            name: caller.name().to_owned(),
            scopes: caller.scopes(),
            tools: caller.tools().to_vec(),
            key_id: signed_in.key_id(),
        }
    }
}

/// Get Session
///
/// Returns the session of a person who is signed in.
#[utoipa::path(
    get,
    path = "/api/v1/session",
    tag = "session",
    security(("session" = [])),
    responses((status = 200, description = "The session", body = Session), errors::Refusals)
)]
pub(crate) async fn get_session(State(app): State<App>, session: InSession) -> Json<Session> {
    Json(Session::of(&app, &session.signed_in))
}

/// Sign In
///
/// Begins a session with an API key, with the token of a link of `toolvault open`, or with the answer of an issuer. The
/// answer sets a cookie.
#[utoipa::path(
    post,
    path = "/api/v1/session",
    tag = "session",
    security(()),
    request_body = requests::SignIn,
    responses(
        (
            status = 200,
            description = "The session",
            body = Session,
            headers(("Set-Cookie" = String, description = "The session, sealed"))
        ),
        errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn start_session(
    State(app): State<App>,
    browser: Browser,
    request: Request,
) -> Result<Response, ApiError> {
    let anonymous = read_anonymous(&app, request).await?;
    let presented = read(anonymous.body()?)?;
    let parts = &anonymous.parts;
    let limits = app.settings.dashboard.session_limits();
    let accept = |begun: Result<SignedIn, Error>, reason| match begun {
        Err(Error::Unauthenticated) => Err(refuse(parts, &app, reason)),
        begun => begun.map_err(ApiError::from),
    };
    let signed_in = match &presented {
        Presented::Key(key) => {
            let begun = app.vault.begin_session(key, limits).await;
            accept(begun, "key_not_accepted")?
        }
        Presented::Link(link) => {
            let link = URL_SAFE_NO_PAD.decode(link.as_bytes()).unwrap_or_default();
            let begun = app.vault.begin_session_by_link(&link, limits).await;
            accept(begun, "link_not_accepted")?
        }
        Presented::AtIssuer(came_back) => issuers::begin_session(&app, parts, came_back).await?,
    };
    let cookie = signed_in.renewed.as_deref().ok_or(ApiError::Internal)?;
    let headers = [
        (header::SET_COOKIE, browser.cookie(cookie)?),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Json(Session::of(&app, &signed_in))).into_response())
}

/// Sign Out
///
/// Ends the session. No copy of its cookie is accepted any more.
#[utoipa::path(
    delete,
    path = "/api/v1/session",
    tag = "session",
    security(("session" = [])),
    responses((status = 204, description = "The session has ended"), errors::Refusals)
)]
pub(crate) async fn end_session(
    State(app): State<App>,
    session: InSession,
) -> Result<Response, ApiError> {
    app.vault.end_session(&session.signed_in).await?;
    let cookie = [(header::SET_COOKIE, session.browser.no_cookie()?)];
    Ok((StatusCode::NO_CONTENT, cookie).into_response())
}

/// A request of a person who is not signed in.
struct Anonymous {
    parts: Parts,
    body: ReceivedBody,
}

async fn read_anonymous(app: &App, request: Request) -> Result<Anonymous, ApiError> {
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(Sender::unknown());
    let body = read_body(app, &parts, body, LONGEST).await?;
    Ok(Anonymous { parts, body })
}

impl Anonymous {
    fn body(&self) -> Result<Body<'_>, ApiError> {
        let content_type = self.parts.headers.get(header::CONTENT_TYPE);
        let content_type = content_type.map(|value| value.to_str().unwrap_or("?"));
        Ok(Body::read(content_type, &self.body.bytes)?)
    }
}

/// What a person signs in with.
enum Presented {
    Key(Wiped<String>),
    Link(Wiped<String>),
    AtIssuer(CameBack),
}

fn read(body: Body<'_>) -> Result<Presented, ApiError> {
    let mut errors = ValidationErrors::default();
    let mut fields = Fields::of(body, &mut errors);
    let key = fields.optional("key", |value| check::text(value, 1..=1024));
    let link = fields.optional("link", |value| check::text(value, 1..=1024));
    let oidc = fields.optional("oidc", check::dictionary);
    let presented = match (key, link, oidc) {
        (Some(key), None, None) => Some(Presented::Key(key)),
        (None, Some(link), None) => Some(Presented::Link(link)),
        (None, None, Some(object)) => {
            let mut fields = fields.inside(["oidc".into()], object);
            let flow = fields.required("flow", |value| check::text(value, 1..=2048));
            let issuer = fields.required("issuer", |value| check::text(value, 1..=64));
            let answer = fields.required("answer", |value| check::text(value, 1..=8192));
            flow.zip(issuer)
                .zip(answer)
                .map(|((flow, issuer), answer)| {
                    Presented::AtIssuer(CameBack {
                        flow,
                        issuer,
                        answer,
                    })
                })
        }
        _ => {
            let problem = Problem::value_error("give one of 'key', 'link' and 'oidc'");
            fields.refuse([], problem);
            None
        }
    };
    errors.into_result()?;
    presented.ok_or(ApiError::Internal)
}
