//! One attempt at a request: sent once, and everything that comes back for it.

use std::time::Duration;

use bytes::Bytes;
use toolvault_gateway::HttpError;
use toolvault_gateway::http::{HeaderMap, HeaderValue, StatusCode};
use toolvault_gateway::mcp::protocol::Message;
use toolvault_gateway::mcp::protocol::headers::{LAST_EVENT_ID, SESSION_ID};

use super::Bridge;
use super::tries::{Failure, Refusal};
use crate::failure::with_causes;
use crate::mcp::{Broken, Incoming, Messages};

/// How long to wait before a stream that ended is resumed, unless the server says how long.
const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_mins(1);
/// How often in a row a stream may be resumed that brings nothing.
const MOST_RESUMPTIONS: u32 = 5;
/// The gateway does not know the session.
const NO_SUCH_SESSION: i64 = 1_005;

/// The answer to a request, and the head of the HTTP answer that it came with.
pub(super) struct Answer {
    pub(super) line: Vec<u8>,
    pub(super) head: HeaderMap,
}

/// What a stream brought before it ended.
pub(super) struct Ended {
    /// The answer that was waited for; the stream is not read further.
    pub(super) answer: Option<Vec<u8>>,
    /// The ID of the last event.
    pub(super) event: Option<String>,
    /// How long to wait before the stream is resumed.
    pub(super) retry: Duration,
    /// Whether it brought no message.
    pub(super) is_empty: bool,
}

impl Default for Ended {
    fn default() -> Self {
        Self {
            answer: None,
            event: None,
            retry: RETRY,
            is_empty: true,
        }
    }
}

impl Bridge {
    /// Sends a request once. Messages before the answer go to `pass`.
    pub(super) async fn attempt(
        &self,
        headers: HeaderMap,
        id: &str,
        line: Bytes,
        pass: &mut (impl FnMut(Vec<u8>) + Send),
    ) -> Result<Answer, Failure> {
        let opening = self.endpoint.post(headers.clone(), line).await;
        let mut messages = Messages::of(opening.map_err(|error| unsent_or_broken(&error))?);
        if !messages.status().is_success() {
            let is_in_session = headers.contains_key(SESSION_ID);
            return refused(&mut messages, id, is_in_session).await;
        }
        let head = messages.opening().headers.clone();
        let mut ended = read(&mut messages, Some(id), pass).await?;
        let mut resumptions = 0;
        let line = loop {
            if let Some(line) = ended.answer {
                break line;
            }
            resumptions = if ended.is_empty { resumptions + 1 } else { 0 };
            let event = ended.event.filter(|_| headers.contains_key(SESSION_ID));
            let Some(event) = event.filter(|_| resumptions <= MOST_RESUMPTIONS) else {
                return Err(ended_early());
            };
            tokio::time::sleep(ended.retry).await;
            ended = match self.stream(headers.clone(), Some(&event)).await {
                Ok(mut messages) => read(&mut messages, Some(id), pass).await?,
                Err(Failure::Away { .. } | Failure::Broken(_)) => Ended::default(),
                // The request was sent all the same, whatever has become of its session.
                Err(Failure::SessionEnded | Failure::Refused(_)) => return Err(ended_early()),
            };
            ended.event.get_or_insert(event);
        };
        Ok(Answer { line, head })
    }

    /// The stream of what the server sends by itself, from behind an event on.
    pub(super) async fn stream(
        &self,
        mut headers: HeaderMap,
        event: Option<&str>,
    ) -> Result<Messages, Failure> {
        if let Some(event) = event.and_then(|event| HeaderValue::from_str(event).ok()) {
            headers.insert(LAST_EVENT_ID, event);
        }
        let opening = self.endpoint.listen(headers).await;
        let mut messages = Messages::of(opening.map_err(|error| unsent_or_broken(&error))?);
        if messages.status().is_success() && messages.is_stream() {
            return Ok(messages);
        }
        // Something in front of the gateway may lack the route: a bare 404 says nothing about the session.
        match refused(&mut messages, "null", false).await {
            Err(failure) => Err(failure),
            Ok(_) => Err(Failure::Refused(Refusal::new(
                "the gateway offers no stream",
            ))),
        }
    }
}

