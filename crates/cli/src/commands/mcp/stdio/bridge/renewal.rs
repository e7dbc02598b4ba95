//! A session that has ended is opened again as the client opened it.

use toolvault_gateway::mcp::protocol::Message;
use toolvault_gateway::mcp::protocol::list_changed;

use super::super::session::{Kept, Session};
use super::Bridge;
use super::tries::{Failure, Refusal};
use crate::printer::Printer;

impl Bridge {
    /// Opens a new session in place of the one with this number, unless that has been done already, and sets in it what
    /// the client had set.
    pub(super) async fn renew(&self, number: u64) -> Result<(), Failure> {
        let mut session = self.session.write().await;
        if session.number != number {
            return Ok(());
        }
        let Some(opening) = session.opening.clone() else {
            return Err(Failure::SessionEnded);
        };
        let mut opened = self.open_again(&opening).await?;
        if opened.version != session.version {
            return Err(Failure::Refused(Refusal::new(
                "the session has ended, and the server now speaks another version of the protocol: start the client again",
            )));
        }
        if let Some(initialized) = session.initialized.clone() {
            let is_taken = self.tell(opened.headers(), initialized.clone()).await;
            if !is_taken {
                return Err(unsent("the new session was not taken".to_owned()));
            }
            opened.initialized = Some(initialized);
        }
        self.set_again(&opened).await?;
        self.announce(&opened.lists, None);
        opened.number = number + 1;
        opened.opening = Some(opening);
        opened.listening = session.listening.clone();
        *session = opened;
        drop(session);
        self.renewed.notify_waiters();
        Ok(())
    }

    /// Sends the client's `initialize` again.
    async fn open_again(&self, opening: &Kept) -> Result<Session, Failure> {
        let answer = self.attempt_unasked(&Session::default(), opening).await?;
        let Ok(message) = Message::parse(&answer.line) else {
            return Err(unsent(
                "the answer to initialize is not a message".to_owned(),
            ));
        };
        Session::of(&answer.head, &message).ok_or_else(|| {
            let refusal = Refusal::of(&message);
            Failure::Refused(refusal.unwrap_or_else(|| Refusal::new("initialize was refused")))
        })
    }

    /// Sets the log level and the subscriptions of the client in a new session.
    async fn set_again(&self, session: &Session) -> Result<(), Failure> {
        for request in self.with_settings(|settings| settings.requests()) {
            let refusal = match self.attempt_unasked(session, &request).await {
                Ok(answer) => Message::parse(&answer.line)
                    .ok()
                    .and_then(|message| Refusal::of(&message)),
                Err(Failure::Refused(refusal)) => Some(refusal),
                Err(failure) => return Err(failure),
            };
            if let Some(refusal) = refusal {
                // The client was told once that it was granted; its log is where to look.
                Printer::new().error_line(&format!(
                    "toolvault: a subscription or the log level could not be set again: {}",
                    refusal.words()
                ));
            }
        }
        Ok(())
    }

    /// Sends a request whose answer the client already has. Whatever breaks, nothing that the client now asks for has
    /// been sent.
    async fn attempt_unasked(
        &self,
        session: &Session,
        request: &Kept,
    ) -> Result<super::attempt::Answer, Failure> {
        let Kept { id, line } = request;
        let answer = self
            .attempt(session.headers(), id, line.clone(), &mut |line| {
                self.send(line);
            })
            .await;
        answer.map_err(|failure| match failure {
            Failure::Away { words, .. } | Failure::Broken(words) => unsent(words),
            other => other,
        })
    }

    /// Tells the client that lists may have changed while nothing could be heard of them.
    pub(super) fn announce(&self, lists: &[&str], subscription: Option<&str>) {
        for list in lists {
            self.send(list_changed(list, subscription));
        }
    }
}

fn unsent(words: String) -> Failure {
    Failure::Away {
        words,
        is_sent: false,
    }
}
