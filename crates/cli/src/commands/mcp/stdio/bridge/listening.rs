//! What the server sends by itself: the stream of a session, and the subscriptions of the later era.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use toolvault_core::json::Value;
use toolvault_gateway::http::HeaderMap;
use toolvault_gateway::mcp::protocol::Message;

use super::super::session::lists_of_subscription;
use super::Bridge;
use super::attempt::read;
use super::exchange::Request;
use super::tries::{Failure, Pauses, Refusal, Tries};

/// Pauses before a stream is opened again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Errors of the gateway that end a stream for reasons that pass: the server failed, or something changed.
const PASSING: [i64; 2] = [1_002, 1_003];
const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";

impl Bridge {
    /// Listens for the client until `ended`. An open stream also keeps the session from being idle.
    pub(super) fn attach(self: &Arc<Self>, ended: CancellationToken) {
        let bridge = Arc::clone(self);
        self.tasks.spawn(async move {
            let listening = ended.run_until_cancelled(bridge.listen());
            bridge.end.run_until_cancelled(listening).await;
        });
    }

    /// Passes on what the server sends by itself, over every session that the client has in turn. Ends if there is no
    /// such stream.
    async fn listen(&self) {
        let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut last: Option<(u64, String)> = None;
        loop {
            let (number, headers) = self.current().await;
            let event = last.take().filter(|(of, _)| *of == number);
            let event = event.map(|(_, event)| event);
            let mut wait = Duration::ZERO;
            let began = Instant::now();
            match self.stream(headers, event.as_deref()).await {
                Ok(mut messages) => {
                    let mut pass = |line| self.send(line);
                    let ended = tokio::select! {
                        ended = read(&mut messages, None, &mut pass) => ended,
                        // It belongs to the session before.
                        () = self.renewed.notified() => continue,
                    };
                    if let Ok(ended) = ended {
                        if !ended.is_empty || began.elapsed() > LONGEST_PAUSE {
                            pauses.reset();
                        }
                        wait = ended.retry;
                        last = ended.event.or(event).map(|event| (number, event));
                    }
                }
                // If it fails, the next round tries again.
                Err(Failure::SessionEnded) => drop(self.renew(number).await),
                Err(Failure::Refused(refusal)) if !PASSING.contains(&refusal.code()) => return,
                Err(_) => {}
            }
            let pause = tokio::time::sleep(pauses.next().max(wait));
            tokio::select! {
                () = pause => {}
                () = self.renewed.notified() => {}
            }
        }
    }

    /// Asks with `subscriptions/listen`. Once the server has acknowledged it, the subscription holds until the client
    /// ends it: a stream that ends is opened again.
    pub(super) async fn subscribe(&self, request: &Request, headers: HeaderMap) {
        let id = &request.kept.id;
        let mut tries = Tries::at(&request.method);
        let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut is_acknowledged = false;
        loop {
            let mut pass = |line: Vec<u8>| {
                let message = Message::parse(&line).ok();
                let acknowledgment = message.filter(is_acknowledgment);
                match acknowledgment {
                    Some(acknowledgment) if is_acknowledged => {
                        pauses.reset();
                        self.announce(&lists_of_subscription(&acknowledgment), Some(id));
                    }
                    other => {
                        is_acknowledged |= other.is_some();
                        self.send(line);
                    }
                }
            };
            let line = request.kept.line.clone();
            let outcome = self.attempt(headers.clone(), id, line, &mut pass).await;
            match outcome {
                Ok(answer) if !(is_acknowledged && has_passing_error(&answer.line)) => {
                    return self.send(answer.line);
                }
                Err(Failure::Refused(refusal)) => return self.send(refusal.to_message(id)),
                Err(failure) if !is_acknowledged => {
                    if !self.goes_on(request, &mut tries, failure).await {
                        return;
                    }
                }
                Ok(_) | Err(_) => tokio::time::sleep(pauses.next()).await,
            }
        }
    }
}

fn is_acknowledgment(message: &Message<'_>) -> bool {
    let method = message.get("method").and_then(Value::as_text);
    matches!(method, Some(Ok(method)) if *method == ACKNOWLEDGED)
}

fn has_passing_error(answer: &[u8]) -> bool {
    let message = Message::parse(answer).ok();
    let refusal = message.and_then(|message| Refusal::of(&message));
    refusal.is_some_and(|refusal| PASSING.contains(&refusal.code()))
}
