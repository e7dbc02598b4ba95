//! One client for each runtime, so that the thread which waits for an answer also reads it from its connection. Connections
//! that all threads share would make one thread wake another for every answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use reqwest::redirect;
use rustls::ClientConfig;
use tokio::runtime::{Handle, Id};

use super::error::HttpError;
use super::policy::HttpPolicy;
use super::resolver::{CheckedResolver, Lookup};
use super::trust;

/// How long a connection is kept without use. Each runtime has its own, so the usual 90 seconds would leave many; and many
/// servers close theirs earlier, perhaps while a request is on its way.
const IDLE: Duration = Duration::from_secs(20);

/// The clients under one policy.
pub(super) struct Clients {
    tls: ClientConfig,
    lookup: Arc<dyn Lookup>,
    allow_private_network: bool,
    connect_timeout: Duration,
    all: RwLock<HashMap<Id, reqwest::Client>>,
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Clients").finish_non_exhaustive()
    }
}

impl Clients {
    /// Reads the policy's CA file and the system's certificates.
    pub(super) fn new(policy: &HttpPolicy, lookup: Arc<dyn Lookup>) -> Result<Self, HttpError> {
        let mut tls = trust::client_config(policy.ca_file.as_deref())?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            tls,
            lookup,
            allow_private_network: policy.allow_private_network,
            connect_timeout: policy.connect_timeout,
            all: RwLock::default(),
        })
    }

    /// The client of the current runtime.
    pub(super) fn here(&self) -> Result<reqwest::Client, HttpError> {
        let runtime = Handle::current().id();
        if let Some(client) = self.all.read().get(&runtime) {
            return Ok(client.clone());
        }
        let client = self.build()?;
        Ok(self.all.write().entry(runtime).or_insert(client).clone())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the guarded client that the lint points to"
    )]
    fn build(&self) -> Result<reqwest::Client, HttpError> {
        let resolver = CheckedResolver::new(Arc::clone(&self.lookup), self.allow_private_network);
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .dns_resolver(resolver)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .user_agent(concat!("toolvault/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(IDLE)
            .https_only(false);
        let client = builder.build();
        client.map_err(|error| HttpError::Setup(error.into()))
    }
}
