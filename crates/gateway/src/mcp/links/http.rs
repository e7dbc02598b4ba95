//! A server over Streamable HTTP.

use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use ::http::{HeaderMap, HeaderValue, Method, StatusCode};
use bytes::Bytes;
use toolvault_core::confidential::Wiped;

use super::exchange::{Content, Events, Exchange, Question};
use crate::http::{GuardedClient, Opening};
use crate::mcp::protocol::headers::SESSION_ID;
use crate::mcp::refusal::UpstreamError;
use crate::oauth::challenge::Challenge;

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

/// Asks the server at `url`. `credentials` and the token win over every header of the question.
pub(super) async fn ask(
    client: &GuardedClient,
    url: &str,
    credentials: &HeaderMap,
    token: Option<&HeaderValue>,
    session: Option<&str>,
    question: Question,
    limit: usize,
) -> Result<Exchange, UpstreamError> {
    let Question {
        method,
        mut headers,
        body,
        silence,
    } = question;
    let accept = if method == Method::POST {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        "application/json, text/event-stream"
    } else {
        EVENTS
    };
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    if let Some(session) = session.and_then(|session| HeaderValue::from_str(session).ok()) {
        headers.insert(SESSION_ID, session);
    }
    for (name, value) in credentials {
        headers.insert(name.clone(), value.clone());
    }
    if let Some(token) = token {
        headers.insert(AUTHORIZATION, token.clone());
    }
    let is_request = method == Method::POST;
    let asking = client.open(method, url, headers, Bytes::from_owner(body));
    let opening = match silence {
        Some(silence) => tokio::time::timeout(silence, asking)
            .await
            .map_err(|_elapsed| UpstreamError::Silent)??,
        None => asking.await?,
    };
    let exchange = read(opening, limit, silence).await?;
    // A server that lacks the route of the stream (GET) answers 404, too: that says nothing about the session.
    if exchange.status == StatusCode::NOT_FOUND && session.is_some() && is_request {
        return Err(UpstreamError::SessionEnded);
    }
    Ok(exchange)
}

async fn read(
    opening: Opening,
    limit: usize,
    silence: Option<std::time::Duration>,
) -> Result<Exchange, UpstreamError> {
    let status = opening.status;
    if status.is_redirection() || opening.headers.contains_key(LOCATION) {
        return Err(UpstreamError::Redirect);
    }
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        let challenge = Challenge::of(&opening.headers).map(Box::new);
        return Err(UpstreamError::Challenged(status, challenge));
    }
    let seconds = text(&opening.headers, RETRY_AFTER.as_str()).and_then(|text| text.parse().ok());
    if status == StatusCode::TOO_MANY_REQUESTS
        || (status == StatusCode::SERVICE_UNAVAILABLE && seconds.is_some())
    {
        return Err(UpstreamError::Busy { status, seconds });
    }
    let session = text(&opening.headers, SESSION_ID).map(str::to_owned);
    let kind = text(&opening.headers, CONTENT_TYPE.as_str())
        .and_then(|kind| kind.split(';').next())
        .map(|kind| kind.trim().to_ascii_lowercase());
    let content = match kind.as_deref() {
        Some(EVENTS) if status.is_success() => {
            Content::Events(Events::of_http(opening, limit, silence))
        }
        Some(JSON) => match silence {
            // A body that arrives slowly has as much time, in all, as a server may be silent.
            Some(silence) => tokio::time::timeout(silence, whole(opening, limit))
                .await
                .map_err(|_elapsed| UpstreamError::Silent)??,
            None => whole(opening, limit).await?,
        },
        _ => Content::Empty,
    };
    Ok(Exchange {
        status,
        session,
        content,
    })
}

async fn whole(mut opening: Opening, limit: usize) -> Result<Content, UpstreamError> {
    let mut body = Wiped::new(Vec::new());
    while let Some(chunk) = opening.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Err(UpstreamError::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(if body.is_empty() {
        Content::Empty
    } else {
        Content::Message(body)
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
