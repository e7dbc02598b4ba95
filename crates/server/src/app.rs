//! What every handler shares.

use std::ops::Deref;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use toolvault_gateway::GatewaySettings;
use toolvault_gateway::mcp::Gateway;
use toolvault_vault::{Clock, SystemClock, SystemEntropy, Vault};

use crate::entrance::{Entrance, GatewaySettingsError};
use crate::jwt::JwtVerifier;
use crate::limits::rate::RateLimiter;
use crate::limits::throttle::Throttle;
use crate::metrics::Metrics;
use crate::reload::{ReloadRequest, Reloads};
use crate::serve_error::ServeError;
use crate::settings::{ServerSettings, TlsFiles};
use crate::tls::{Certificate, Loaded};

/// The state of the server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) vault: Vault,
    pub(crate) gateway: Gateway,
    entrance: RwLock<Arc<Entrance>>,
    /// None for plain HTTP.
    pub(crate) certificate: Option<Certificate>,
    pub(crate) reloads: Reloads,
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
        let certificate = settings.tls.as_ref().map(Loaded::read).transpose()?;
        Ok(Self(Arc::new(Parts {
            vault,
            metrics: Metrics::new(&gateway),
            gateway,
            entrance: RwLock::new(Arc::new(entrance)),
            certificate: certificate.map(Certificate::new),
            reloads: Reloads::default(),
            tokens: JwtVerifier::new(settings.issuers.clone())?,
            throttle: Throttle::new(limits.sign_in_failures_per_minute),
            rate: RateLimiter::new(limits.requests_per_second),
            clock,
            settings,
        })))
    }

    /// How the gateway is reached, as it was last configured.
    pub(crate) fn entrance(&self) -> Arc<Entrance> {
        Arc::clone(&self.entrance.read())
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
    /// Uses other settings for the gateway, and reads the TLS certificate again. If either cannot be used, both
    /// stay as they were. Returns whether TLS has another certificate.
    pub fn reload(
        &self,
        gateway: GatewaySettings,
        tls: Option<&TlsFiles>,
    ) -> Result<bool, ServeError> {
        let loaded = tls.map(Loaded::read).transpose()?;
        self.reload_gateway(gateway)?;
        Ok(match (&self.0.certificate, loaded) {
            (Some(current), Some(loaded)) => current.replace(loaded),
            // Only a restart changes between plain HTTP and HTTPS.
            _ => false,
        })
    }

    /// Uses other settings for the gateway. If they cannot be used, it goes on as it was.
    pub fn reload_gateway(&self, settings: GatewaySettings) -> Result<(), GatewaySettingsError> {
        let entrance = Entrance::new(&settings)?;
        self.0.gateway.reload(settings)?;
        *self.0.entrance.write() = Arc::new(entrance);
        Ok(())
    }

    /// The local commands that want the configuration read again, from now on.
    pub fn reload_requests(&self) -> mpsc::Receiver<ReloadRequest> {
        self.0.reloads.follow()
    }
}
