//! The messages in an answer: one as JSON, or any number as events.

use std::collections::VecDeque;
use std::time::Duration;

use toolvault_core::json;
use toolvault_gateway::HttpError;
use toolvault_gateway::http::{Opening, StatusCode, header};

use super::LARGEST_MESSAGE;
use super::events::Reader;

/// A message, or what an event without one tells.
pub(crate) struct Incoming {
    /// JSON in one line; none for an event without any.
    pub(crate) line: Option<Vec<u8>>,
    /// Where to go on after this event if the stream ends.
    pub(crate) event: Option<String>,
    /// For how long to wait before that.
    pub(crate) retry: Option<Duration>,
}

/// Why there are no more messages.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("a message has more than {LARGEST_MESSAGE} bytes")]
    TooLarge,
}

/// The messages of one answer, as they come.
pub(crate) struct Messages {
    opening: Opening,
    events: Option<Reader>,
    waiting: VecDeque<Incoming>,
    is_over: bool,
}

impl Messages {
    /// Those of this answer, whose head has arrived.
    pub(crate) fn of(opening: Opening) -> Self {
        let kind = opening.headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_events = kind
            .split(';')
            .next()
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"));
        Self {
            events: is_events.then(|| Reader::new(LARGEST_MESSAGE)),
            opening,
            waiting: VecDeque::new(),
            is_over: false,
        }
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        self.opening.status
    }

    /// Its head.
    pub(crate) fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Whether it is a stream, which may be gone on with elsewhere.
    pub(crate) fn is_stream(&self) -> bool {
        self.events.is_some()
    }

    /// The next message; none at the end.
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
                    event: None,
                    retry: None,
                }));
            };
            let Some(piece) = self.opening.chunk().await? else {
                self.is_over = true;
                return Ok(None);
            };
            let events = reader.push(&piece).map_err(|_| Broken::TooLarge)?;
            let incoming = events.into_iter().map(|event| Incoming {
                line: one_line(event.data),
                event: event.id,
                retry: event.retry.map(Duration::from_millis),
            });
            self.waiting.extend(incoming);
        }
    }

    async fn whole(&mut self) -> Result<Vec<u8>, Broken> {
        let mut body = Vec::new();
        while let Some(piece) = self.opening.chunk().await? {
            if body.len() + piece.len() > LARGEST_MESSAGE {
                return Err(Broken::TooLarge);
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}

/// JSON in one line; none if it is none. Outside strings a line break is a space, and inside there is none.
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
