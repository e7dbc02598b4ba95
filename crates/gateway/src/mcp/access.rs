//! What one caller may reach at one server: the filled credentials, the values sent there, and the tasks begun there.
//! It holds no connection.

mod account;
mod principal;
mod tasks;
mod values;

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use toolvault_vault::{Caller, Clock, ConnectionStamp, Vault};

use self::account::Found;
pub(crate) use self::account::{Account, Token};
pub(crate) use self::principal::Principal;
use self::tasks::Tasks;
pub(crate) use self::tasks::{UNKNOWN_TASK, asked_for};
pub(crate) use self::values::{Budgets, Values};
use super::accounts::Accounts;
use super::refusal::Refusal;
use super::server::{Filled, Server};
use super::tools::Catalogue;
use super::used::Used;

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
    entry: tokio::sync::Mutex<Option<Arc<Entry>>>,
    caller: Mutex<Caller>,
    pub(crate) used: Used,
    /// `/mcp` leaves the server out until then, because it did not answer.
    left_out: Until,
    /// Whether the server wants a sign-in that the caller lacks.
    needs_sign_in: AtomicBool,
    /// Whether it knows the values of a call that another gateway made.
    has_completed: AtomicBool,
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
            entry: tokio::sync::Mutex::new(None),
            caller: Mutex::new(caller.clone()),
            used: Used::now(clock),
            left_out: Until::default(),
            needs_sign_in: AtomicBool::new(false),
            has_completed: AtomicBool::new(false),
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

    /// Notes that the server needs no sign-in, or that the caller signed in.
    pub(crate) fn note_signed_in(&self) {
        if self.needs_sign_in() {
            self.needs_sign_in.store(false, Ordering::Relaxed);
            self.left_out.clear();
        }
    }

    /// Whether `/mcp` leaves the server out. Not if the person has signed in meanwhile.
    pub(crate) async fn is_left_out(&self, vault: &Vault, caller: &Caller) -> bool {
        if !self.left_out.is_ahead_of(Instant::now()) {
            return false;
        }
        let has_signed_in =
            self.needs_sign_in() && !self.has_current_credentials(vault, caller).await;
        !has_signed_in
    }

    /// Notes that the server wants a sign-in that the caller lacks.
    pub(crate) fn note_sign_in(&self) {
        self.needs_sign_in.store(true, Ordering::Relaxed);
        self.server.wants_sign_in.store(true, Ordering::Relaxed);
        self.leave_out();
    }

    /// Whether the server wants a sign-in that the caller lacks.
    pub(crate) fn needs_sign_in(&self) -> bool {
        self.needs_sign_in.load(Ordering::Relaxed)
    }

    /// Notes that a call of another gateway was completed, and its values are known.
    pub(crate) fn note_completed(&self) {
        self.has_completed.store(true, Ordering::Release);
    }

    /// Whether a call of another gateway was completed. Otherwise a result is of a call whose values are not known.
    pub(crate) fn has_completed(&self) -> bool {
        self.has_completed.load(Ordering::Acquire)
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

    /// What the caller reaches the server with: its templates with the caller's values, and the caller's account. Filled
    /// again, and recorded, only if the values or the account would be others now.
    pub(crate) async fn entry(
        &self,
        accounts: &Arc<Accounts>,
        caller: &Caller,
    ) -> Result<Arc<Entry>, Refusal> {
        let mut held = self.entry.lock().await;
        if let Some(entry) = held.as_ref()
            && (self.is_plain(entry) || self.is_good(accounts, caller, entry).await?)
        {
            return Ok(Arc::clone(entry));
        }
        *held = None;
        let filled = self.fill(&accounts.vault, caller).await?;
        let (account, elsewhere) =
            match Account::find(accounts, &self.server, &self.values, caller).await? {
                Found::Account(account) => {
                    self.note_signed_in();
                    (Some(account), None)
                }
                Found::Nothing => (None, None),
                Found::Elsewhere(stamp) => (None, Some(stamp)),
            };
        let entry = Arc::new(Entry {
            filled,
            account,
            elsewhere,
        });
        *held = Some(Arc::clone(&entry));
        Ok(entry)
    }

    async fn fill(&self, vault: &Vault, caller: &Caller) -> Result<Filled, Refusal> {
        let wanted = &self.server.wanted;
        if wanted.is_empty() {
            return Ok(self.server.fill(std::iter::empty(), None)?);
        }
        let credentials = vault.credentials(caller, &self.server.tool, wanted).await?;
        let values = credentials.values.iter().map(|given| &given.value);
        let filled = self.server.fill(values, Some(credentials.stamp))?;
        // Before the first byte leaves, answers are searched for the values.
        self.values.add(credentials.values);
        Ok(filled)
    }

    /// Whether nothing of the caller's is or belongs in it.
    fn is_plain(&self, entry: &Entry) -> bool {
        self.server.wanted.is_empty() && entry.account.is_none() && !self.needs_sign_in()
    }

    /// Whether it is current, with a token that is good.
    async fn is_good(
        &self,
        accounts: &Accounts,
        caller: &Caller,
        entry: &Entry,
    ) -> Result<bool, Refusal> {
        let vault = &accounts.vault;
        if !self.is_current(vault, caller, entry).await? {
            return Ok(false);
        }
        match &entry.account {
            Some(account) => account
                .keep_fresh(&self.values, caller)
                .await
                .map(|()| true),
            None => Ok(!(self.needs_sign_in() && self.is_connected(vault, caller, entry).await)),
        }
    }

    /// Whether the templates would be filled with the same values now, and the account is the same.
    pub(crate) async fn is_current(
        &self,
        vault: &Vault,
        caller: &Caller,
        entry: &Entry,
    ) -> Result<bool, Refusal> {
        if let Some(account) = &entry.account
            && !account.is_current(&self.values, vault, caller).await?
        {
            return Ok(false);
        }
        let wanted = &self.server.wanted;
        if wanted.is_empty() {
            return Ok(true);
        }
        let stamp = vault
            .credential_stamp(caller, &self.server.tool, wanted)
            .await?;
        Ok(entry.stamp.as_ref() == Some(&stamp))
    }

    /// Whether what was filled last is current; `true` if nothing was filled. Unlike
    /// [`is_current`](Self::is_current), it finds out that the caller has an account now.
    pub(crate) async fn has_current_credentials(&self, vault: &Vault, caller: &Caller) -> bool {
        let entry = self.entry.lock().await.clone();
        let Some(entry) = entry else {
            return true;
        };
        let is_current = self.is_current(vault, caller, &entry).await;
        let is_new = entry.account.is_none() && self.is_connected(vault, caller, &entry).await;
        is_current.unwrap_or(false) && !is_new
    }

    /// Whether the caller signed in at the server since it was tried without.
    async fn is_connected(&self, vault: &Vault, caller: &Caller, entry: &Entry) -> bool {
        if !self.server.takes_sign_ins() {
            return false;
        }
        let stamp = vault.connection_stamp(caller, self.server.name.as_str());
        matches!(stamp.await, Ok(Some(stamp)) if entry.elsewhere != Some(stamp))
    }

    pub(crate) async fn forget_credentials(&self) {
        *self.entry.lock().await = None;
        self.note_signed_in();
    }
}

/// What a caller reaches a server with.
pub(crate) struct Entry {
    filled: Filled,
    /// The account whose token each request carries.
    pub(crate) account: Option<Arc<Account>>,
    /// The caller's connection if its tokens are for another server.
    elsewhere: Option<ConnectionStamp>,
}

impl Deref for Entry {
    type Target = Filled;

    fn deref(&self) -> &Filled {
        &self.filled
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
