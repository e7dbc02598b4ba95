//! One open store, with its clock and its first actors.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use toolvault_core::identity::UserId;
use toolvault_core::scope::Scope;
use toolvault_vault::{
    Caller, DatabaseLocation, NewKey, OnBehalf, OpenError, Opened, RootKeySource, Settings, Vault,
};

use super::actor::Actor;
use super::clock::TestClock;
use super::databases::Place;
use super::entropy::SeededEntropy;

static NEXT_SEED: AtomicU64 = AtomicU64::new(1);

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) vault: Vault,
    pub(crate) clock: TestClock,
    pub(crate) place: Arc<Place>,
    /// The user created at set-up.
    pub(crate) user: UserId,
    pub(crate) operator_key: String,
    pub(crate) agent_key: String,
    pub(crate) audit_public_key: String,
}

impl App {
    pub(crate) async fn open(place: Arc<Place>) -> Self {
        let clock = TestClock::new();
        let settings = patient(&place);
        let opened = open(&place, settings, &clock).await.unwrap();
        let first = opened.first_keys.unwrap();
        Self {
            vault: opened.vault,
            clock,
            place,
            user: first.user,
            operator_key: first.operator.expose().to_owned(),
            agent_key: first.agent.expose().to_owned(),
            audit_public_key: first.audit_public_key,
        }
    }

    /// On SQLite, for a test that opens several.
    pub(crate) async fn in_directory(directory: tempfile::TempDir) -> Self {
        let location = DatabaseLocation::Directory(directory.path().join("data"));
        let place = Place {
            directory,
            location,
            database: None,
        };
        Self::open(Arc::new(place)).await
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.place.location, DatabaseLocation::Directory(_))
    }

    pub(crate) fn settings(&self) -> Settings {
        patient(&self.place)
    }

    /// Another vault on the same database, as in another process.
    pub(crate) async fn another(&self, settings: Settings) -> Self {
        let opened = open(&self.place, settings, &self.clock).await.unwrap();
        Self {
            vault: opened.vault,
            ..self.clone()
        }
    }

    /// Closes the vault and opens it again with these settings.
    pub(crate) async fn reopen_with(&self, settings: Settings) -> Self {
        self.vault.close().await;
        self.another(settings).await
    }

    pub(crate) async fn reopen(&self) -> Self {
        self.reopen_with(self.settings()).await
    }

    /// The holder of the first key: `manage`, `resolve`, `audit`, `admin`.
    pub(crate) async fn operator(&self) -> Actor {
        self.sign_in(&self.operator_key).await
    }

    /// The local command line.
    pub(crate) fn local(&self) -> Actor {
        let caller = Caller::local(1_000, Some(self.user));
        Actor::new(self, caller, String::new())
    }

    pub(crate) async fn sign_in(&self, key: &str) -> Actor {
        let caller = self
            .vault
            .authenticate_key(key, OnBehalf::Unnamed, false)
            .await
            .unwrap();
        Actor::new(self, caller, key.to_owned())
    }

    /// A new local user with a key that carries `manage`, `use`, `resolve` and `audit`.
    pub(crate) async fn person(&self, name: &str) -> Actor {
        let local = self.local();
        let user = self.vault.create_user(&local.caller, name).await.unwrap();
        let scopes = [Scope::Manage, Scope::Use, Scope::Resolve, Scope::Audit];
        let new = NewKey {
            user: Some(user.user_id),
            ..key(name, &scopes)
        };
        let issued = self.vault.create_key(&local.caller, new).await.unwrap();
        self.sign_in(issued.key.expose()).await
    }
}

/// With enough patience that a slow machine is not mistaken for a database that does not answer.
pub(crate) fn patient(place: &Place) -> Settings {
    Settings {
        patience: Duration::from_secs(30),
        ..Settings::new(place.location.clone())
    }
}

/// A key for its creator's user, without limits.
pub(crate) fn key(name: &str, scopes: &[Scope]) -> NewKey {
    NewKey {
        name: name.to_owned(),
        scopes: scopes.iter().copied().collect(),
        tools: Vec::new(),
        expires_at: None,
        any_user: false,
        user: None,
    }
}

pub(crate) fn root_key_of(place: &Place) -> RootKeySource {
    RootKeySource::File(place.directory.path().join("root.key"))
}

pub(crate) async fn open(
    place: &Place,
    settings: Settings,
    clock: &TestClock,
) -> Result<Opened, OpenError> {
    let seed = NEXT_SEED.fetch_add(1, Ordering::Relaxed);
    let entropy = Arc::new(SeededEntropy::new(seed));
    Vault::open(
        settings,
        &root_key_of(place),
        Arc::new(clock.clone()),
        entropy,
    )
    .await
}
