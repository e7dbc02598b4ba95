//! The messages in an answer: one as JSON, or any number as events.

use std::collections::VecDeque;
use std::time::Duration;

use toolvault_core::json;
use toolvault_gateway::HttpError;
use toolvault_gateway::http::{Opening, StatusCode, header};
use toolvault_gateway::mcp::protocol::{Event, EventReader, EventTooLarge};

use super::LARGEST_MESSAGE;

/// A message, or an event without one.
#[derive(Default)]
pub(crate) struct Incoming {
    /// JSON in one line; `None` if the event carries no JSON.
    pub(crate) line: Option<Vec<u8>>,
    /// The ID of the event, from which the stream can be resumed if it ends.
    pub(crate) event: Option<String>,
    /// How long to wait before that.
    pub(crate) retry: Option<Duration>,
}

/// Why there are no more messages.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("a message has more than {LARGEST_MESSAGE} bytes")]
    TooLarge(#[from] EventTooLarge),
}

/// The messages of one answer, as they come.
pub(crate) struct Messages {
    opening: Opening,
    events: Option<EventReader>,
    waiting: VecDeque<Incoming>,
    is_over: bool,
}

impl Messages {
    /// The messages of an answer whose head has arrived.
    pub(crate) fn of(opening: Opening) -> Self {
        let kind = opening.headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_events = kind
            .split(';')
            .next()
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"));
        Self {
            events: is_events.then(|| EventReader::new(LARGEST_MESSAGE)),
            opening,
            waiting: VecDeque::new(),
            is_over: false,
        }
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        self.opening.status
    }

    /// The answer.
    pub(crate) fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Whether it is a stream of events.
    pub(crate) fn is_stream(&self) -> bool {
        self.events.is_some()
    }

    /// The next message; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Incoming>, Broken> {
        loop {
            if let Some(incoming) = self.waiting.pop_front() {
                return Ok(Some(incoming));
            }
            if self.is_over {
                return Ok(None);
            }
            let Some(reader) = &mut self.events else {
                let line = one_line(self.whole().await?);
                self.is_over = true;
                return Ok(Some(Incoming {
                    line,
                    ..Incoming::default()
                }));
            };
            let Some(piece) = self.opening.chunk().await? else {
                self.is_over = true;
                return Ok(None);
            };
            let mut events = Vec::new();
            reader.push(&piece, &mut events)?;
            self.waiting.extend(events.into_iter().map(Incoming::from));
        }
    }

    async fn whole(&mut self) -> Result<Vec<u8>, Broken> {
        let mut body = Vec::new();
        while let Some(piece) = self.opening.chunk().await? {
            if body.len() + piece.len() > LARGEST_MESSAGE {
                return Err(EventTooLarge.into());
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}

impl From<Event> for Incoming {
    fn from(event: Event) -> Self {
        let data = event.data.map(|mut data| std::mem::take(&mut *data));
        Self {
            line: data.and_then(one_line),
            event: event.id,
            retry: event.retry.map(Duration::from_millis),
        }
    }
}

/// JSON in one line; `None` if the text is not JSON. Outside strings a line break is the same as a space, and strings
/// contain none.
fn one_line(mut text: Vec<u8>) -> Option<Vec<u8>> {
    json::parse(&text).ok()?;
    for byte in &mut text {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn only_json_is_passed_on_and_in_one_line() {
        let line = one_line(b"{\"a\":\r\n [1,\n2]}".to_vec()).unwrap();
        assert_eq!(line, b"{\"a\":   [1, 2]}");
        for text in [&b"<html>"[..], b"", b"{} {}", b"{\"a\":\"\n\"}"] {
            assert_eq!(one_line(text.to_vec()), None);
        }
    }
}
