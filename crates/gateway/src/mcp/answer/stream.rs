//! An answer that comes event by event: relayed as it comes, with our own announcements and keep-alive comments in between.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::broadcast;
use tokio::time::{Interval, MissedTickBehavior, interval_at};
use toolvault_core::confidential::Wiped;
use toolvault_vault::Changed;

use super::downstream::{Downstream, Passed};
use super::subscription::{Announcement, with_tools};
use crate::mcp::links::Events;
use crate::mcp::protocol::Event;
use crate::mcp::record::CallRecord;
use crate::mcp::refusal::{Refusal, UpstreamError};
use crate::mcp::session::{Unanswered, shows_in_tools};

/// How often a comment line keeps the connection open and time limits are checked.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A stream of events to one client.
pub(crate) struct Relay {
    pub(crate) downstream: Arc<Downstream>,
    /// `None` once the server has ended its part.
    pub(crate) events: Option<Events>,
    pub(crate) first: Option<Event>,
    pub(crate) record: Option<CallRecord>,
    pub(crate) announcement: Announcement,
}

impl Relay {
    /// The stream. It ends with the server's part, with the session, with the caller's right to it, or when the server's
    /// credentials or configuration change.
    pub(crate) fn run(self) -> impl Stream<Item = Bytes> + Send {
        let changes = self.downstream.services.vault.changes();
        let start = tokio::time::Instant::now() + KEEP_ALIVE;
        let mut keep_alive = interval_at(start, KEEP_ALIVE);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let running = Running {
            relay: self,
            changes,
            keep_alive,
            is_over: false,
            is_answered: false,
            has_ids: false,
        };
        futures_util::stream::unfold(running, |mut running| async move {
            let piece = running.next().await?;
            Some((piece, running))
        })
    }
}

struct Running {
    relay: Relay,
    changes: broadcast::Receiver<Changed>,
    keep_alive: Interval,
    is_over: bool,
    is_answered: bool,
    /// Whether an event had an id, so that the client can come back for what it missed.
    has_ids: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        let downstream = &self.relay.downstream;
        if self.is_answered || downstream.is_shared {
            return;
        }
        if let (Some(session), Some(id)) = (&downstream.session, &downstream.id) {
            session.note_unanswered(Unanswered {
                id: id.clone(),
                purpose: downstream.purpose,
                tool: downstream.tool.clone(),
            });
        }
    }
}

enum Happening {
    Event(Option<Result<Event, UpstreamError>>),
    Changed(Changed),
    KeepAlive,
    End,
}

