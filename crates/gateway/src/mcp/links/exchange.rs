//! Requests to a server and its answers, whether over HTTP or to a program.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use ::http::{HeaderMap, Method, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::DropGuard;
use toolvault_core::confidential::Wiped;

use crate::http::Opening;
use crate::mcp::protocol::{Event, EventReader};
use crate::mcp::refusal::UpstreamError;

/// One request to a server.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) method: Method,
    /// The protocol's own headers: version, method, name, mirrored parameters, last event.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Wiped<Vec<u8>>,
    /// How long the server may be silent; `None` for streams without an end.
    pub(crate) silence: Option<Duration>,
}

/// The answer of a server.
pub(crate) struct Exchange {
    pub(crate) status: StatusCode,
    pub(crate) session: Option<String>,
    pub(crate) content: Content,
}

impl Exchange {
    /// Why an answer with this status holds no message.
    pub(crate) fn failure(status: StatusCode) -> UpstreamError {
        if status.is_success() {
            UpstreamError::NotMcp
        } else {
            UpstreamError::Status(status)
        }
    }
}

pub(crate) enum Content {
    Empty,
    Message(Wiped<Vec<u8>>),
    Events(Events),
}

/// A message of a program that waits for its client, with the room that it takes.
pub(super) struct Queued {
    text: Wiped<Vec<u8>>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Queued {
    pub(super) fn new(text: Wiped<Vec<u8>>, room: Option<OwnedSemaphorePermit>) -> Self {
        Self { text, _room: room }
    }
}

/// Events as they come.
pub(crate) struct Events {
    source: Source,
    silence: Option<Duration>,
}

enum Source {
    Http {
        opening: Box<Opening>,
        reader: EventReader,
        limit: usize,
        ready: VecDeque<Event>,
    },
    /// The answer has not begun yet.
    Later(Later),
    Channel {
        events: mpsc::Receiver<Result<Queued, UpstreamError>>,
        /// Dropped with the events: the program then forgets the request.
        _interest: DropGuard,
    },
}

/// Events that are still to come; `None` if the answer is not a stream.
type Later = Pin<Box<dyn Future<Output = Result<Option<Events>, UpstreamError>> + Send>>;

impl Events {
    /// Events of an answer over HTTP, each of at most `limit` bytes.
    pub(super) fn of_http(opening: Opening, limit: usize, silence: Option<Duration>) -> Self {
        Self {
            source: Source::Http {
                opening: Box::new(opening),
                reader: EventReader::new(limit),
                limit,
                ready: VecDeque::new(),
            },
            silence,
        }
    }

    /// The events of an answer that has not begun. An answer that is not a stream has no events.
    pub(crate) fn later(
        asking: impl Future<Output = Result<Exchange, UpstreamError>> + Send + 'static,
    ) -> Self {
        let asking = async move {
            Ok(match asking.await?.content {
                Content::Events(events) => Some(events),
                _ => None,
            })
        };
        Self {
            source: Source::Later(Box::pin(asking)),
            silence: None,
        }
    }

    /// Messages of a program; `interest` is dropped with the events.
    pub(super) fn of_channel(
        events: mpsc::Receiver<Result<Queued, UpstreamError>>,
        interest: DropGuard,
        silence: Option<Duration>,
    ) -> Self {
        Self {
            source: Source::Channel {
                events,
                _interest: interest,
            },
            silence,
        }
    }

    /// The next event; `None` at the end. Dropping the future loses no event.
    pub(crate) async fn next(&mut self) -> Option<Result<Event, UpstreamError>> {
        match self.silence {
            None => self.source.next().await,
            Some(silence) => tokio::time::timeout(silence, self.source.next())
                .await
                .unwrap_or(Some(Err(UpstreamError::Silent))),
        }
    }
}

impl Source {
    async fn next(&mut self) -> Option<Result<Event, UpstreamError>> {
        match self {
            Self::Http {
                opening,
                reader,
                limit,
                ready,
            } => loop {
                if let Some(event) = ready.pop_front() {
                    return Some(Ok(event));
                }
                let chunk = match opening.chunk().await {
                    Ok(Some(chunk)) => chunk,
                    Ok(None) => return None,
                    Err(error) => return Some(Err(error.into())),
                };
                let mut events = Vec::new();
                if reader.push(&chunk, &mut events).is_err() {
                    return Some(Err(UpstreamError::TooLarge(*limit)));
                }
                ready.extend(events);
            },
            Self::Later(asking) => match asking.await {
                Ok(Some(events)) => {
                    *self = events.source;
                    Box::pin(self.next()).await
                }
                Ok(None) => None,
                Err(error) => Some(Err(error)),
            },
            Self::Channel { events, .. } => {
                let received = events.recv().await?;
                Some(received.map(|queued| Event::message(queued.text)))
            }
        }
    }
}
