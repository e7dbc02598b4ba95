//! What a server needs besides its store, so that a store is set up only for a server that can serve.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use crate::serve_error::ServeError;
use crate::settings::ServerSettings;
use crate::tls::Loaded;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;

/// The settings of a server, checked, and its addresses, which are bound. It does not listen yet.
pub struct Prepared {
    pub(super) settings: ServerSettings,
    api: Bound,
    metrics: Option<Bound>,
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Prepared")
            .field("address", &self.api.address)
            .finish_non_exhaustive()
    }
}

impl Prepared {
    /// Refuses plain HTTP that other machines could reach, reads the certificate, and binds the addresses.
    pub fn new(settings: ServerSettings) -> Result<Self, ServeError> {
        let address = settings.listen;
        if settings.tls.is_none() && !address.ip().is_loopback() && !settings.insecure_http {
            return Err(ServeError::PlainHttp(address));
        }
        if let Some(files) = &settings.tls {
            Loaded::read(files)?;
        }
        Ok(Self {
            api: Bound::new(address)?,
            metrics: settings.metrics_listen.map(Bound::new).transpose()?,
            settings,
        })
    }

    /// Listens, at the API's address and at that of the metrics.
    pub(super) fn listen(
        self,
    ) -> Result<(ServerSettings, TcpListener, Option<TcpListener>), ServeError> {
        let metrics = self.metrics.map(Bound::listen).transpose()?;
        Ok((self.settings, self.api.listen()?, metrics))
    }
}

/// A socket that has its address, but does not listen.
struct Bound {
    socket: TcpSocket,
    address: SocketAddr,
}

impl Bound {
    fn new(address: SocketAddr) -> Result<Self, ServeError> {
        let bind = || {
            let socket = if address.is_ipv4() {
                TcpSocket::new_v4()?
            } else {
                TcpSocket::new_v6()?
            };
            // A server that ended just now leaves connections at this address.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            Ok(socket)
        };
        match bind() {
            Ok(socket) => Ok(Self { socket, address }),
            Err(source) => Err(ServeError::Listen { address, source }),
        }
    }

    fn listen(self) -> Result<TcpListener, ServeError> {
        let address = self.address;
        let listening = self.socket.listen(BACKLOG);
        listening.map_err(|source| ServeError::Listen { address, source })
    }
}
