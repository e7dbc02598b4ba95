//! Messages of one client to the gateway, and back.
//!
//! The client never notices that the gateway or the server behind it was restarted. [`tries`] decides whether a request
//! is sent again, [`renewal`] opens a session again that has ended, [`listening`] opens streams again.

mod attempt;
mod exchange;
mod listening;
mod listing;
mod renewal;
mod tries;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, OwnedRwLockWriteGuard, RwLock, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toolvault_gateway::http::HeaderMap;
use toolvault_gateway::mcp::protocol::{Malformed, Message, Shape, error, headers};

use self::exchange::Request;
use super::mirrored::MirroredTools;
use super::session::{Kept, Session, Settings};
use crate::mcp::Endpoint;

/// How long the gateway may take to accept a message that it does not answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client on one side and the gateway on the other.
pub(super) struct Bridge {
    endpoint: Endpoint,
    output: mpsc::UnboundedSender<Vec<u8>>,
    /// Locked for writing while a session is being opened: messages after that wait.
    session: Arc<RwLock<Session>>,
    /// Signals that another session took the place of one that had ended.
    renewed: Notify,
    settings: Mutex<Settings>,
    asked: Mutex<HashMap<String, Asked>>,
    mirrored: Mutex<MirroredTools>,
    tasks: TaskTracker,
    end: CancellationToken,
}

/// A request that is not answered yet.
struct Asked {
    is_modern: bool,
    cancel: CancellationToken,
}

/// How a request is asked.
enum Way {
    /// In the later era, with these headers.
    Alone(HeaderMap),
    /// As `initialize`.
    Opening(OwnedRwLockWriteGuard<Session>),
    InSession,
}

impl Bridge {
    /// A bridge that writes messages for the client to `output`.
    pub(super) fn new(endpoint: Endpoint, output: mpsc::UnboundedSender<Vec<u8>>) -> Self {
        Self {
            endpoint,
            output,
            session: Arc::default(),
            renewed: Notify::new(),
            settings: Mutex::default(),
            asked: Mutex::default(),
            mirrored: Mutex::default(),
            tasks: TaskTracker::new(),
            end: CancellationToken::new(),
        }
    }

