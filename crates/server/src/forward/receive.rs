//! The receiving side: opens a forwarded request and answers it.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::{BodyExt as _, Limited};
use tokio::time::timeout;
use toolvault_core::confidential::Wiped;
use toolvault_core::replica::{ForwardedHead, Passage};
use toolvault_vault::ForwardError;

use super::{HEAD, PROOF};
use crate::app::{App, Stopping};
use crate::error::ApiError;
use crate::extract::source::{Local, Peer};
use crate::listener::respond;
use crate::request_log::{RequestActor, RequestId};

/// Marks a request that another server forwarded.
#[derive(Clone, Copy)]
pub(crate) struct Received;

/// Answers a forwarded request. For all other senders the route does not exist.
///
/// What arrived on the connection of the other server is not used: the whole request is in the sealed parts.
pub(crate) async fn receive(
    State((app, router)): State<(App, Router)>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let opened = match open(&app, &parts) {
        Ok(opened) => opened,
        Err(refused) => return refused.into_response(),
    };
    let (passage, head) = opened;
    let request = match inner(&app, parts.extensions, &passage, head, body).await {
        Ok(request) => request,
        Err(refused) => return refused.into_response(),
    };
    let mut response = respond(router, request).await;
    if let Ok(proof) = HeaderValue::from_maybe_shared(passage.proof()) {
        response.headers_mut().insert(PROOF, proof);
    }
    response
}

/// Opens the head, before the body is read.
fn open(app: &App, parts: &Parts) -> Result<(Passage, ForwardedHead), ApiError> {
    let sealed = parts.headers.get(HEAD).ok_or(ApiError::NoSuchRoute)?;
    let sealed = URL_SAFE_NO_PAD
        .decode(sealed)
        .map_err(|_| ApiError::NoSuchRoute)?;
    app.vault.open_forwarded(&sealed).map_err(|refused| {
        let error = &refused as &dyn std::error::Error;
        if matches!(refused, ForwardError::Forged(_)) {
            // Anyone can send these.
            tracing::debug!(error, "a forged request was refused");
        } else {
            tracing::warn!(error, "a request that a server forwarded was refused");
        }
        ApiError::NoSuchRoute
    })
}

/// The request as it arrived at the other server.
async fn inner(
    app: &App,
    outer: Extensions,
    passage: &Passage,
    head: ForwardedHead,
    body: Body,
) -> Result<Request, ApiError> {
    let limits = app.settings.limits;
    let largest = app.entrance().message_bytes.max(limits.body_bytes);
    let body = Limited::new(body, largest + Passage::OVERHEAD);
    let sealed = timeout(limits.body_timeout(), body.collect())
        .await
        .map_err(|_| ApiError::BodyTimeout)?
        .map_err(|_| ApiError::BodyIncomplete)?;
    let body = passage
        .open_body(&sealed.to_bytes())
        .map_err(|_| ApiError::NoSuchRoute)?;
    let body = Bytes::from_owner(Wiped::new(body.expose().to_vec()));
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = head.method.parse().map_err(|_| ApiError::Internal)?;
    *request.uri_mut() = head.uri.parse().map_err(|_| ApiError::Internal)?;
    *request.headers_mut() = headers(&head).ok_or(ApiError::Internal)?;
    let extensions = request.extensions_mut();
    extensions.insert(Received);
    extensions.insert(Peer(head.peer));
    extensions.insert(Local(head.local));
    extensions.insert(RequestId(head.request_id));
    keep::<RequestActor>(&outer, extensions);
    keep::<Stopping>(&outer, extensions);
    Ok(request)
}

fn headers(head: &ForwardedHead) -> Option<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(head.headers.len());
    for (name, text) in &head.headers {
        let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
        let name = HeaderName::try_from(name).ok()?;
        headers.append(name, HeaderValue::try_from(bytes.ok()?).ok()?);
    }
    Some(headers)
}

fn keep<T: Clone + Send + Sync + 'static>(from: &Extensions, to: &mut Extensions) {
    if let Some(one) = from.get::<T>() {
        to.insert(one.clone());
    }
}
