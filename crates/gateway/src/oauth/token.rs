//! Tokens for a code, a refresh token or a machine (RFC 6749, sections 4.1.3, 4.4 and 6, RFC 7523 and RFC 8707).

use toolvault_core::confidential::{Confidential, Wiped};
use toolvault_core::json::{Object, unambiguous as json};
use toolvault_core::timestamp::{SECOND, Timestamp};

use super::challenge::scopes;
use super::client::{Form, Identity};
use super::error::OAuthError;
use super::issuer::Issuer;
use super::site::Site;
use crate::http::{HeaderValue, Method, Response, StatusCode};

const WHAT: &str = "a token";
/// The most bytes of a token.
const LONGEST: usize = 16 << 10;
/// The longest time for which a token is believed to be good, in seconds.
const LONGEST_LIFE: f64 = 366.0 * 86_400.0;
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// What a token is asked for.
pub(crate) enum Grant<'a> {
    Code {
        code: &'a str,
        verifier: &'a str,
        redirect_uri: &'a str,
    },
    Refresh(&'a str),
    /// The client itself.
    Client,
    /// A signed assertion of who the client acts for.
    Assertion(&'a str),
}

/// A request for a token.
pub(crate) struct TokenRequest<'a> {
    pub(crate) grant: Grant<'a>,
    pub(crate) client: Identity<'a>,
    pub(crate) resource: &'a str,
    /// The scopes that are asked for, or were granted when a token is renewed.
    pub(crate) scopes: &'a [String],
}

/// What an authorization server gave.
pub(crate) struct Tokens {
    pub(crate) access_token: Confidential,
    pub(crate) refresh_token: Option<Confidential>,
    /// `None` if the server does not say.
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) scopes: Vec<String>,
}

impl TokenRequest<'_> {
    /// Asks the authorization server. `now` is when the life of the token begins.
    pub(crate) async fn send(
        &self,
        site: &Site,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<Tokens, OAuthError> {
        let (mut form, mut headers) = (Form::default(), Form::headers());
        self.write(&mut form);
        self.client.sign(&mut form, &mut headers);
        let url = &issuer.token_endpoint;
        let answer = site.send(WHAT, Method::POST, url, headers, form.into_body());
        let answer = answer.await?;
        if answer.status != StatusCode::OK {
            return Err(refused(&answer));
        }
        self.read(&answer.body, now)
    }

    fn write(&self, form: &mut Form) {
        match self.grant {
            Grant::Code {
                code,
                verifier,
                redirect_uri,
            } => {
                form.add("grant_type", "authorization_code");
                form.add("code", code);
                form.add("redirect_uri", redirect_uri);
                form.add("code_verifier", verifier);
            }
            Grant::Refresh(token) => {
                form.add("grant_type", "refresh_token");
                form.add("refresh_token", token);
            }
            Grant::Client => form.add("grant_type", "client_credentials"),
            Grant::Assertion(assertion) => {
                form.add("grant_type", JWT_BEARER);
                form.add("assertion", assertion);
            }
        }
        form.add("resource", self.resource);
        // A code and a refresh token already stand for the scopes that were granted.
        if matches!(self.grant, Grant::Client | Grant::Assertion(_)) && !self.scopes.is_empty() {
            form.add("scope", &self.scopes.join(" "));
        }
    }

    fn read(&self, body: &[u8], now: Timestamp) -> Result<Tokens, OAuthError> {
        let malformed = OAuthError::Malformed;
        let document = json::object(body).ok_or(malformed(
            "the authorization server's answer with the token is no object",
        ))?;
        let kind = document.get("token_type").and_then(json::text);
        if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
            return Err(malformed(
                "the authorization server gives no token of type Bearer",
            ));
        }
        let access_token = token(document, "access_token").filter(fits_header);
        Ok(Tokens {
            access_token: access_token.ok_or(malformed(
                "the authorization server's answer has no token that can be sent",
            ))?,
            refresh_token: token(document, "refresh_token"),
            expires_at: lifetime(document).map(|seconds| now.plus(seconds.saturating_mul(SECOND))),
            scopes: match document.get("scope").and_then(json::text) {
                Some(granted) => scopes(&granted),
                None => self.scopes.to_vec(),
            },
        })
    }
}

fn token(document: Object<'_>, name: &str) -> Option<Confidential> {
    let token = document.get(name)?.as_text()?.ok()?;
    let token: Wiped<String> = token;
    (1..=LONGEST)
        .contains(&token.len())
        .then(|| Confidential::from(token))
}

/// Whether a token can stand after `Bearer ` (RFC 6750, section 2.1; more characters than its grammar, as in practice).
fn fits_header(token: &Confidential) -> bool {
    token
        .expose()
        .iter()
        .all(|byte| (0x21..=0x7e).contains(byte))
}

/// The seconds for which the token is good. Some servers write the number as text.
fn lifetime(document: Object<'_>) -> Option<i64> {
    let value = document.get("expires_in")?;
    let written = value.as_number().map(str::to_owned);
    let seconds: f64 = written.or_else(|| json::text(value))?.parse().ok()?;
    if !(0.0..=LONGEST_LIFE).contains(&seconds) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is within a year")]
    Some(seconds as i64)
}

/// What an answer without a token means (RFC 6749, section 5.2).
pub(super) fn refused(answer: &Response) -> OAuthError {
    let error = json::object(&answer.body)
        .and_then(|document| document.get("error"))
        .and_then(json::text);
    let is_client_error = answer.status.is_client_error();
    match error.as_deref() {
        Some("invalid_grant") if is_client_error => OAuthError::Grant,
        Some("invalid_client" | "unauthorized_client") if is_client_error => OAuthError::Client,
        Some("invalid_scope") if is_client_error => OAuthError::Scope,
        Some("invalid_target") => OAuthError::Refused("invalid_target"),
        Some("invalid_request") => OAuthError::Refused("invalid_request"),
        Some("unsupported_grant_type") => OAuthError::Refused("unsupported_grant_type"),
        _ => OAuthError::Status {
            what: WHAT,
            status: answer.status,
        },
    }
}

/// `Bearer <token>`, never logged.
pub(crate) fn bearer(token: &Confidential) -> Option<HeaderValue> {
    let mut text = Wiped::new(Vec::with_capacity(7 + token.expose().len()));
    text.extend_from_slice(b"Bearer ");
    text.extend_from_slice(token.expose());
    let value = HeaderValue::from_maybe_shared(bytes::Bytes::from_owner(text));
    let mut value = value.ok()?;
    value.set_sensitive(true);
    Some(value)
}
