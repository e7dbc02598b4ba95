//! What one caller may reach at one server: the filled credentials, the values sent there, and the tasks begun there.
//! It holds no connection.

mod tasks;
mod values;

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use toolvault_core::identity::UserId;
use toolvault_vault::{Caller, Clock, Vault};

use self::tasks::Tasks;
pub(crate) use self::tasks::{UNKNOWN_TASK, asked_for};
pub(crate) use self::values::{Budgets, Values};
use super::refusal::Refusal;
use super::server::{Filled, Server};
use super::tools::Catalogue;
use super::used::Used;

/// A user with the key or token they came with. Nothing is shared between two principals.
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

    #[cfg(test)]
    pub(crate) fn test(number: u8) -> Self {
        let user = format!("\"00000000-0000-7000-8000-0000000000{number:02x}\"");
        Self {
            user: serde_json::from_str(&user).unwrap(),
            actor: String::new(),
        }
    }
}

const LEFT_OUT_FOR: Duration = Duration::from_secs(30);
/// How long a list of tools is believed.
const LIST_HOLDS_FOR: Duration = Duration::from_secs(15);
/// A server's era changes only when the server is updated.
const ERA_HOLDS_FOR: Duration = Duration::from_mins(10);

/// What one caller may reach at one server.
pub(crate) struct Access {
    pub(crate) server: Arc<Server>,
    pub(crate) values: Values,
    pub(crate) tasks: Tasks,
    /// Cancelled when everything that was made for this access ends.
    pub(crate) ended: CancellationToken,
    filled: tokio::sync::Mutex<Option<Arc<Filled>>>,
    caller: Mutex<Caller>,
    pub(crate) used: Used,
    /// `/mcp` leaves the server out until then, because it did not answer.
    left_out: Until,
    /// Until then the server is believed to know only the earlier era.
    only_legacy: Until,
    /// The server's tools as they were last listed to explain a call, and when.
    listed: Mutex<Option<(Instant, Arc<Catalogue>)>>,
}

impl Access {
    pub(crate) fn new(
        server: Arc<Server>,
        caller: &Caller,
        budgets: &Budgets,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        Self {
            server,
            values: Values::new(&Principal::of(caller), budgets),
            tasks: Tasks::default(),
            ended: CancellationToken::new(),
            filled: tokio::sync::Mutex::new(None),
            caller: Mutex::new(caller.clone()),
            used: Used::now(clock),
            left_out: Until::default(),
            only_legacy: Until::default(),
            listed: Mutex::default(),
        }
    }

    /// Notes that the caller came again.
    pub(crate) fn touch(&self, caller: &Caller) {
        *self.caller.lock() = caller.clone();
        self.used.note();
    }

    /// The caller as they last came.
    pub(crate) fn caller(&self) -> Caller {
        self.caller.lock().clone()
    }

    /// Leaves the server out of `/mcp` for a while.
    pub(crate) fn leave_out(&self) {
        self.left_out.set(Instant::now(), LEFT_OUT_FOR);
    }

    /// Notes that the server answered.
    pub(crate) fn answered(&self) {
        self.left_out.clear();
    }

    pub(crate) fn is_left_out(&self) -> bool {
        self.left_out.is_ahead_of(Instant::now())
    }

    /// Notes that the server knows only the earlier era.
    pub(crate) fn note_only_legacy(&self) {
        self.only_legacy.set(Instant::now(), ERA_HOLDS_FOR);
    }

    pub(crate) fn is_only_legacy(&self) -> bool {
        self.only_legacy.is_ahead_of(Instant::now())
    }

    /// Notes the server's tools.
    pub(crate) fn note_listed(&self, catalogue: &Arc<Catalogue>) {
        *self.listed.lock() = Some((Instant::now(), Arc::clone(catalogue)));
    }

    /// The server's tools, if they were noted in the last seconds.
    pub(crate) fn listed(&self) -> Option<Arc<Catalogue>> {
        let listed = self.listed.lock();
        let (at, catalogue) = listed.as_ref()?;
        (at.elapsed() < LIST_HOLDS_FOR).then(|| Arc::clone(catalogue))
    }

    /// How long ago the server's tools were noted.
    pub(crate) fn listed_ago(&self) -> Option<Duration> {
        let listed = self.listed.lock();
        listed.as_ref().map(|(at, _)| at.elapsed())
    }

    /// The server's templates with the caller's values. Filled again, and recorded, only if the values would be others
    /// now.
    pub(crate) async fn filled(
        &self,
        vault: &Vault,
        caller: &Caller,
    ) -> Result<Arc<Filled>, Refusal> {
        let wanted = &self.server.wanted;
        let mut held = self.filled.lock().await;
        if let Some(filled) = held.as_ref()
            && (wanted.is_empty() || self.is_current(vault, caller, filled).await?)
        {
            return Ok(Arc::clone(filled));
        }
        *held = None;
        let filled = if wanted.is_empty() {
            self.server.fill(std::iter::empty(), None)?
        } else {
            let credentials = vault.credentials(caller, &self.server.tool, wanted).await?;
            let values = credentials.values.iter().map(|given| &given.value);
            let filled = self.server.fill(values, Some(credentials.stamp))?;
            // Before the first byte leaves, answers are searched for the values.
            self.values.add(credentials.values);
            filled
        };
        let filled = Arc::new(filled);
        *held = Some(Arc::clone(&filled));
        Ok(filled)
    }

    /// Whether the templates would be filled with the same values now.
    pub(crate) async fn is_current(
        &self,
        vault: &Vault,
        caller: &Caller,
        filled: &Filled,
    ) -> Result<bool, Refusal> {
        let wanted = &self.server.wanted;
        if wanted.is_empty() {
            return Ok(true);
        }
        let stamp = vault
            .credential_stamp(caller, &self.server.tool, wanted)
            .await?;
        Ok(filled.stamp.as_ref() == Some(&stamp))
    }

    /// Whether what was filled last is current; `true` if nothing was filled.
    pub(crate) async fn has_current_credentials(&self, vault: &Vault, caller: &Caller) -> bool {
        let filled = self.filled.lock().await.clone();
        match filled {
            Some(filled) => self
                .is_current(vault, caller, &filled)
                .await
                .unwrap_or(false),
            None => true,
        }
    }

    pub(crate) async fn forget_credentials(&self) {
        *self.filled.lock().await = None;
    }
}

/// The end of a time in which something is so.
#[derive(Default)]
struct Until(Mutex<Option<Instant>>);

impl Until {
    fn set(&self, now: Instant, lasts: Duration) {
        *self.0.lock() = now.checked_add(lasts);
    }

    fn clear(&self) {
        *self.0.lock() = None;
    }

    fn is_ahead_of(&self, now: Instant) -> bool {
        self.0.lock().is_some_and(|end| now < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_does_not_answer_is_left_out_for_thirty_seconds_or_until_it_answers() {
        let until = Until::default();
        let now = Instant::now();
        let at = |seconds| until.is_ahead_of(now + Duration::from_secs(seconds));
        assert!(!at(0));
        until.set(now, LEFT_OUT_FOR);
        assert!(at(0) && at(29) && !at(30));
        until.clear();
        assert!(!at(0));
    }
}
