//! What every handler shares.

use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

use tokio_util::sync::CancellationToken;
use toolvault_gateway::GatewaySettings;
use toolvault_gateway::mcp::Gateway;
use toolvault_vault::{Clock, SystemClock, SystemEntropy, Vault};

use crate::entrance::{Entrance, GatewaySettingsError};
use crate::jwt::JwtVerifier;
use crate::limits::rate::RateLimiter;
use crate::limits::throttle::Throttle;
use crate::metrics::Metrics;
use crate::serve_error::ServeError;
use crate::settings::ServerSettings;

/// The state of the server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) vault: Vault,
    pub(crate) gateway: Gateway,
    entrance: RwLock<Arc<Entrance>>,
    pub(crate) tokens: JwtVerifier,
    pub(crate) settings: ServerSettings,
    pub(crate) throttle: Throttle,
    pub(crate) rate: RateLimiter,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Arc<dyn Clock>,
}

impl App {
    pub(crate) fn new(vault: Vault, settings: ServerSettings) -> Result<Self, ServeError> {
        let limits = settings.limits;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entrance = Entrance::new(&settings.gateway)?;
        let gateway = Gateway::new(
            vault.clone(),
            settings.gateway.clone(),
            Arc::clone(&clock),
            Arc::new(SystemEntropy),
        )
        .map_err(GatewaySettingsError::from)?;
        Ok(Self(Arc::new(Parts {
            vault,
            metrics: Metrics::new(&gateway),
            gateway,
            entrance: RwLock::new(Arc::new(entrance)),
            tokens: JwtVerifier::new(settings.issuers.clone())?,
            throttle: Throttle::new(limits.sign_in_failures_per_minute),
            rate: RateLimiter::new(limits.requests_per_second),
            clock,
            settings,
        })))
    }

    /// How the gateway is reached, as it was last configured.
    pub(crate) fn entrance(&self) -> Arc<Entrance> {
        let entrance = self.entrance.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&entrance)
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Called when the server is told to stop.
#[derive(Clone)]
pub(crate) struct Stopping(pub(crate) CancellationToken);

/// Reaches a server while it runs. Cheap to clone.
#[derive(Clone)]
pub struct ServerHandle(pub(crate) App);

impl std::fmt::Debug for ServerHandle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ServerHandle")
            .finish_non_exhaustive()
    }
}

impl ServerHandle {
    /// Has the gateway go on with other settings. If they cannot be used, it goes on as it was.
    pub fn reload_gateway(&self, settings: GatewaySettings) -> Result<(), GatewaySettingsError> {
        let entrance = Entrance::new(&settings)?;
        self.0.gateway.reload(settings)?;
        let mut known = self
            .0
            .entrance
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *known = Arc::new(entrance);
        Ok(())
    }
}