/// Reads messages up to the answer to the request with this ID, or to the end.
pub(super) async fn read(
    messages: &mut Messages,
    id: Option<&str>,
    pass: &mut (impl FnMut(Vec<u8>) + Send),
) -> Result<Ended, Failure> {
    let mut ended = Ended::default();
    loop {
        let Incoming { line, event, retry } = match messages.next().await {
            Ok(Some(incoming)) => incoming,
            // A stream that breaks has ended.
            Ok(None) | Err(Broken::Http(_)) => return Ok(ended),
            Err(too_large @ Broken::TooLarge(_)) => {
                return Err(Failure::Refused(Refusal::new(too_large.to_string())));
            }
        };
        ended.event = event.or(ended.event);
        ended.retry = retry.unwrap_or(ended.retry).min(LONGEST_RETRY);
        let Some(line) = line else { continue };
        ended.is_empty = false;
        let message = Message::parse(&line).ok();
        if id
            .zip(message)
            .is_some_and(|(id, message)| message.answers(id))
        {
            ended.answer = Some(line);
            return Ok(ended);
        }
        pass(line);
    }
}

fn ended_early() -> Failure {
    Failure::Broken("the gateway's answer ended before the result".to_owned())
}

/// What an HTTP error status says: the answer to the request all the same, or a failure. A 404 without a message ends the
/// session of a request that was sent in one.
async fn refused(
    messages: &mut Messages,
    id: &str,
    is_in_session: bool,
) -> Result<Answer, Failure> {
    let status = messages.status();
    let body = messages.next().await.ok().flatten();
    let line = body.and_then(|incoming| incoming.line).unwrap_or_default();
    let message = Message::parse(&line).ok();
    let refusal = message.and_then(|message| Refusal::of(&message));
    let code = refusal.as_ref().map(Refusal::code);
    let says_session_ended = match code {
        Some(code) => code == NO_SUCH_SESSION,
        None => is_in_session,
    };
    if status == StatusCode::NOT_FOUND && says_session_ended {
        return Err(Failure::SessionEnded);
    }
    if message.is_some_and(|message| message.answers(id)) {
        let head = messages.opening().headers.clone();
        return Ok(Answer { line, head });
    }
    Err(match (refusal, status) {
        (Some(refusal), _) => Failure::Refused(refusal),
        // What stands before the gateway says so.
        (
            None,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT,
        ) => Failure::Away {
            words: format!("the gateway answered {status}"),
            is_sent: true,
        },
        (None, status) => Failure::Refused(Refusal::new(meaning(status))),
    })
}

fn meaning(status: StatusCode) -> String {
    match status {
        StatusCode::UNAUTHORIZED => {
            "the gateway refuses the key: check TOOLVAULT_API_KEY".to_owned()
        }
        StatusCode::FORBIDDEN => {
            "the gateway refuses: does the key have the scope 'use'?".to_owned()
        }
        StatusCode::NOT_FOUND => "the gateway has no such server".to_owned(),
        status => format!("the gateway answered {status}"),
    }
}

/// Whether a request without an answer can have reached the gateway.
fn unsent_or_broken(error: &HttpError) -> Failure {
    let words = with_causes(error);
    match error {
        HttpError::Unreachable(_) | HttpError::UnknownHost(_) => Failure::Away {
            words,
            is_sent: false,
        },
        HttpError::Timeout | HttpError::Broken(_) | HttpError::TooLarge { .. } => {
            Failure::Broken(words)
        }
        HttpError::InvalidUrl
        | HttpError::UnsupportedScheme
        | HttpError::UserInfo
        | HttpError::PlainHttp
        | HttpError::ForbiddenAddress
        | HttpError::CaFile { .. }
        | HttpError::Setup(_) => Failure::Refused(Refusal::new(words)),
    }
}