    /// Takes one line of the client. Requests go on while the next line is taken.
    pub(super) async fn take(self: &Arc<Self>, line: Vec<u8>) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let line = Bytes::from(line);
        let read = Message::parse(&line).and_then(|message| Ok((message, message.shape()?)));
        match read {
            Ok((message, Shape::Request(id, method))) => {
                self.take_request(method, id.raw(), &message, &line).await;
            }
            Ok((message, Shape::Notification(method))) => {
                self.take_notification(&method, &message, &line).await;
            }
            Ok((_, Shape::Response(_))) => self.take_response(line.clone()),
            Err(malformed) => {
                self.send(error(None, malformed.code(), &malformed.to_string(), None));
            }
        }
    }

    /// Answers a line that is larger than a message may be.
    pub(super) fn refuse_too_long(&self) {
        let code = Malformed::NotMessage.code();
        self.send(error(None, code, "the message is too large", None));
    }

    /// Gives requests that are not answered yet `grace`, then ends them and the session.
    pub(super) async fn finish(&self, grace: Duration) {
        // While a session is being opened there is nothing to listen to.
        if let Ok(session) = self.session.try_read() {
            session.listening.cancel();
        }
        self.tasks.close();
        let _ = tokio::time::timeout(grace, self.tasks.wait()).await;
        self.end.cancel();
        self.end_session(&mut *self.session.write().await).await;
        self.tasks.wait().await;
    }

    async fn take_request(
        self: &Arc<Self>,
        method: String,
        id: &str,
        message: &Message<'_>,
        line: &Bytes,
    ) {
        let way = match self.modern_headers(&method, message) {
            Some(headers) => Way::Alone(headers),
            None if method == "initialize" => {
                let mut session = Arc::clone(&self.session).write_owned().await;
                self.end_session(&mut session).await;
                Way::Opening(session)
            }
            None => Way::InSession,
        };
        let request = Request {
            kept: Kept {
                id: id.to_owned(),
                line: line.clone(),
            },
            method,
            cancel: self.end.child_token(),
        };
        let asked = Asked {
            is_modern: matches!(way, Way::Alone(_)),
            cancel: request.cancel.clone(),
        };
        self.with_asked(|all| all.insert(id.to_owned(), asked));
        let bridge = Arc::clone(self);
        self.tasks.spawn(async move {
            match way {
                // In the later era, to drop the answer is to cancel the request.
                Way::Alone(headers) => {
                    let asking = bridge.ask_alone(&request, headers);
                    request.cancel.run_until_cancelled(asking).await;
                }
                Way::Opening(session) => {
                    let asking = bridge.open(&request, session);
                    bridge.end.run_until_cancelled(asking).await;
                }
                Way::InSession => {
                    let asking = bridge.ask_in_session(&request);
                    bridge.end.run_until_cancelled(asking).await;
                }
            }
            bridge.with_asked(|all| all.remove(&request.kept.id));
        });
    }

    async fn take_notification(
        self: &Arc<Self>,
        method: &str,
        message: &Message<'_>,
        line: &Bytes,
    ) {
        let modern = self.modern_headers(method, message);
        if method == "notifications/cancelled" {
            let id = message.param("requestId");
            let is_modern = id.and_then(|id| {
                self.with_asked(|all| {
                    let asked = all.get(id.raw())?;
                    asked.cancel.cancel();
                    Some(asked.is_modern)
                })
            });
            if is_modern.unwrap_or(modern.is_some()) {
                return;
            }
            // In the earlier era the server is told, and may answer all the same.
        }
        if method == "notifications/initialized" && modern.is_none() {
            return self.take_initialized(line).await;
        }
        let headers = match modern {
            Some(headers) => headers,
            None => self.current().await.1,
        };
        self.tell(headers, line.clone()).await;
    }

    /// What comes after this notification waits until the gateway has taken it.
    async fn take_initialized(self: &Arc<Self>, line: &Bytes) {
        let mut session = self.session.write().await;
        self.tell(session.headers(), line.clone()).await;
        // If it was not taken, it is sent again in the next session.
        if session.opening.is_some() && session.initialized.replace(line.clone()).is_none() {
            self.attach(session.listening.clone());
        }
    }

    /// The answer of the client to a request of the server, which only the earlier era has.
    fn take_response(self: &Arc<Self>, line: Bytes) {
        let bridge = Arc::clone(self);
        self.tasks.spawn(async move {
            let headers = match bridge.session.try_read() {
                Ok(session) => session.headers(),
                // It answers a request from before the session was open.
                Err(_) => HeaderMap::new(),
            };
            bridge.tell(headers, line).await;
        });
    }

    /// The headers of a message of the later era.
    fn modern_headers(&self, method: &str, message: &Message<'_>) -> Option<HeaderMap> {
        let mut headers = headers::of_message(message)?;
        if method == "tools/call" {
            let mirrored = self.mirrored.lock();
            let mirrored = mirrored.unwrap_or_else(PoisonError::into_inner);
            mirrored.set_headers(message, &mut headers);
        }
        Some(headers)
    }

    fn send(&self, line: Vec<u8>) {
        // Once the client is gone, the loop over the input ends.
        let _ = self.output.send(line);
    }

    fn with_asked<T>(&self, act: impl FnOnce(&mut HashMap<String, Asked>) -> T) -> T {
        act(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn with_settings<T>(&self, act: impl FnOnce(&mut Settings) -> T) -> T {
        act(&mut self.settings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends a session; another may follow.
    async fn end_session(&self, session: &mut Session) {
        let next = Session {
            number: session.number + 1,
            ..Session::default()
        };
        let ended = std::mem::replace(session, next);
        ended.listening.cancel();
        if ended.id.is_some() {
            let ending = self.endpoint.end(ended.headers());
            // If the gateway cannot be told, the session ends when it has been idle for long enough.
            let _ = tokio::time::timeout(Duration::from_secs(1), ending).await;
        }
    }
}
