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
    ext_mcp: Option<Bound>,
}

/// Where a server listens.
pub(super) struct Listeners {
    pub(super) api: TcpListener,
    pub(super) metrics: Option<TcpListener>,
    pub(super) ext_mcp: Option<TcpListener>,
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
        let ext_mcp = settings.ext_mcp.as_ref().map(|ext_mcp| ext_mcp.listen);
        for address in [settings.listen].into_iter().chain(ext_mcp) {
            if settings.tls.is_none() && !address.ip().is_loopback() && !settings.insecure_http {
                return Err(ServeError::PlainHttp(address));
            }
        }
        if let Some(files) = &settings.tls {
            Loaded::read(files)?;
        }
        Ok(Self {
            api: Bound::new(settings.listen)?,
            metrics: settings.metrics_listen.map(Bound::new).transpose()?,
            ext_mcp: ext_mcp.map(Bound::new).transpose()?,
            settings,
        })
    }

    /// Listens at all addresses.
    pub(super) fn listen(self) -> Result<(ServerSettings, Listeners), ServeError> {
        let listeners = Listeners {
            metrics: self.metrics.map(Bound::listen).transpose()?,
            ext_mcp: self.ext_mcp.map(Bound::listen).transpose()?,
            api: self.api.listen()?,
        };
        Ok((self.settings, listeners))
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
