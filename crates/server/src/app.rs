//! What every handler shares.

use std::ops::Deref;
use std::sync::Arc;

use toolvault_vault::{Clock, SystemClock, Vault};

use crate::jwt::{IssuerConfigError, JwtVerifier};
use crate::limits::rate::RateLimiter;
use crate::limits::throttle::Throttle;
use crate::metrics::Metrics;
use crate::settings::ServerSettings;

/// The state of the server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) vault: Vault,
    pub(crate) tokens: JwtVerifier,
    pub(crate) settings: ServerSettings,
    pub(crate) throttle: Throttle,
    pub(crate) rate: RateLimiter,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Arc<dyn Clock>,
}

impl App {
    pub(crate) fn new(vault: Vault, settings: ServerSettings) -> Result<Self, IssuerConfigError> {
        let limits = settings.limits;
        Ok(Self(Arc::new(Parts {
            vault,
            tokens: JwtVerifier::new(settings.issuers.clone())?,
            throttle: Throttle::new(limits.sign_in_failures_per_minute),
            rate: RateLimiter::new(limits.requests_per_second),
            metrics: Metrics::new(),
            clock: Arc::new(SystemClock),
            settings,
        })))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
