//! An answer that comes event by event: relayed as it comes, with our own news and signs of life between.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::broadcast;
use tokio::time::{Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use toolvault_vault::Changed;
use zeroize::Zeroizing;

use super::call::CallRecord;
use super::downstream::{Downstream, Passed, subscription_member};
use super::sse::Event;
use super::upstream::Events;

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

/// A stream of events to one client.
pub(crate) struct Relay {
    pub(crate) downstream: Arc<Downstream>,
    /// None once the server has ended its part.
    pub(crate) events: Option<Events>,
    pub(crate) first: Option<Event>,
    pub(crate) record: Option<CallRecord>,
    pub(crate) announcement: Announcement,
    pub(crate) ended: CancellationToken,
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
}

enum Happening {
    Event(Option<Result<Event, super::upstream::UpstreamError>>),
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
                        return None;
                    }
                    return Some(Bytes::from_static(b": \n\n"));
                }
                Happening::End => return None,
            }
        }
    }

    async fn wait(&mut self) -> Happening {
        let Relay {
            events,
            ended,
            downstream,
            ..
        } = &mut self.relay;
        let next = async {
            match events {
                Some(events) => events.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = ended.cancelled() => Happening::End,
            () = downstream.shared.stop.cancelled() => Happening::End,
            news = self.news.recv() => Happening::News(news.unwrap_or(Changed::All)),
            event = next => Happening::Event(event),
            _ = self.signs.tick() => Happening::SignOfLife,
        }
    }

    async fn event(
        &mut self,
        event: Option<Result<Event, super::upstream::UpstreamError>>,
    ) -> Option<Bytes> {
        let downstream = Arc::clone(&self.relay.downstream);
        let event = match event {
            Some(Ok(event)) => event,
            Some(Err(error)) => return self.failed(error.into()),
            None => return self.ended_early(),
        };
        let data = match event.data {
            None => None,
            Some(data) if data.is_empty() => Some(data),
            Some(data) => match downstream.pass(&data).await {
                Ok(Passed::Message(text)) => Some(self.acknowledged(text)),
                Ok(Passed::Response(text)) => {
                    self.is_over = true;
                    if let Some(record) = self.relay.record.take() {
                        record.answered();
                    }
                    Some(text)
                }
                Ok(Passed::Nothing) => return None,
                Err(refusal) => return self.failed(refusal),
            },
        };
        let harmless = |text: &String| downstream.is_harmless(text);
        let event = Event {
            id: event.id.filter(harmless),
            name: event.name.filter(harmless),
            retry: event.retry,
            data,
        };
        Some(Bytes::from_owner(event.write()))
    }

    /// The server ended its part without the response that the client waits for.
    fn ended_early(&mut self) -> Option<Bytes> {
        self.relay.events = None;
        if self.relay.downstream.id.is_some() {
            // In the earlier era the client may come back for the rest.
            if self.relay.downstream.link.era == super::era::Era::Legacy
                && self.relay.downstream.link.program().is_none()
            {
                self.is_over = true;
                return None;
            }
            return self.failed(super::upstream::UpstreamError::Ended.into());
        }
        if self.relay.announcement == Announcement::None {
            self.is_over = true;
        }
        None
    }

    fn failed(&mut self, refusal: super::refusal::Refusal) -> Option<Bytes> {
        let downstream = &self.relay.downstream;
        refusal.log(Some(downstream.link.access.server.name.as_str()));
        self.is_over = true;
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
            self.is_over = true;
            return None;
        }
        if matches!(changed, Changed::Key(_)) {
            return None;
        }
        let metadata = match &self.relay.announcement {
            Announcement::None => return None,
            Announcement::Plain => String::new(),
            Announcement::Subscription(id) => {
                format!(
                    ",\"params\":{{\"_meta\":{{\"{}\":{id}}}}}",
                    subscription_member()
                )
            }
        };
        let text = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"{metadata}}}"
        );
        let event = Event::message(Zeroizing::new(text.into_bytes()));
        Some(Bytes::from_owner(event.write()))
    }

    /// Whether the caller still may, and what the link was built with still is what it was.
    async fn is_due(&self) -> bool {
        let Downstream {
            shared,
            caller,
            link,
            ..
        } = self.relay.downstream.as_ref();
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
