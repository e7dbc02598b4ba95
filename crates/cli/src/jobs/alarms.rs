//! Sends alarms of what the audit trail says, as it is written, and of secrets that are due. Nothing waits for it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use toolvault_core::digest::hexadecimal;
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_gateway::alarms::{Alarm, Kind, Queue, Watch};
use toolvault_server::{Job, ServerHandle};
use toolvault_vault::{ALARMS_KEPT, Caller, Error, Lead, Reader, Unshipped, Vault};

use super::retry::{Failure, LOOK_EVERY, Retry};
use crate::alarms::Sender;
use crate::config::Alarms;
use crate::store::own_uid;

/// How often to look which secrets are due, in microseconds.
const DUE_EVERY: i64 = 60 * SECOND;
/// How often a trail that cannot be read is told, in microseconds.
const UNREADABLE_EVERY: i64 = 3_600 * SECOND;

pub(super) struct Alarmer<'a> {
    pub(super) vault: &'a Vault,
    pub(super) server: &'a ServerHandle,
    pub(super) stop: &'a CancellationToken,
    pub(super) settings: &'a Alarms,
    pub(super) sender: &'a Sender,
}

/// What this process knows while it is the one that sends alarms.
struct State {
    watch: Watch,
    /// What has to be sent, the oldest first. It is made of one portion of the trail, so it is bounded.
    waiting: Queue,
    /// The portion of the trail that they are made of, without its pages. It is noted once all of them are sent.
    read: Option<Unshipped>,
    /// Up to when it is known which secrets are due.
    due: Option<Timestamp>,
    /// Until when it need not be told again that the trail cannot be read.
    told_unreadable: Option<Timestamp>,
}

impl State {
    fn new(settings: &Alarms) -> Self {
        Self {
            watch: Watch::new(settings.kinds.clone(), settings.failures),
            waiting: Queue::default(),
            read: None,
            due: None,
            told_unreadable: None,
        }
    }
}

