//! The state that every handler shares.

use std::ops::Deref;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use toolvault_core::timestamp::Timestamp;
use toolvault_gateway::GatewaySettings;
use toolvault_gateway::mcp::Gateway;
use toolvault_vault::{Clock, SystemClock, SystemEntropy, Vault};

use crate::entrance::{Entrance, GatewaySettingsError};
use crate::forward::Forwarding;
use crate::jobs::Jobs;
use crate::jwt::JwtVerifier;
use crate::limits::bodies::Bodies;
use crate::limits::rate::RateLimiter;
use crate::limits::throttle::Throttle;
use crate::metrics::Metrics;
use crate::oidc::Providers;
use crate::reload::{ReloadRequest, Reloads};
use crate::request_log::RequestIds;
use crate::serve_error::ServeError;
use crate::settings::{ServerSettings, TlsFiles};
use crate::tls::{Certificate, Loaded};

/// The state of the server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) vault: Vault,
    pub(crate) gateway: Gateway,
    /// `None` if the other servers on the database do not reach this one.
    pub(crate) forwarding: Option<Forwarding>,
    entrance: RwLock<Arc<Entrance>>,
    /// `None` for plain HTTP.
    pub(crate) certificate: Option<Certificate>,
    pub(crate) reloads: Reloads,
    pub(crate) tokens: JwtVerifier,
    pub(crate) providers: Providers,
    pub(crate) settings: ServerSettings,
    pub(crate) throttle: Throttle,
    pub(crate) rate: RateLimiter,
    pub(crate) bodies: Arc<Bodies>,
    pub(crate) metrics: Metrics,
    pub(crate) jobs: Jobs,
    pub(crate) request_ids: RequestIds,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) started_at: Timestamp,
}

impl App {
    pub(crate) fn new(vault: Vault, settings: ServerSettings) -> Result<Self, ServeError> {
        let limits = settings.limits;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entrance = Entrance::new(&settings.gateway)?;
        // Before the gateway, whose IDs say whether the other servers reach this one.
        let forwarding = settings.replica.as_ref().map(|replica| {
            Forwarding::new(replica, settings.insecure_http, &vault).map_err(ServeError::Replica)
        });
        let forwarding = forwarding.transpose()?;
        let gateway = Gateway::new(
            vault.clone(),
            settings.gateway.clone(),
            vault.clock(),
            Arc::new(SystemEntropy),
        )
        .map_err(GatewaySettingsError::from)?;
        let certificate = settings.tls.as_ref().map(Loaded::read).transpose()?;
        let jobs = Jobs::default();
        Ok(Self(Arc::new(Parts {
            vault,
            metrics: Metrics::new(&gateway, &jobs, settings.traces.as_ref()),
            jobs,
            gateway,
            forwarding,
            entrance: RwLock::new(Arc::new(entrance)),
            certificate: certificate.map(Certificate::new),
            reloads: Reloads::default(),
            tokens: JwtVerifier::new(settings.issuers.clone())?,
            providers: Providers::new(&settings.issuers)?,
            request_ids: RequestIds::default(),
            throttle: Throttle::new(limits.sign_in_failures_per_minute),
            rate: RateLimiter::new(limits.requests_per_second),
            bodies: Arc::default(),
            started_at: clock.now(),
            clock,
            settings,
        })))
    }

    /// How clients reach the gateway, according to the current configuration.
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

/// Cancelled when the server must stop.
#[derive(Clone)]
pub(crate) struct Stopping(pub(crate) CancellationToken);

/// A handle to a running server. Cheap to clone.
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
    /// Applies new gateway settings, and reloads the TLS certificate. If either cannot be used, both stay unchanged.
    /// Returns whether the TLS certificate is a different one.
    pub fn reload(
        &self,
        gateway: GatewaySettings,
        tls: Option<&TlsFiles>,
    ) -> Result<bool, ServeError> {
        let loaded = tls.map(Loaded::read).transpose()?;
        self.reload_gateway(gateway)?;
        Ok(match (&self.0.certificate, loaded) {
            (Some(current), Some(loaded)) => current.replace(loaded),
            // A change between plain HTTP and HTTPS needs a restart.
            _ => false,
        })
    }

    /// Applies new gateway settings. If they cannot be used, the old ones stay in effect.
    pub fn reload_gateway(&self, settings: GatewaySettings) -> Result<(), GatewaySettingsError> {
        let entrance = Entrance::new(&settings)?;
        self.0.gateway.reload(settings)?;
        *self.0.entrance.write() = Arc::new(entrance);
        Ok(())
    }

    /// How the server's own jobs went.
    pub fn jobs(&self) -> &Jobs {
        &self.0.jobs
    }

    /// The requests of local commands to reload the configuration, from now on.
    pub fn reload_requests(&self) -> mpsc::Receiver<ReloadRequest> {
        self.0.reloads.follow()
    }
}
