//! One connection: HTTP/1.1 or HTTP/2, with limits, and a panic kept to its request.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, Version, header};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::leftover::Leftover;
use crate::error::ApiError;
use crate::extract::source::{Local, Peer};
use crate::routes::canonical;
use crate::settings::RequestLimits;

const LONGEST_HEAD: usize = 64 << 10;
const MOST_HEADERS: usize = 100;
const STREAMS: u32 = 100;
const PING_EVERY: Duration = Duration::from_secs(30);

/// What a connection is served with.
pub(super) struct Connection {
    pub(super) peer: SocketAddr,
    pub(super) local: SocketAddr,
    pub(super) router: Router,
    pub(super) limits: RequestLimits,
}

impl Connection {
    /// Serves until the client or the shutdown ends it.
    pub(super) async fn serve<I>(self, stream: I, watcher: Watcher)
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
            peer,
            local,
            router,
            limits,
        } = self;
        let begun = CancellationToken::new();
        let first_request = begun.clone();
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            begun.cancel();
            let router = router.clone();
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(Local(local));
            async move { Ok::<_, Infallible>(answer(router, request, limits).await) }
        });
        let connection = builder
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        tokio::select! {
            ended = watcher.watch(connection) => if let Err(error) = ended {
                tracing::debug!(error = %error, "a connection ended early");
            },
            () = silence(&first_request, limits.header_timeout()) => {
                tracing::debug!("no request arrived in time");
            }
        }
    }
}

/// Ends when no request has come within `limit`, and never once one has.
///
/// The time limit of HTTP/1.1 begins with the first byte that rules HTTP/2 out; whoever sends nothing, or
/// only what both begin with, would keep the connection for ever.
async fn silence(first_request: &CancellationToken, limit: Duration) {
    if tokio::time::timeout(limit, first_request.cancelled())
        .await
        .is_ok()
    {
        std::future::pending::<()>().await;
    }
}

async fn answer(
    router: Router,
    request: hyper::Request<Incoming>,
    limits: RequestLimits,
) -> Response {
    // HTTP/2 has a way to say that the rest is not wanted; and to read is to ask for what a client holds
    // back until it is told to continue.
    let is_leftover_sent =
        request.version() <= Version::HTTP_11 && !request.headers().contains_key(header::EXPECT);
    let mut request: Request = request.map(|body| {
        if is_leftover_sent {
            Body::new(Leftover::new(body, limits.header_timeout()))
        } else {
            Body::new(body)
        }
    });
    if let Some(uri) = canonical(request.uri()) {
        *request.uri_mut() = uri;
        if request.method() == Method::HEAD {
            // The original has no HEAD, nor has MCP; axum would answer it wherever there is a GET. Any method
            // without a route gets the 405 with the right `Allow`.
            *request.method_mut() = Method::OPTIONS;
        }
    }
    let answering = AssertUnwindSafe(router.oneshot(request)).catch_unwind();
    match answering.await {
        Ok(Ok(response)) => response,
        Err(_) => {
            tracing::error!("a handler panicked; its request was answered with 500");
            ApiError::Internal.into_response()
        }
    }
}
