//! What one caller has built at one server: filled credentials, values given, and the ways to the server.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use toolvault_core::identity::UserId;
use toolvault_vault::{Caller, Vault};

use super::given::Given;
use super::link::Link;
use super::program::Programs;
use super::refusal::Refusal;
use super::server::{Filled, Server};
use super::tasks::Tasks;

/// Who has what: a user, and the key or token with which they came. Nothing is shared between two of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Principal {
    pub(crate) user: UserId,
    actor: String,
}

impl Principal {
    pub(crate) fn of(caller: &Caller) -> Self {
        Self {
            user: caller.user(),
            actor: caller.actor().to_string(),
        }
    }
}

const LEFT_OUT_FOR: Duration = Duration::from_secs(30);
/// A server's era is that of its program or its installation, which seldom changes.
const ERA_HOLDS_FOR: Duration = Duration::from_mins(10);

fn set(moment: &Mutex<Option<Instant>>, lasts: Duration) {
    let until = Instant::now().checked_add(lasts);
    *moment.lock().unwrap_or_else(PoisonError::into_inner) = until;
}

fn is_before(moment: &Mutex<Option<Instant>>) -> bool {
    let moment = moment.lock().unwrap_or_else(PoisonError::into_inner);
    moment.is_some_and(|moment| Instant::now() < moment)
}

/// What one caller has built at one server.
pub(crate) struct Access {
    pub(crate) server: Arc<Server>,
    pub(crate) given: Given,
    pub(crate) tasks: Tasks,
    pub(crate) programs: Arc<Programs>,
    /// Cancelled when everything that was built here ends for good.
    pub(crate) ended: CancellationToken,
    filled: tokio::sync::Mutex<Option<Arc<Filled>>>,
    /// The way of requests that stand alone.
    pub(crate) stateless: tokio::sync::Mutex<Option<Arc<Link>>>,
    caller: Mutex<Caller>,
    used_at: Mutex<Instant>,
    /// Until when the server is left out where several share a path, because it did not answer.
    left_out_until: Mutex<Option<Instant>>,
    /// Until when it is believed to know only the earlier era.
    only_legacy_until: Mutex<Option<Instant>>,
}

impl Access {
    pub(crate) fn new(server: Arc<Server>, caller: &Caller, programs: Arc<Programs>) -> Self {
        Self {
            server,
            given: Given::default(),
            tasks: Tasks::default(),
            programs,
            ended: CancellationToken::new(),
            filled: tokio::sync::Mutex::new(None),
            stateless: tokio::sync::Mutex::new(None),
            caller: Mutex::new(caller.clone()),
            used_at: Mutex::new(Instant::now()),
            left_out_until: Mutex::new(None),
            only_legacy_until: Mutex::new(None),
        }
    }

    /// Notes that the caller came again.
    pub(crate) fn touch(&self, caller: &Caller) {
        *self.caller.lock().unwrap_or_else(PoisonError::into_inner) = caller.clone();
        *self.used_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// The caller as they last came.
    pub(crate) fn caller(&self) -> Caller {
        self.caller
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Notes that something is still going on.
    pub(crate) fn keep(&self) {
        *self.used_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Notes that the server did not answer where others do.
    pub(crate) fn leave_out(&self) {
        set(&self.left_out_until, LEFT_OUT_FOR);
    }

    pub(crate) fn is_left_out(&self) -> bool {
        is_before(&self.left_out_until)
    }

    /// Notes that the server knows only the earlier era.
    pub(crate) fn note_only_legacy(&self) {
        set(&self.only_legacy_until, ERA_HOLDS_FOR);
    }

    pub(crate) fn is_only_legacy(&self) -> bool {
        is_before(&self.only_legacy_until)
    }

    pub(crate) fn idle_since(&self) -> Instant {
        *self.used_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's templates with the caller's values. Filled anew, and recorded, only when what they would be
    /// filled with has changed.
    pub(crate) async fn filled(
        &self,
        vault: &Vault,
        caller: &Caller,
    ) -> Result<Arc<Filled>, Refusal> {
        let wanted = &self.server.wanted;
        let mut held = self.filled.lock().await;
        if wanted.is_empty() {
            if let Some(filled) = held.as_ref() {
                return Ok(Arc::clone(filled));
            }
            let filled = Arc::new(self.server.fill(std::iter::empty(), None)?);
            *held = Some(Arc::clone(&filled));
            return Ok(filled);
        }
        if let Some(filled) = held.as_ref() {
            let now = vault
                .credential_stamp(caller, &self.server.tool, wanted)
                .await?;
            if filled.stamp.as_ref() == Some(&now) {
                return Ok(Arc::clone(filled));
            }
        }
        *held = None;
        let credentials = vault.credentials(caller, &self.server.tool, wanted).await?;
        let values = credentials.values.iter().map(|given| &given.value);
        let filled = Arc::new(self.server.fill(values, Some(credentials.stamp))?);
        // Before the first byte leaves, what comes back is searched for it.
        self.given.add(credentials.values);
        *held = Some(Arc::clone(&filled));
        Ok(filled)
    }

    /// Whether what `filled` was filled with is still what it would be filled with.
    pub(crate) async fn is_current(&self, vault: &Vault, caller: &Caller, filled: &Filled) -> bool {
        let wanted = &self.server.wanted;
        if wanted.is_empty() {
            return true;
        }
        let now = vault
            .credential_stamp(caller, &self.server.tool, wanted)
            .await;
        now.is_ok_and(|now| filled.stamp.as_ref() == Some(&now))
    }

    /// Whether what was filled last is still what it would be filled with; true where nothing was.
    pub(crate) async fn has_current_credentials(&self, vault: &Vault, caller: &Caller) -> bool {
        let filled = self.filled.lock().await.clone();
        match filled {
            Some(filled) => self.is_current(vault, caller, &filled).await,
            None => true,
        }
    }

    /// Ends everything that was built here.
    pub(crate) async fn end(&self) {
        *self.stateless.lock().await = None;
        self.programs.stop_all().await;
        *self.filled.lock().await = None;
    }
}
