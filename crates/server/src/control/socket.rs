//! The socket in the data directory, on which a running server serves local commands.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::http::Extensions;
use axum::middleware;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toolvault_vault::SystemEntropy;

use super::SOCKET_NAME;
use super::gate::{self, Gate, PeerUid};
use super::token::{Token, TokenFile};
use crate::app::{App, ServerHandle};
use crate::listener::connection::Connection;
use crate::listener::service;
use crate::routes;

/// How long to wait after a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(50);

/// The socket in a data directory, open.
#[expect(
    missing_debug_implementations,
    reason = "its token gives the rights of the root key"
)]
pub struct ControlSocket {
    app: App,
    listener: UnixListener,
    gate: Arc<Gate>,
    path: SocketPath,
    token_file: TokenFile,
}

/// Removes the socket when dropped, so that later connections fail at once.
struct SocketPath(PathBuf);

impl Drop for SocketPath {
    fn drop(&mut self) {
        // If this fails, the next server replaces the file.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl ControlSocket {
    /// Opens the socket in `data_directory`. The server's vault holds the lock of that directory, so an existing socket
    /// belongs to a server that has stopped. `own_uid` is the effective user of this process.
    pub fn bind(data_directory: &Path, server: ServerHandle, own_uid: u32) -> io::Result<Self> {
        let path = data_directory.join(SOCKET_NAME);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // The token first: every client that can connect must find it.
        let (token, token_file) = Token::write(data_directory, &SystemEntropy)?;
        let listener = UnixListener::bind(&path)?;
        let path = SocketPath(path);
        std::fs::set_permissions(&path.0, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self {
            app: server.0,
            listener,
            gate: Arc::new(Gate { own_uid, token }),
            path,
            token_file,
        })
    }

    /// Serves until `shutdown` is cancelled, then finishes requests in flight within the server's time limit.
    pub async fn run(self, shutdown: CancellationToken) {
        let limits = self.app.settings.limits;
        let admit = middleware::from_fn_with_state(self.gate, gate::admit);
        let router = routes::local_router(self.app.clone()).layer(admit);
        let router = service(self.app, router, shutdown.clone());
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let peer = accepted.and_then(|(stream, _)| Ok((about(&stream)?, stream)));
            match peer {
                Ok((about, stream)) => {
                    let connection = Connection {
                        about,
                        router: router.clone(),
                        limits,
                        activity: Arc::default(),
                    };
                    let (stop, close) = (shutdown.clone(), CancellationToken::new());
                    connections.spawn(connection.serve(stream, stop, close));
                }
                Err(error) => {
                    tracing::warn!(error = %error, "a local connection was not accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        drop((self.listener, self.path));
        connections.close();
        if tokio::time::timeout(limits.drain_timeout(), connections.wait())
            .await
            .is_err()
        {
            tracing::warn!("local commands were still in flight when the server ended");
        }
        drop(self.token_file);
    }
}

/// The user of the process at the other end, as the kernel reports it (`SO_PEERCRED`).
fn about(stream: &UnixStream) -> io::Result<Extensions> {
    let mut about = Extensions::new();
    about.insert(PeerUid(stream.peer_cred()?.uid()));
    Ok(about)
}
