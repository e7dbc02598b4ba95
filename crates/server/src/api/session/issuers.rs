//! Signing in at an issuer: the person leaves for the issuer, comes back to `/sign-in/{issuer}`, and the page sends what
//! the issuer answered to `POST /v1/session`.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use toolvault_core::confidential::Wiped;
use toolvault_gateway::http::root_cause;
use toolvault_vault::{Denial, Error, SignedIn, Token};
use utoipa::ToSchema;

use super::read_anonymous;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::refuse;
use crate::extract::reached::Reached;
use crate::extract::session::{Browser, OwnPage};
use crate::jwt::{ExpectedSignIn, JwtError};
use crate::oidc::answer::Answer;
use crate::oidc::{OidcError, Provider};
use crate::openapi::{errors, requests};
use crate::wire::{Fields, Problem, ValidationErrors, check};

/// The issuers at which people can sign in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignInIssuers {
    data: Vec<SignInIssuer>,
}

/// An issuer at which people can sign in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignInIssuer {
    /// Its name in the configuration
    name: String,
}

/// A sign-in that has begun.
#[derive(Serialize, ToSchema)]
pub(crate) struct BegunSignIn {
    /// Where the person signs in
    url: String,
    /// What the page needs when the person comes back, within ten minutes
    flow: String,
}

/// List Sign-In Issuers
///
/// Returns the names of the issuers at which people can sign in.
#[utoipa::path(
    get,
    path = "/api/v1/session/issuers",
    tag = "session",
    security(()),
    responses(
        (status = 200, description = "The issuers", body = SignInIssuers),
        errors::Refusals
    )
)]
pub(crate) async fn list_issuers(State(app): State<App>, _browser: Browser) -> Json<SignInIssuers> {
    let names = app.providers.names().map(str::to_owned);
    let data = names.map(|name| SignInIssuer { name }).collect();
    Json(SignInIssuers { data })
}

/// Begin Sign-In
///
/// Returns the URL at which a person signs in at an issuer. The issuer sends them back to `/sign-in/{issuer}`.
#[utoipa::path(
    post,
    path = "/api/v1/session/issuers",
    tag = "session",
    security(()),
    request_body = requests::BeginSignIn,
    responses(
        (status = 200, description = "The sign-in", body = BegunSignIn),
        errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn begin_sign_in(
    State(app): State<App>,
    page: OwnPage,
    request: Request,
) -> Result<Json<BegunSignIn>, ApiError> {
    let anonymous = read_anonymous(&app, request).await?;
    let mut errors = ValidationErrors::default();
    let mut fields = Fields::of(anonymous.body()?, &mut errors);
    let provider = fields.required("issuer", |value| {
        let name = check::text(value, 1..=64)?;
        let problem = || Problem::value_error("no issuer of this name signs people in");
        app.providers.named(&name).ok_or_else(problem)
    });
    errors.into_result()?;
    let provider = provider.ok_or(ApiError::Internal)?;
    let redirect_url = format!("{}/sign-in/{}", page.base_url, provider.name());
    let (flow, sealed) = app.vault.begin_flow(provider.name(), redirect_url)?;
    let url = provider.authorization_url(&flow, app.clock.now()).await;
    Ok(Json(BegunSignIn {
        url: url.map_err(|error| unavailable(provider, &error))?,
        flow: URL_SAFE_NO_PAD.encode(sealed),
    }))
}

/// Where an issuer sends the browser. The answer goes into the fragment, which no browser sends anywhere.
pub(crate) async fn come_back(
    State(app): State<App>,
    _reached: Reached,
    Path(issuer): Path<String>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let provider = app.providers.named(&issuer);
    let provider = provider.filter(|_| app.settings.dashboard.enabled);
    let name = provider.ok_or(ApiError::NoSuchRoute)?.name();
    into_fragment(&format!("signed-in/{name}"), &uri)
}

/// Sends the browser to a page of the dashboard, with the query in the fragment.
pub(crate) fn into_fragment(page: &str, uri: &Uri) -> Result<Response, ApiError> {
    let query = uri.query().unwrap_or_default();
    let mut location =
        HeaderValue::try_from(format!("../#/{page}?{query}")).map_err(|_| ApiError::Internal)?;
    location.set_sensitive(true);
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// What the page has when a person comes back from an issuer.
pub(super) struct CameBack {
    /// What [`begin_sign_in`] gave the page.
    pub(super) flow: Wiped<String>,
    /// The issuer in the path to which the person came back.
    pub(super) issuer: Wiped<String>,
    /// The query of the URL to which the person came back.
    pub(super) answer: Wiped<String>,
}

/// Exchanges the code, and begins the session of the person to whom the issuer gave it.
pub(super) async fn begin_session(
    app: &App,
    parts: &Parts,
    came_back: &CameBack,
) -> Result<SignedIn, ApiError> {
    let refused = |reason| refuse(parts, app, reason);
    let flow = URL_SAFE_NO_PAD.decode(came_back.flow.as_bytes());
    let flow = app.vault.open_flow(&flow.unwrap_or_default());
    let flow = flow.map_err(|_| refused("flow_not_accepted"))?;
    // Each issuer has its own path, so that no issuer gets the code of another (RFC 9700, section 4.4.2).
    let provider = app.providers.named(&flow.issuer);
    let provider = provider.filter(|provider| provider.name() == came_back.issuer.as_str());
    let provider = provider.ok_or_else(|| refused("flow_not_accepted"))?;
    let now = app.clock.now();
    let failed = |error: OidcError| match error {
        OidcError::Code => refused("code_not_accepted"),
        error => unavailable(provider, &error),
    };
    let names_itself = provider.names_itself(now).await.map_err(failed)?;
    let answer = Answer::read(&came_back.answer);
    let code = answer
        .as_ref()
        .and_then(|answer| answer.code(&flow.state, provider.issuer(), names_itself))
        .ok_or_else(|| refused("answer_not_accepted"))?;
    let tokens = provider.tokens(&flow, code, now).await.map_err(failed)?;
    let expected = ExpectedSignIn {
        issuer: provider.issuer(),
        nonce: &flow.nonce,
        access_token: tokens.access_token.as_ref().map(|token| token.as_str()),
    };
    let verifying = app.tokens.verify_sign_in(&tokens.id_token, expected, now);
    let verified = verifying.await.map_err(|error| match error {
        JwtError::Unavailable => ApiError::IssuerUnavailable,
        error => {
            let name = provider.name();
            tracing::warn!(issuer.name = name, error = %error, "an issuer's ID token was refused");
            refused("token_not_accepted")
        }
    })?;
    let token = Token::from(verified);
    let limits = app.settings.dashboard.session_limits();
    let begun = app.vault.begin_session_at_issuer(&flow, token, limits);
    begun.await.map_err(|error| match error {
        Error::Unauthenticated => refused("flow_not_accepted"),
        Error::Denied(Denial::NoUser) => {
            refused("user_not_accepted");
            error.into()
        }
        error => error.into(),
    })
}

fn unavailable(provider: &Provider, error: &OidcError) -> ApiError {
    tracing::error!(
        issuer.name = provider.name(),
        %error,
        cause = %root_cause(error),
        "a person cannot sign in at an issuer"
    );
    ApiError::IssuerUnavailable
}
