//! One connection: HTTP/1.1 or HTTP/2, with limits. A panic affects only its own request.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, Version, header};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::activity::Activity;
use super::leftover::Leftover;
use crate::error::ApiError;
use crate::routes::canonical;
use crate::settings::RequestLimits;

const LONGEST_HEAD: usize = 64 << 10;
const MOST_HEADERS: usize = 100;
const STREAMS: u32 = 100;
const PING_EVERY: Duration = Duration::from_secs(30);
/// How long a connection may take to tell its client that it closes.
const FAREWELL: Duration = Duration::from_millis(100);

/// The parts that serve a connection.
pub(crate) struct Connection {
    /// What the transport knows about the client. Every request carries it.
    pub(crate) about: Extensions,
    pub(crate) router: Router,
    pub(crate) limits: RequestLimits,
    pub(crate) activity: Arc<Activity>,
}

impl Connection {
    /// Serves until the client closes the connection or has sent no request for too long. When `stop` is cancelled, it
    /// finishes the requests in flight; when `close` is cancelled, it closes at once.
    pub(crate) async fn serve<I>(self, stream: I, stop: CancellationToken, close: CancellationToken)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout())
            .max_headers(MOST_HEADERS)
            .max_buf_size(LONGEST_HEAD);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(u32::try_from(LONGEST_HEAD).unwrap_or(u32::MAX))
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(self.limits.header_timeout());
        let Self {
            about,
            router,
            limits,
            activity,
        } = self;
        let requests = Arc::clone(&activity);
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            let (router, in_flight) = (router.clone(), requests.request());
            request.extensions_mut().extend(about.clone());
            async move {
                let response = answer(router, request, limits).await;
                Ok::<_, Infallible>(in_flight.answer(response))
            }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection.into_owned());
        let time_limit = tokio::select! {
            ended = connection.as_mut() => return note(ended),
            () = stop.cancelled() => None,
            () = close.cancelled() => Some(FAREWELL),
            () = disuse(&activity, &limits) => Some(limits.header_timeout()),
        };
        connection.as_mut().graceful_shutdown();
        match time_limit {
            None => note(connection.await),
            Some(limit) => {
                if let Ok(ended) = timeout(limit, connection).await {
                    note(ended);
                }
            }
        }
    }
}

fn note<E: std::fmt::Display>(ended: Result<(), E>) {
    if let Err(error) = ended {
        tracing::debug!(error = %error, "a connection ended early");
    }
}

/// Completes when there has been no request for too long: the first must arrive within the time for a head.
///
/// Hyper limits neither a connection that sends nothing, or only the bytes with which both HTTP/1.1 and HTTP/2 can
/// begin, nor an HTTP/2 connection that only answers pings.
async fn disuse(activity: &Activity, limits: &RequestLimits) {
    loop {
        let (since, has_begun) = activity.unused_since();
        let limit = if has_begun {
            limits.body_timeout()
        } else {
            limits.header_timeout()
        };
        let now = Instant::now();
        match since.map(|since| since + limit) {
            Some(end) if end <= now => return,
            end => sleep_until(end.unwrap_or(now + limit)).await,
        }
    }
}

async fn answer(
    router: Router,
    request: hyper::Request<Incoming>,
    limits: RequestLimits,
) -> Response {
    // In HTTP/1.1, reading makes the client send what it holds back until it gets `100 Continue`. HTTP/2 has no such
    // step, and if a stream is reset while the client still sends, some clients lose the answer.
    let is_leftover_sent =
        request.version() > Version::HTTP_11 || !request.headers().contains_key(header::EXPECT);
    let request = request.map(|body| {
        if is_leftover_sent {
            Body::new(Leftover::new(body, limits.header_timeout()))
        } else {
            Body::new(body)
        }
    });
    respond(router, request).await
}

/// The router's response, with the path in canonical form and a panic turned into 500.
pub(crate) async fn respond(router: Router, mut request: Request) -> Response {
    if let Some(uri) = canonical(request.uri()) {
        *request.uri_mut() = uri;
        if request.method() == Method::HEAD {
            // Neither the original nor MCP has HEAD, but axum answers it wherever there is a GET.
            *request.method_mut() = Method::OPTIONS;
        }
        let mut response = caught(router, request).await;
        without_head(response.headers_mut());
        return response;
    }
    caught(router, request).await
}

/// Takes HEAD out of `Allow`, where axum adds it to GET.
fn without_head(headers: &mut HeaderMap) {
    if let Some(allowed) = headers.get_mut(header::ALLOW)
        && let Ok(text) = allowed.to_str()
    {
        let others: Vec<&str> = text.split(',').filter(|method| *method != "HEAD").collect();
        if let Ok(value) = HeaderValue::try_from(others.join(",")) {
            *allowed = value;
        }
    }
}

async fn caught(router: Router, request: Request) -> Response {
    let answering = AssertUnwindSafe(router.oneshot(request)).catch_unwind();
    match answering.await {
        Ok(Ok(response)) => response,
        Err(_) => {
            tracing::error!("a handler panicked; its request was answered with 500");
            ApiError::Internal.into_response()
        }
    }
}
