//! An answer that comes event by event: relayed as it comes, with our own news and signs of life between.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::broadcast;
use tokio::time::{Interval, MissedTickBehavior, interval_at};
use toolvault_vault::Changed;
use zeroize::Zeroizing;

use super::call::CallRecord;
use super::downstream::{Downstream, Passed, subscription_member};
use super::protocol::Event;
use super::refusal::Refusal;
use super::session::Unanswered;
use super::upstream::{Events, UpstreamError};

/// A comment line so often keeps connections open, and is when time limits are looked at.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// How the client hears that its list of tools is another one now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Announcement {
    /// Not on this stream.
    None,
    /// As a notification of the earlier era.
    Plain,
    /// As one of the subscription with this id, as its client spelled it.
    Subscription(String),
}

impl Announcement {
    /// The event that tells it; none where nothing is told.
    pub(crate) fn tell(&self) -> Option<Bytes> {
        let metadata = match self {
            Self::None => return None,
            Self::Plain => String::new(),
            Self::Subscription(id) => {
                let member = subscription_member();
                format!(",\"params\":{{\"_meta\":{{\"{member}\":{id}}}}}")
            }
        };
        let text = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"{metadata}}}"
        );
        let event = Event::message(Zeroizing::new(text.into_bytes()));
        Some(Bytes::from_owner(event.write()))
    }
}

/// A stream of events to one client.
pub(crate) struct Relay {
    pub(crate) downstream: Arc<Downstream>,
    /// None once the server has ended its part.
    pub(crate) events: Option<Events>,
    pub(crate) first: Option<Event>,
    pub(crate) record: Option<CallRecord>,
    pub(crate) announcement: Announcement,
}

impl Relay {
    /// The stream. It ends when the server ends it, when its session or the caller's right to it ends, or when what it was
    /// built on has changed.
    pub(crate) fn run(self) -> impl Stream<Item = Bytes> + Send {
        let news = self.downstream.shared.vault.changes();
        let start = tokio::time::Instant::now() + SIGN_OF_LIFE;
        let mut signs = interval_at(start, SIGN_OF_LIFE);
        signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let running = Running {
            relay: self,
            news,
            signs,
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
    news: broadcast::Receiver<Changed>,
    signs: Interval,
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
    News(Changed),
    SignOfLife,
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
                Happening::News(changed) => {
                    if let Some(piece) = self.heard(changed).await {
                        return Some(piece);
                    }
                }
                Happening::SignOfLife => {
                    if !self.is_due().await {
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
            () = downstream.shared.stop.cancelled() => Happening::End,
            _ = self.signs.tick() => Happening::SignOfLife,
            news = self.news.recv() => Happening::News(news.unwrap_or(Changed::All)),
            event = next => Happening::Event(event),
        }
    }

    async fn event(&mut self, event: Option<Result<Event, UpstreamError>>) -> Option<Bytes> {
        let downstream = Arc::clone(&self.relay.downstream);
        let event = match event {
            Some(Ok(event)) => event,
            Some(Err(error)) => {
                if matches!(error, UpstreamError::SessionEnded) {
                    forgotten(&downstream).await;
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
        let text = Zeroizing::new(refusal.to_message(Some(id)));
        Some(Bytes::from_owner(Event::message(text).write()))
    }

    /// Something changed: the stream ends if it has lost its ground, and tells its client if its tools may look different.
    async fn heard(&mut self, changed: Changed) -> Option<Bytes> {
        let downstream = Arc::clone(&self.relay.downstream);
        if !downstream.caller.is_concerned_by(changed) {
            return None;
        }
        if !self.is_due().await {
            return self.failed(&Refusal::Over);
        }
        if matches!(changed, Changed::Key(_)) {
            return None;
        }
        self.relay.announcement.tell()
    }

    /// Whether the caller still may, and what the link was built with still is what it was.
    async fn is_due(&mut self) -> bool {
        let downstream = Arc::clone(&self.relay.downstream);
        let Downstream {
            shared,
            caller,
            link,
            session,
            ..
        } = downstream.as_ref();
        // As long as somebody listens, nothing here is idle.
        link.access.keep();
        if let Some(session) = session {
            session.keep();
        }
        shared.vault.recheck(caller).await.is_ok()
            && link
                .access
                .is_current(&shared.vault, caller, &link.filled)
                .await
    }

    /// What the server acknowledges of a subscription, and news of tools beside it, which are ours to give.
    fn acknowledged(&self, text: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
        if !matches!(self.relay.announcement, Announcement::Subscription(_)) {
            return text;
        }
        super::subscription::with_tools(text)
    }
}

/// The server knows its session no more: ours ends with it, so that the client begins again. Among several servers it is
/// begun with anew.
async fn forgotten(downstream: &Downstream) {
    if let Some(session) = &downstream.session
        && !downstream.is_shared
    {
        downstream.shared.sessions.remove(&session.id);
        session.end().await;
    }
}
