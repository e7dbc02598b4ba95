//! Connections: accepted within a limit, served with time limits, and finished before the server stops.

pub(crate) mod activity;
pub(crate) mod connection;
mod leftover;
mod prepared;
mod slots;
mod stall;
mod workers;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::http::Extensions;
use axum::middleware;
use axum::routing::get;
use axum::{Extension, Router};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toolvault_vault::Vault;

use self::connection::Connection;
pub(crate) use self::connection::respond;
use self::prepared::Listeners;
pub use self::prepared::Prepared;
use self::slots::{Connections, Slot};
use self::stall::Stall;
pub use self::workers::Workers;
use crate::api::health;
use crate::app::{App, ServerHandle, Stopping};
use crate::ext_mcp;
use crate::extract::source::{Local, Peer};
use crate::limits::throttle::network;
use crate::request_log::log_request;
use crate::routes;
use crate::serve_error::ServeError;
use crate::tls::Certificate;

/// A server that listens but does not accept yet.
pub struct Server {
    app: App,
    listeners: Listeners,
    address: SocketAddr,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Listens at the addresses.
    pub fn new(vault: Vault, prepared: Prepared) -> Result<Self, ServeError> {
        let (mut settings, listeners) = prepared.listen()?;
        let address = settings.listen;
        let address = (listeners.api)
            .local_addr()
            .map_err(|source| ServeError::Listen { address, source })?;
        settings.listen = address;
        let app = App::new(vault, settings)?;
        Ok(Self {
            app,
            listeners,
            address,
        })
    }

    /// The bound address, with its port.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// The address at which metrics are served without a credential, with its port.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.listeners.metrics.as_ref()?.local_addr().ok()
    }

    /// The address at which another gateway asks, with its port.
    pub fn ext_mcp_address(&self) -> Option<SocketAddr> {
        self.listeners.ext_mcp.as_ref()?.local_addr().ok()
    }

    /// A handle for the server when it runs.
    pub fn handle(&self) -> ServerHandle {
        ServerHandle(self.app.clone())
    }

    /// Serves on `workers` until `shutdown` is cancelled, then finishes requests in flight and stops the gateway's programs.
    pub async fn run(
        self,
        workers: &Workers,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError> {
        let limits = self.app.settings.limits;
        let router = routes::router(self.app.clone());
        let router = service(self.app.clone(), router, shutdown.clone());
        let is_tls = self.app.certificate.is_some();
        let api = accept(
            self.listeners.api,
            is_tls,
            router,
            self.app.clone(),
            workers,
            shutdown.clone(),
        );
        let certificate = async {
            if let Some(certificate) = &self.app.certificate {
                certificate.follow(shutdown.clone()).await;
            }
        };
        let metrics = async {
            if let Some(listener) = self.listeners.metrics {
                let app = self.app.clone();
                let metrics = get(move || async move { health::encoded(&app).await });
                let router = Router::new().route("/metrics", metrics);
                let app = self.app.clone();
                accept(listener, false, router, app, workers, shutdown.clone()).await;
            }
        };
        // Boxed, because few servers have it.
        let ext_mcp = Box::pin(async {
            if let Some(listener) = self.listeners.ext_mcp {
                let router = ext_mcp::router(self.app.clone());
                let router = service(self.app.clone(), router, shutdown.clone());
                let app = self.app.clone();
                accept(listener, is_tls, router, app, workers, shutdown.clone()).await;
            }
        });
        let orderly = async {
            tokio::join!(api, metrics, ext_mcp, certificate);
            self.app.gateway.close().await;
        };
        let overdue = async {
            shutdown.cancelled().await;
            tokio::time::sleep(limits.shutdown_timeout()).await;
        };
        tokio::select! {
            () = orderly => tracing::debug!("all connections have ended"),
            () = overdue => tracing::warn!("the gateway's programs took too long to stop"),
        }
        Ok(())
    }
}

/// The router, with the layers for every request.
pub(crate) fn service(app: App, router: Router, shutdown: CancellationToken) -> Router {
    router
        .layer(middleware::from_fn_with_state(app, log_request))
        .layer(Extension(Stopping(shutdown)))
}

/// Serves connections until `shutdown` is cancelled, then waits for the open ones.
pub(crate) async fn accept(
    listener: TcpListener,
    is_tls: bool,
    router: Router,
    app: App,
    workers: &Workers,
    shutdown: CancellationToken,
) {
    let limits = app.settings.limits;
    let connections = Connections::new(limits.connections);
    let tasks = TaskTracker::new();
    while let Some((stream, peer)) = next(&listener, &shutdown).await {
        let Ok(local) = stream.local_addr() else {
            continue;
        };
        let Ok(stream) = stream.into_std() else {
            continue;
        };
        let slot = tokio::select! {
            () = shutdown.cancelled() => break,
            slot = connections.admit(source_of(peer, &app)) => slot,
        };
        let Some(slot) = slot else {
            tracing::debug!(%peer, "a source has too many connections");
            continue;
        };
        let mut about = Extensions::new();
        about.insert(Peer(peer));
        about.insert(Local(local));
        let connection = Connection {
            about,
            router: router.clone(),
            limits,
            activity: Arc::clone(&slot.activity),
        };
        let certificate = app.certificate.as_ref().filter(|_| is_tls);
        let (tls, stop) = (certificate.map(Certificate::acceptor), shutdown.clone());
        let place = workers.place();
        let runtime = place.runtime.clone();
        let serving = async move {
            // The stream belongs to the runtime in which this runs.
            if let Ok(stream) = TcpStream::from_std(stream) {
                serve(connection, stream, tls, stop, &slot).await;
            }
            drop(place);
        };
        tasks.spawn_on(serving, &runtime);
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(limits.drain_timeout(), tasks.wait())
        .await
        .is_err()
    {
        tracing::warn!("requests were still in flight when the server ended");
    }
}

/// The next connection; `None` once `shutdown` is cancelled.
async fn next(
    listener: &TcpListener,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(accepted) => return Some(accepted),
            Err(error) => {
                // Probably out of file descriptors: give some connections time to end.
                tracing::warn!(error = %error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// The source whose share a connection counts against. A trusted proxy stands for many clients, so it has none.
fn source_of(peer: SocketAddr, app: &App) -> Option<IpAddr> {
    let address = peer.ip().to_canonical();
    let proxies = &app.settings.trusted_proxies;
    let is_proxy = proxies.iter().any(|net| net.contains(&address));
    (!is_proxy).then(|| network(address))
}

async fn serve(
    connection: Connection,
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
    slot: &Slot,
) {
    // A small answer must not wait for more data.
    let _ = stream.set_nodelay(true);
    let stream = Stall::new(stream, connection.limits.body_timeout());
    let close = slot.close.clone();
    let Some(tls) = tls else {
        return connection.serve(stream, stop, close).await;
    };
    let handshake = tokio::time::timeout(connection.limits.header_timeout(), tls.accept(stream));
    let handshake = tokio::select! {
        () = close.cancelled() => return,
        () = stop.cancelled() => return,
        handshake = handshake => handshake,
    };
    match handshake {
        Ok(Ok(stream)) => connection.serve(stream, stop, close).await,
        Ok(Err(error)) => tracing::debug!(error = %error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}
