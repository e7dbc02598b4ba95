//! One server on one vault.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use toolvault_core::identity::UserId;
use toolvault_gateway::GatewaySettings;
use toolvault_server::{
    DashboardSettings, Prepared, RequestLimits, ServeError, Server, ServerHandle, ServerSettings,
    Workers,
};
use toolvault_vault::{
    Caller, DatabaseLocation, FirstKeys, Opened, RootKeySource, Settings, SystemEntropy,
    UserChange, Vault,
};

use super::Actor;
use super::clock::MovedClock;

/// A running server with its first user and first keys.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    /// Where metrics are served without a credential, if a test wants that.
    pub(crate) metrics_address: Option<SocketAddr>,
    /// Where another gateway asks, if a test wants that.
    pub(crate) ext_mcp_address: Option<SocketAddr>,
    pub(crate) vault: Vault,
    pub(crate) keys: FirstKeys,
    pub(crate) clock: Arc<MovedClock>,
    pub(crate) directory: TempDir,
    pub(crate) shutdown: CancellationToken,
    pub(crate) handle: ServerHandle,
    numbers: AtomicU64,
    /// Completes when the server has stopped.
    pub(crate) running: Option<JoinHandle<Result<(), ServeError>>>,
}

/// The settings that a test can change before the start.
pub(crate) struct WorldSettings {
    pub(crate) server: ServerSettings,
    pub(crate) vault: Settings,
    pub(crate) directory: TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut WorldSettings)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let mut settings = WorldSettings {
            server: ServerSettings {
                listen: "127.0.0.1:0".parse().unwrap(),
                tls: None,
                insecure_http: false,
                metrics_listen: None,
                ext_mcp: None,
                trusted_proxies: Vec::new(),
                limits: RequestLimits::default(),
                dashboard: DashboardSettings::default(),
                issuers: Vec::new(),
                gateway: GatewaySettings::default(),
                replica: None,
                traces: None,
            },
            vault: Settings::new(DatabaseLocation::Directory(data)),
            directory,
        };
        // A machine that is busy with other tests must not cause 503.
        settings.vault.patience = Duration::from_mins(1);
        change(&mut settings);
        let root_key = RootKeySource::File(settings.directory.path().join("root.key"));
        let clock = Arc::new(MovedClock::default());
        let opened = Vault::open(
            settings.vault,
            &root_key,
            Arc::clone(&clock) as Arc<_>,
            Arc::new(SystemEntropy),
        );
        let Opened { vault, first_keys } = opened.await.unwrap();
        let prepared = Prepared::new(settings.server).unwrap();
        let server = Server::new(vault.clone(), prepared).unwrap();
        let address = server.local_address();
        let metrics_address = server.metrics_address();
        let ext_mcp_address = server.ext_mcp_address();
        let shutdown = CancellationToken::new();
        let handle = server.handle();
        let stop = shutdown.clone();
        let running = tokio::spawn(async move {
            let workers = Workers::start().unwrap();
            server.run(&workers, stop).await
        });
        Self {
            address,
            metrics_address,
            ext_mcp_address,
            vault,
            keys: first_keys.unwrap(),
            clock,
            directory: settings.directory,
            shutdown,
            handle,
            numbers: AtomicU64::new(1),
            running: Some(running),
        }
    }

    /// Waits until everything has finished, and reopens the vault.
    pub(crate) async fn reopen_vault(&mut self) {
        self.vault.close().await;
        let data = self.directory.path().join("data");
        let root_key = RootKeySource::File(self.directory.path().join("root.key"));
        let opened = Vault::open(
            Settings::new(DatabaseLocation::Directory(data)),
            &root_key,
            Arc::clone(&self.clock) as Arc<_>,
            Arc::new(SystemEntropy),
        );
        self.vault = opened.await.unwrap().vault;
    }

    /// The local command line, acting for `user`.
    #[expect(clippy::unused_self, reason = "it is this world's root key")]
    pub(crate) fn local(&self, user: UserId) -> Caller {
        Caller::local(0, Some(user))
    }

    /// A number that is unique in this world.
    pub(crate) fn fresh_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) async fn new_user(&self, name: &str) -> UserId {
        let local = self.local(self.keys.user);
        self.vault.create_user(&local, name).await.unwrap().user_id
    }

    pub(crate) async fn disable(&self, user: UserId) {
        self.set_disabled(user, true).await;
    }

    pub(crate) async fn enable(&self, user: UserId) {
        self.set_disabled(user, false).await;
    }

    async fn set_disabled(&self, user: UserId, disabled: bool) {
        let change = UserChange {
            disabled: Some(disabled),
            ..UserChange::default()
        };
        let local = self.local(self.keys.user);
        self.vault.update_user(&local, user, change).await.unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Actor {
    /// Stores a secret; returns the answer.
    pub(crate) async fn create(&self, secret: Value) -> Value {
        self.post("/v1/secrets/", &secret).await.expect(200)
    }

    /// Stores a default for an argument of a tool; returns its ID.
    pub(crate) async fn default_for(&self, tool: &str, arg: &str, value: &str) -> String {
        let secret = json!({
            "secret_name": format!("{arg} of {tool}"),
            "secret_value": value,
            "tool_name": tool,
            "tool_arg": arg,
            "is_default_for_tool": true,
        });
        id_of(&self.create(secret).await)
    }

    /// Stores an unbound secret; returns its ID.
    pub(crate) async fn named(&self, name: &str, value: &str) -> String {
        let secret = json!({"secret_name": name, "secret_value": value});
        id_of(&self.create(secret).await)
    }

    /// The value of a secret, by the only operation that returns it.
    pub(crate) async fn value_of(&self, id: &str) -> String {
        let body = json!({"bindings": {"probe": format!("secret:///id/{id}")}});
        let answer = self.post("/v1/tools/probe/resolve", &body).await;
        answer.expect(200)["args"]["probe"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// How many secrets the actor's user has.
    pub(crate) async fn count(&self) -> u64 {
        let list = self.get("/v1/secrets/?limit=1").await.expect(200);
        list["total"].as_u64().unwrap()
    }
}

fn id_of(secret: &Value) -> String {
    secret["secret_id"].as_str().unwrap().to_owned()
}
