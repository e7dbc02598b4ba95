//! TCP connections for other protocols than HTTP, under the same rules about where they may lead.

use std::net::SocketAddr;

use reqwest::Url;
use tokio::net::TcpStream;

use super::address::AddressRefused;
use super::error::HttpError;
use super::policy::{HttpPolicy, bare_host};
use super::resolver::{SystemLookup, look_up};

/// A connection to host and port of `url`, whose addresses are judged as those of a request.
pub(crate) async fn connect(policy: &HttpPolicy, url: &Url) -> Result<TcpStream, HttpError> {
    let host = url.host_str().map(bare_host).ok_or(HttpError::InvalidUrl)?;
    let port = url.port().ok_or(HttpError::InvalidUrl)?;
    let connecting = async {
        let addresses = look_up(&SystemLookup, host.to_owned(), policy.allow_private_network).await;
        let addresses = addresses.map_err(|error| {
            if error.is::<AddressRefused>() {
                HttpError::ForbiddenAddress
            } else {
                HttpError::UnknownHost(error)
            }
        })?;
        let addresses: Vec<_> = addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .collect();
        let connected = TcpStream::connect(addresses.as_slice()).await;
        connected.map_err(|error| HttpError::Unreachable(error.into()))
    };
    tokio::time::timeout(policy.connect_timeout, connecting)
        .await
        .map_err(|_elapsed| HttpError::Timeout)?
}
