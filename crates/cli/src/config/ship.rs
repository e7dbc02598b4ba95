//! Where audit records are shipped to.

use toolvault_gateway::HttpError;
use toolvault_gateway::shipping::Receiver;

use super::destination::Destination;
use super::layers::Layers;

const SYSLOG_URLS: &str =
    "expected syslog+tls://HOST:PORT, syslog+tcp://HOST:PORT or syslog+unix:///PATH";

/// A receiver of audit records.
#[derive(Clone)]
pub(crate) struct Shipping {
    pub(crate) destination: Destination,
    /// Whether the end of a TLS connection of syslog that may have been cut acknowledges.
    pub(crate) allows_unclean_end: bool,
}

impl Shipping {
    pub(super) fn of(layers: &mut Layers) -> Option<Self> {
        const URL: &str = "audit.ship.url";
        let destination = Destination::of(layers, "audit.ship")?;
        let is_syslog = destination.url.starts_with("syslog+");
        match Receiver::check(&destination.url, &destination.policy) {
            Err(HttpError::InvalidUrl) if is_syslog => layers.problem_at(URL, SYSLOG_URLS),
            Err(HttpError::PlainHttp) if is_syslog => {
                let advice = "plain TCP is refused, except to this machine: use syslog+tls";
                layers.problem_at(URL, advice);
            }
            Err(error) => layers.problem_at(URL, &error.to_string()),
            Ok(()) => {}
        }
        if is_syslog && destination.headers_file.is_some() {
            layers.problem_at("audit.ship.headers_file", "syslog has no headers");
        }
        Some(Self {
            destination,
            allows_unclean_end: layers.boolean("audit.ship.allow_unclean_end"),
        })
    }
}
