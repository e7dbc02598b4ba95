//! The look-up of host names: what it returns was judged, and nothing else is connected to.
//!
//! The transport asks once for each new connection and connects to one of the addresses in the
//! answer, so a name that changes its address between check and connection gains nothing.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{self, AddressRefused};
use super::error::BoxError;

/// The addresses of a look-up, once they are there.
pub(super) type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Where the addresses of a host name come from.
pub(super) trait Lookup: Send + Sync {
    /// All addresses of `host`, unjudged.
    fn addresses(&self, host: String) -> Addresses;
}

/// The resolver of the operating system.
pub(super) struct SystemLookup;

impl Lookup for SystemLookup {
    fn addresses(&self, host: String) -> Addresses {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// A [`Lookup`] whose every answer is judged before it is used.
pub(super) struct CheckedResolver {
    lookup: Arc<dyn Lookup>,
    allow_private_network: bool,
}

impl fmt::Debug for CheckedResolver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CheckedResolver")
            .field("allow_private_network", &self.allow_private_network)
            .finish_non_exhaustive()
    }
}

impl CheckedResolver {
    pub(super) fn new(lookup: Arc<dyn Lookup>, allow_private_network: bool) -> Self {
        Self {
            lookup,
            allow_private_network,
        }
    }
}

/// The addresses of a host, if a connection to every one of them may be opened.
pub(super) async fn look_up(
    lookup: &dyn Lookup,
    host: String,
    allow_private_network: bool,
) -> Result<Vec<IpAddr>, BoxError> {
    // RFC 6761, section 6.3: these names mean this machine, whatever a name server says.
    let must_be_loopback = address::is_localhost(&host);
    let addresses = lookup.addresses(host).await?;
    // One bad address refuses the name: an answer that mixes both kinds is an attack.
    let all_allowed = addresses.iter().all(|&address| {
        address::is_allowed(address, allow_private_network)
            && (!must_be_loopback || address::is_loopback(address))
    });
    if all_allowed {
        Ok(addresses)
    } else {
        Err(AddressRefused.into())
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let allow_private_network = self.allow_private_network;
        let lookup = Arc::clone(&self.lookup);
        Box::pin(async move {
            let addresses = look_up(lookup.as_ref(), host, allow_private_network).await?;
            let checked: Addrs = Box::new(
                addresses
                    .into_iter()
                    .map(|address| SocketAddr::new(address, 0)),
            );
            Ok(checked)
        })
    }
}
