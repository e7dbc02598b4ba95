//! Giving tokens back (RFC 7009).

use super::client::{Form, Identity};
use super::error::OAuthError;
use super::issuer::Issuer;
use super::site::Site;
use super::token::refused;
use crate::http::{Method, StatusCode};

/// Revokes a token. `false` if the authorization server has no way to.
pub(crate) async fn revoke(
    site: &Site,
    issuer: &Issuer,
    client: &Identity<'_>,
    token: &str,
    hint: &str,
) -> Result<bool, OAuthError> {
    let Some(endpoint) = &issuer.revocation_endpoint else {
        return Ok(false);
    };
    let (mut form, mut headers) = (Form::default(), Form::headers());
    form.add("token", token);
    form.add("token_type_hint", hint);
    client.sign(&mut form, &mut headers);
    let body = form.into_body();
    let answer = site.send("the revocation", Method::POST, endpoint, headers, body);
    let answer = answer.await?;
    if answer.status == StatusCode::OK {
        Ok(true)
    } else {
        Err(refused(&answer))
    }
}