impl Running {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.is_over {
                return None;
            }
            let happening = match self.relay.first.take() {
                Some(event) => Happening::Event(Some(Ok(event))),
                None => self.wait().await,
            };
            match happening {
                Happening::Event(event) => {
                    if let Some(piece) = self.event(event).await {
                        return Some(piece);
                    }
                }
                Happening::Changed(changed) => {
                    if let Some(piece) = self.heard(changed).await {
                        return Some(piece);
                    }
                }
                Happening::KeepAlive => {
                    if !self.is_valid().await {
                        return self.failed(&Refusal::Over);
                    }
                    return Some(Bytes::from_static(b": \n\n"));
                }
                Happening::End => return self.failed(&Refusal::Over),
            }
        }
    }

    async fn wait(&mut self) -> Happening {
        let Relay {
            events, downstream, ..
        } = &mut self.relay;
        let session_ended = async {
            match &downstream.session {
                Some(session) => session.ended.cancelled().await,
                None => std::future::pending().await,
            }
        };
        let next = async {
            match events {
                Some(events) => events.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = session_ended => Happening::End,
            () = downstream.link.access.ended.cancelled() => Happening::End,
            () = downstream.services.stop.cancelled() => Happening::End,
            _ = self.keep_alive.tick() => Happening::KeepAlive,
            changed = self.changes.recv() => Happening::Changed(changed.unwrap_or(Changed::All)),
            event = next => Happening::Event(event),
        }
    }

    async fn event(&mut self, event: Option<Result<Event, UpstreamError>>) -> Option<Bytes> {
        let downstream = Arc::clone(&self.relay.downstream);
        let event = match event {
            Some(Ok(event)) => event,
            Some(Err(error)) => {
                // The client then begins again. Where several servers share a session, only the link is made again.
                if matches!(error, UpstreamError::SessionEnded)
                    && !downstream.is_shared
                    && let Some(session) = &downstream.session
                {
                    session.end().await;
                }
                return self.failed(&error.into());
            }
            None => return self.ended_early(),
        };
        let data = match event.data {
            None => None,
            Some(data) if data.is_empty() => Some(data),
            Some(data) => match downstream.pass(&data).await {
                Ok(Passed::Message(text)) => Some(self.acknowledged(text)),
                Ok(Passed::Response(text)) => {
                    self.is_over = true;
                    self.is_answered = true;
                    if let Some(record) = self.relay.record.take() {
                        record.answered();
                    }
                    Some(text)
                }
                Ok(Passed::Nothing) => return None,
                Err(refusal) => return self.failed(&refusal),
            },
        };
        let harmless = |text: &String| downstream.is_harmless(text);
        // Where servers share a path, an id would be one server's and be sent back to all.
        let id = event.id.filter(harmless).filter(|_| !downstream.is_shared);
        self.has_ids |= id.is_some();
        let event = Event {
            id,
            name: event.name.filter(harmless),
            retry: event.retry.filter(|retry| harmless(&retry.to_string())),
            data,
        };
        Some(Bytes::from_owner(event.write()))
    }

    /// The server ended its part without the response that the client waits for.
    fn ended_early(&mut self) -> Option<Bytes> {
        self.relay.events = None;
        if self.relay.downstream.id.is_some() {
            // The client may come back for the rest.
            if self.has_ids && self.relay.downstream.session.is_some() {
                self.is_over = true;
                return None;
            }
            return self.failed(&UpstreamError::Ended.into());
        }
        if self.relay.announcement == Announcement::None {
            self.is_over = true;
        }
        None
    }

    fn failed(&mut self, refusal: &Refusal) -> Option<Bytes> {
        let downstream = &self.relay.downstream;
        refusal.log(Some(downstream.link.access.server.name.as_str()));
        self.is_over = true;
        self.is_answered = true;
        if let Some(record) = self.relay.record.take() {
            record.refused(refusal.reason());
        }
        let id = downstream.id.as_deref()?;
        let text = Wiped::new(refusal.to_message(Some(id), downstream.tool.is_some()));
        Some(Bytes::from_owner(Event::message(text).write()))
    }

    /// Something changed in the vault: ends the stream if the caller or its credentials are no longer valid, else
    /// announces that tools may look different.
    async fn heard(&mut self, changed: Changed) -> Option<Bytes> {
        let downstream = Arc::clone(&self.relay.downstream);
        if !downstream.caller.is_concerned_by(changed) {
            return None;
        }
        if !self.is_valid().await {
            return self.failed(&Refusal::Over);
        }
        if !shows_in_tools(changed, &downstream.caller) {
            return None;
        }
        self.relay.announcement.tell()
    }

    /// Whether the caller and the credentials of the link are still valid.
    async fn is_valid(&mut self) -> bool {
        let downstream = Arc::clone(&self.relay.downstream);
        let Downstream {
            services,
            caller,
            link,
            session,
            ..
        } = downstream.as_ref();
        // An open stream keeps its session and its access in use.
        link.access.used.note();
        if let Some(session) = session {
            session.keep();
        }
        let vault = &services.vault;
        vault.recheck(caller).await.is_ok()
            && link
                .access
                .is_current(vault, caller, &link.filled)
                .await
                .unwrap_or(false)
    }

    /// The server's acknowledgment of a subscription also promises changes of tools, which we announce.
    fn acknowledged(&self, text: Wiped<Vec<u8>>) -> Wiped<Vec<u8>> {
        if !matches!(self.relay.announcement, Announcement::Subscription(_)) {
            return text;
        }
        with_tools(text)
    }
}
