//! What a server is asked and what it answers, whichever way it is reached.

pub(crate) mod http;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, Method, StatusCode};
use tokio::sync::mpsc;
use tokio_util::sync::DropGuard;
use zeroize::Zeroizing;

use super::link::Link;
use super::program::Queued;
use super::protocol::{Event, EventReader, EventTooLarge};
use crate::http::{HttpError, Opening};

/// One thing that a server is asked.
pub(crate) struct Question {
    pub(crate) method: Method,
    /// The protocol's own headers: version, method, name, mirrored parameters, last event.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Zeroizing<Vec<u8>>,
    /// For how long the server may be silent; none for streams that wait for news.
    pub(crate) silence: Option<Duration>,
}

/// What a server answers.
pub(crate) struct Exchange {
    pub(crate) status: StatusCode,
    pub(crate) session: Option<String>,
    pub(crate) content: Content,
}

pub(crate) enum Content {
    Empty,
    Message(Zeroizing<Vec<u8>>),
    Events(Events),
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
        ready: VecDeque<Event>,
    },
    /// Asked for, and not answered yet.
    Later(Later),
    Channel {
        events: mpsc::Receiver<Queued>,
        /// Tells the server when nobody listens any more.
        _interest: DropGuard,
    },
}

/// Events that a server may yet offer; none if it has no such stream.
type Later = Pin<Box<dyn Future<Output = Result<Option<Events>, UpstreamError>> + Send>>;

/// Why a server did not answer. It holds nothing that the server said.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    #[error("the server cannot be reached: {0}")]
    Unreachable(#[source] HttpError),
    #[error("the server was silent for too long")]
    Silent,
    #[error("the server's answer is too large")]
    TooLarge,
    #[error("the server refused its credential")]
    CredentialRefused,
    #[error("the server answered with a redirect, which is not followed")]
    Redirect,
    #[error("the server's answer is not MCP")]
    NotMcp,
    #[error("the server has forgotten its session")]
    SessionEnded,
    #[error("the server ended")]
    Ended,
    #[error("the server cannot be started")]
    NotStarted(#[source] crate::stdio::LaunchError),
    #[error("the server ended again and again, and is given a pause")]
    Pausing,
    #[error("too many programs run already")]
    TooManyPrograms,
    #[error("the server speaks only earlier versions of the protocol: initialize first")]
    OtherEra,
}

impl From<HttpError> for UpstreamError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Timeout => Self::Silent,
            HttpError::TooLarge { .. } => Self::TooLarge,
            error => Self::Unreachable(error),
        }
    }
}

impl From<EventTooLarge> for UpstreamError {
    fn from(_: EventTooLarge) -> Self {
        Self::TooLarge
    }
}

impl Events {
    /// Events of an answer over HTTP, each of at most `limit` bytes.
    pub(crate) fn of_http(opening: Opening, limit: usize, silence: Option<Duration>) -> Self {
        Self {
            source: Source::Http {
                opening: Box::new(opening),
                reader: EventReader::new(limit),
                ready: VecDeque::new(),
            },
            silence,
        }
    }

    /// Events of a question whose answer nobody waits for. A server that offers no stream ends them at once.
    pub(crate) fn of_question(link: Arc<Link>, question: Question) -> Self {
        let asking = async move {
            let exchange = link.ask(question).await?;
            Ok(match exchange.content {
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
    pub(crate) fn of_channel(
        events: mpsc::Receiver<Queued>,
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

    /// The next event; none at the end. Abandoning the call loses nothing.
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
                if let Err(error) = reader.push(&chunk, &mut events) {
                    return Some(Err(error.into()));
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
                let queued = events.recv().await?;
                Some(Ok(Event::message(queued.text)))
            }
        }
    }
}
