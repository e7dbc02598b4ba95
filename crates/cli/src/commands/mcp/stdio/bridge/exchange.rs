//! One request and everything that comes back for it; and what the server sends by itself.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use toolvault_gateway::http::{HeaderMap, HeaderValue, StatusCode};
use toolvault_gateway::mcp::protocol::headers::{LAST_EVENT_ID, SESSION_ID};
use toolvault_gateway::mcp::protocol::{Message, error};

use super::super::session::Session;
use super::{Bridge, Exchange, PATIENCE};
use crate::failure::with_causes;
use crate::mcp::{Incoming, Messages};

/// Errors of this program; those from -32768 to -32000 are the protocol's.
const NO_ANSWER: i64 = 1_100;
const REFUSED: i64 = 1_101;
/// Until a stream that ended is asked for again, unless the server said how long.
const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_mins(1);
/// How often in a row a stream may end without bringing anything.
const MOST_RETRIES: u32 = 5;

/// How far an answer came.
enum Outcome {
    Answered,
    /// A stream ended; perhaps the rest is had behind this event.
    Ended {
        event: Option<String>,
        retry: Duration,
        is_empty: bool,
    },
}

impl Bridge {
    /// Asks, and passes everything on that comes back; if no answer is among it, an error of our own.
    pub(super) async fn ask(&self, exchange: Exchange, id: &str, line: Bytes) {
        match exchange {
            Exchange::Modern { headers, is_list } => {
                let learn = |answer: &Message<'_>, _: &HeaderMap| {
                    if is_list {
                        let mirrored = self.mirrored.lock();
                        mirrored
                            .unwrap_or_else(PoisonError::into_inner)
                            .learn(answer);
                    }
                };
                self.ask_with(headers, id, line, learn).await;
            }
            Exchange::Opening { mut session } => {
                let open = |answer: &Message<'_>, head: &HeaderMap| {
                    if let Some(opened) = Session::of(head, answer) {
                        *session = opened;
                    }
                };
                self.ask_with(HeaderMap::new(), id, line, open).await;
            }
            Exchange::InSession => {
                let headers = self.session.read().await.headers();
                self.ask_with(headers, id, line, |_, _| {}).await;
            }
        }
    }

    /// Asks; the answer is `seen` with the head it came under before it is passed on.
    async fn ask_with(
        &self,
        headers: HeaderMap,
        id: &str,
        line: Bytes,
        mut seen: impl FnMut(&Message<'_>, &HeaderMap),
    ) {
        let is_session = headers.contains_key(SESSION_ID);
        let opening = match self.endpoint.post(headers.clone(), line).await {
            Ok(opening) => opening,
            Err(problem) => {
                let words = format!("no answer from the gateway: {}", with_causes(&problem));
                return self.send(error(Some(id), NO_ANSWER, &words, None));
            }
        };
        let mut messages = Messages::of(opening);
        if !messages.status().is_success() {
            let refusal = refusal(&mut messages, id, is_session).await;
            return self.send(refusal);
        }
        let mut outcome = self.pass_on(&mut messages, Some(id), &mut seen).await;
        let mut retries = 0;
        while let Outcome::Ended {
            event: Some(event),
            retry,
            is_empty,
        } = &outcome
        {
            retries = if *is_empty { retries + 1 } else { 0 };
            if !is_session || retries > MOST_RETRIES {
                break;
            }
            tokio::time::sleep(*retry).await;
            let Some(mut messages) = self.resume(headers.clone(), Some(event)).await else {
                break;
            };
            let last = event.clone();
            outcome = self.pass_on(&mut messages, Some(id), &mut seen).await;
            if let Outcome::Ended { event, .. } = &mut outcome {
                event.get_or_insert(last);
            }
        }
        if matches!(outcome, Outcome::Ended { .. }) {
            let words = "the gateway's answer ended before the result";
            self.send(error(Some(id), NO_ANSWER, words, None));
        }
    }

    /// Passes on what an answer holds, up to the answer to `id`.
    async fn pass_on(
        &self,
        messages: &mut Messages,
        id: Option<&str>,
        seen: &mut impl FnMut(&Message<'_>, &HeaderMap),
    ) -> Outcome {
        let (mut last, mut wait, mut is_empty) = (None, RETRY, true);
        // A stream that breaks off is one that has ended.
        while let Ok(Some(Incoming { line, event, retry })) = messages.next().await {
            last = event.or(last);
            wait = retry.unwrap_or(wait).min(LONGEST_RETRY);
            let Some(line) = line else { continue };
            is_empty = false;
            let answer = id.zip(Message::parse(&line).ok());
            let answer = answer.filter(|(id, message)| message.answers(id));
            let is_answer = answer.is_some();
            if let Some((_, message)) = answer {
                seen(&message, &messages.opening().headers);
            }
            self.send(line);
            if is_answer {
                return Outcome::Answered;
            }
        }
        Outcome::Ended {
            event: last,
            retry: wait,
            is_empty,
        }
    }

    /// Sends what is not answered. Whether it was taken.
    pub(super) async fn tell(&self, headers: HeaderMap, line: Bytes) -> bool {
        let posting = self.endpoint.post(headers, line);
        let taken = tokio::time::timeout(PATIENCE, posting).await;
        matches!(taken, Ok(Ok(opening)) if opening.status.is_success())
    }

    /// Passes on what the server sends by itself, until the session ends.
    pub(super) async fn listen(self: &Arc<Self>) {
        let session = self.session.read().await;
        let (headers, ended) = (session.headers(), session.listening.clone());
        let bridge = Arc::clone(self);
        let end = self.end.clone();
        self.tasks.spawn(async move {
            let listening = bridge.listen_until_refused(headers);
            tokio::select! {
                () = listening => {}
                () = ended.cancelled() => {}
                () = CancellationToken::cancelled(&end) => {}
            }
        });
    }

    async fn listen_until_refused(&self, headers: HeaderMap) {
        let (mut event, mut failures) = (None, 0);
        while let Some(mut messages) = self.resume(headers.clone(), event.as_deref()).await {
            let outcome = self.pass_on(&mut messages, None, &mut |_, _| {}).await;
            let Outcome::Ended {
                event: last,
                retry,
                is_empty,
            } = outcome
            else {
                return;
            };
            failures = if is_empty { failures + 1 } else { 0 };
            if failures > MOST_RETRIES {
                return;
            }
            event = last.or(event);
            tokio::time::sleep(retry).await;
        }
    }

    /// The stream of a session, from behind an event on; none if there is none.
    async fn resume(&self, mut headers: HeaderMap, event: Option<&str>) -> Option<Messages> {
        if let Some(event) = event {
            headers.insert(LAST_EVENT_ID, HeaderValue::from_str(event).ok()?);
        }
        let messages = Messages::of(self.endpoint.listen(headers).await.ok()?);
        (messages.status().is_success() && messages.is_stream()).then_some(messages)
    }
}

/// What the client hears of an answer that is a refusal: the gateway's own error under the client's id.
async fn refusal(messages: &mut Messages, id: &str, is_session: bool) -> Vec<u8> {
    let status = messages.status();
    let body = messages.next().await.ok().flatten();
    let line = body.and_then(|incoming| incoming.line).unwrap_or_default();
    if let Ok(message) = Message::parse(&line) {
        if message.answers(id) {
            return line;
        }
        if let Some((code, words)) = message.error() {
            return error(Some(id), code, &words, None);
        }
    }
    let words = match status {
        StatusCode::UNAUTHORIZED => {
            "the gateway refuses the key: check TOOLVAULT_API_KEY".to_owned()
        }
        StatusCode::FORBIDDEN => {
            "the gateway refuses: does the key have the scope 'use'?".to_owned()
        }
        StatusCode::NOT_FOUND if is_session => {
            "the session has ended; start the client again".to_owned()
        }
        StatusCode::NOT_FOUND => "the gateway has no such server".to_owned(),
        status => format!("the gateway answered {status}"),
    };
    error(Some(id), REFUSED, &words, None)
}
