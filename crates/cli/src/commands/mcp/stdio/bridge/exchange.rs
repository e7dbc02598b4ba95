//! One request of the client, up to its answer.

use std::sync::PoisonError;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::OwnedRwLockWriteGuard;
use tokio_util::sync::CancellationToken;
use toolvault_gateway::http::HeaderMap;
use toolvault_gateway::mcp::protocol::Message;

use super::super::session::{Kept, Session, Settings};
use super::Bridge;
use super::attempt::Answer;
use super::tries::{Failure, Tries};

/// A request of the client.
pub(super) struct Request {
    pub(super) kept: Kept,
    pub(super) method: String,
    /// Cancelled once the client has given it up.
    pub(super) cancel: CancellationToken,
}

impl Bridge {
    /// Asks in the later era, where each request stands alone.
    pub(super) async fn ask_alone(&self, request: &Request, mut headers: HeaderMap) {
        if request.method == "subscriptions/listen" {
            return self.subscribe(request, headers).await;
        }
        let mut tries = Tries::at(&request.method);
        let mut has_listed = false;
        loop {
            match self.attempt_for(request, headers.clone()).await {
                Ok(answer) => {
                    if !has_listed
                        && let Some(right) =
                            self.headers_after(request, &answer.line, &headers).await
                    {
                        (headers, has_listed) = (right, true);
                        continue;
                    }
                    return self.answer(request, answer.line);
                }
                Err(failure) => {
                    if !self.goes_on(request, &mut tries, failure).await {
                        return;
                    }
                }
            }
        }
    }

    /// Asks in the session of the earlier era. If that has ended, the request was not carried out: the session is opened
    /// again, once, and the request is sent in it.
    pub(super) async fn ask_in_session(&self, request: &Request) {
        let mut tries = Tries::at(&request.method);
        let mut is_renewed = false;
        loop {
            let (number, headers) = self.current().await;
            let mut outcome = self.attempt_for(request, headers).await;
            if let (Err(Failure::SessionEnded), false) = (&outcome, is_renewed) {
                match self.renew(number).await {
                    Ok(()) if request.cancel.is_cancelled() => return,
                    Ok(()) => {
                        is_renewed = true;
                        continue;
                    }
                    Err(failure) => outcome = Err(failure),
                }
            }
            match outcome {
                Ok(answer) => return self.answer(request, answer.line),
                Err(failure) => {
                    if !self.goes_on(request, &mut tries, failure).await {
                        return;
                    }
                }
            }
        }
    }

    /// Asks with `initialize`, which opens a session.
    pub(super) async fn open(
        &self,
        request: &Request,
        mut session: OwnedRwLockWriteGuard<Session>,
    ) {
        let mut tries = Tries::at(&request.method);
        loop {
            match self.attempt_for(request, HeaderMap::new()).await {
                Ok(answer) => {
                    let message = Message::parse(&answer.line).ok();
                    let opened = message.and_then(|message| Session::of(&answer.head, &message));
                    if let Some(opened) = opened {
                        *session = Session {
                            number: session.number + 1,
                            opening: Some(request.kept.clone()),
                            ..opened
                        };
                        self.with_settings(|settings| *settings = Settings::default());
                    }
                    return self.send(answer.line);
                }
                Err(failure) => {
                    if !self.goes_on(request, &mut tries, failure).await {
                        return;
                    }
                }
            }
        }
    }

    /// The number of the session, and the headers of its messages.
    pub(super) async fn current(&self) -> (u64, HeaderMap) {
        let session = self.session.read().await;
        (session.number, session.headers())
    }

    /// Sends a request once; messages before the answer go to the client.
    async fn attempt_for(&self, request: &Request, headers: HeaderMap) -> Result<Answer, Failure> {
        let Kept { id, line } = &request.kept;
        self.attempt(headers, id, line.clone(), &mut |line| self.send(line))
            .await
    }

    /// Waits before the next attempt. If there is to be none, tells the client why.
    pub(super) async fn goes_on(
        &self,
        request: &Request,
        tries: &mut Tries,
        failure: Failure,
    ) -> bool {
        match tries.after(failure, Instant::now()) {
            Ok(pause) => {
                let pause = tokio::time::sleep(pause);
                request.cancel.run_until_cancelled(pause).await.is_some()
            }
            Err(refusal) => {
                self.send(refusal.to_message(&request.kept.id));
                false
            }
        }
    }

    /// Gives the client its answer, and notes what it set.
    fn answer(&self, request: &Request, line: Vec<u8>) {
        if let (Ok(asked), Ok(answer)) = (Message::parse(&request.kept.line), Message::parse(&line))
            && answer.result().is_some()
        {
            match request.method.as_str() {
                "tools/list" => {
                    let mirrored = self.mirrored.lock();
                    mirrored
                        .unwrap_or_else(PoisonError::into_inner)
                        .learn(&answer);
                }
                method => {
                    self.with_settings(|settings| settings.note(method, &asked, &request.kept));
                }
            }
        }
        self.send(line);
    }

    /// Sends what is not answered. Whether it was taken.
    pub(super) async fn tell(&self, headers: HeaderMap, line: Bytes) -> bool {
        let posting = self.endpoint.post(headers, line);
        let taken = tokio::time::timeout(super::PATIENCE, posting).await;
        matches!(taken, Ok(Ok(opening)) if opening.status.is_success())
    }
}