impl Alarmer<'_> {
    /// Sends alarms until the server stops.
    pub(super) async fn run(&self) {
        let mut lead = self.vault.lead(Job::Alarms.name());
        let mut state = State::new(self.settings);
        let retry = self.retry();
        retry
            .run(async || self.step(&mut lead, &mut state).await)
            .await;
    }

    const fn retry(&self) -> Retry<'_> {
        Retry {
            job: Job::Alarms,
            vault: self.vault,
            server: self.server,
            stop: self.stop,
            failed: "an alarm was not sent",
        }
    }

    /// Sends the alarms of the oldest records that were not read, and returns how long to pause.
    async fn step(&self, lead: &mut Lead, state: &mut State) -> Result<Duration, Failure> {
        if !self.retry().leads(lead).await? {
            // Another server goes on where the stored position is.
            *state = State::new(self.settings);
            self.server.jobs().alarms().waits(0);
            return Ok(LOOK_EVERY);
        }
        let now = self.vault.clock().now();
        state.waiting.extend(state.watch.repeated(now));
        // What could not be sent is sent first, and nothing more is read meanwhile.
        self.deliver(state).await?;
        let caller = Caller::local(own_uid(), None);
        let unread = match self.vault.unshipped(&caller, Reader::Alarms).await {
            Err(Error::Integrity) => return self.skip(&caller, state, now).await,
            unread => unread.map_err(|error| Failure::of(&error))?,
        };
        // These records were counted already, so they must not be read again.
        if state
            .read
            .as_ref()
            .is_some_and(|read| read.begins_like(&unread))
        {
            self.note(&caller, state).await?;
            return Ok(Duration::ZERO);
        }
        self.look_for_due(&caller, state, unread.last, now).await?;
        let read = self.read(&unread, state, now);
        let has_more = unread.waiting > read;
        state.read = (read > 0).then(|| unread.without_pages());
        self.deliver(state).await?;
        self.note(&caller, state).await?;
        Ok(if has_more { Duration::ZERO } else { LOOK_EVERY })
    }

    /// Moves the stored position after what was read and sent.
    async fn note(&self, caller: &Caller, state: &mut State) -> Result<(), Failure> {
        if let Some(read) = state.read.clone() {
            let noted = self.vault.note_shipped(caller, read).await;
            noted.map_err(|error| Failure::of(&error))?;
            state.read = None;
        }
        Ok(())
    }

    /// Makes alarms of records, and returns how many records there are.
    fn read(&self, unread: &Unshipped, state: &mut State, now: Timestamp) -> i64 {
        let mut read = 0;
        let mut dropped = unread.lost.unsigned_abs();
        for page in &unread.pages {
            for (record, _) in &page.records {
                read += 1;
                let kind = Kind::of(record).filter(|kind| state.watch.has(*kind));
                if kind.is_some() && now.since(record.at) > ALARMS_KEPT {
                    dropped += u64::from(kind != Some(Kind::Failures));
                    continue;
                }
                // The hash tells records apart that have the same sequence in a store that was put back.
                let id = format!("{}-{}", hexadecimal(&page.hash), record.sequence);
                state.waiting.extend(state.watch.see(&id, record, now));
            }
        }
        if dropped > 0 {
            self.server.jobs().alarms().dropped(dropped);
            self.retry().failed(&format!(
                "{dropped} records were pruned before they were read, or were of alarms older than three days"
            ));
        }
        read
    }

    /// Sends what waits, the oldest first.
    async fn deliver(&self, state: &mut State) -> Result<(), Failure> {
        let jobs = self.server.jobs();
        let counts = jobs.alarms();
        let mut has_progressed = false;
        while let Some(alarm) = state.waiting.first() {
            counts.waits(state.waiting.count());
            let now = self.vault.clock().now();
            if now.since(alarm.at) > ALARMS_KEPT {
                counts.dropped(1);
            } else {
                let installation = Some(self.vault.installation());
                if let Err(failure) = self.sender.send(&alarm, installation, now).await {
                    counts.failed();
                    drop(alarm);
                    state.waiting.failed();
                    let failure = Failure::of_receiver(failure.why, failure.retry_after, false);
                    return Err(failure.after_progress(has_progressed));
                }
                counts.sent();
                jobs.succeeded(Job::Alarms, now);
            }
            has_progressed = true;
            state.waiting.remove_first();
        }
        counts.waits(0);
        Ok(())
    }

    /// Tells that the trail, or the position in it, was changed, and goes on after its newest record: whoever changed it
    /// must not silence what happens from now on.
    async fn skip(
        &self,
        caller: &Caller,
        state: &mut State,
        now: Timestamp,
    ) -> Result<Duration, Failure> {
        let is_told = state.told_unreadable.is_some_and(|until| until > now);
        if state.watch.has(Kind::Tampering) && !is_told {
            let id = now.microseconds().to_string();
            state.waiting.extend([Alarm::unreadable(&id, now)]);
            state.told_unreadable = Some(now.plus(UNREADABLE_EVERY));
        }
        self.deliver(state).await?;
        state.read = None;
        let noted = self.vault.note_all(caller, Reader::Alarms).await;
        noted.map_err(|error| Failure::of(&error))?;
        Err(Failure::of_text(
            "the audit trail was changed, so alarms may be missing; run: toolvault audit verify"
                .to_owned(),
        ))
    }

    /// Makes alarms of secrets that have become due or expired since the last look, or since the position last moved.
    async fn look_for_due(
        &self,
        caller: &Caller,
        state: &mut State,
        moved: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        // A look came at most so long before the position moved.
        let since = moved.map_or(now.plus(-ALARMS_KEPT), |moved| moved.plus(-DUE_EVERY));
        let since = state.due.unwrap_or(since);
        if !state.watch.has(Kind::SecretsDue) || now.since(since) < DUE_EVERY {
            return Ok(());
        }
        let due = self.vault.due_between(caller, since, now).await;
        let due = due.map_err(|error| Failure::of(&error))?.into_iter();
        let alarms = due.map(|due| Alarm::due(due.user, &due.names, due.count, due.at));
        state.waiting.extend(alarms);
        state.due = Some(now);
        Ok(())
    }
}
