//! Messages of one client to the gateway, and back.

mod exchange;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{RwLock, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toolvault_gateway::http::HeaderMap;
use toolvault_gateway::mcp::protocol::{Malformed, Message, Shape, error, headers};

use super::mirrored::MirroredTools;
use super::session::Session;
use crate::mcp::Endpoint;

/// Until the gateway has taken a message that it does not answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client on one side and the gateway on the other.
pub(super) struct Bridge {
    endpoint: Endpoint,
    output: mpsc::UnboundedSender<Vec<u8>>,
    /// Held for writing while a session is being opened: what comes after it waits.
    session: Arc<RwLock<Session>>,
    asked: Mutex<HashMap<String, Asked>>,
    mirrored: Mutex<MirroredTools>,
    tasks: TaskTracker,
    end: CancellationToken,
}

/// A request that was not answered yet.
struct Asked {
    is_modern: bool,
    cancel: CancellationToken,
}

impl Bridge {
    /// A bridge that writes what it has for the client to `output`.
    pub(super) fn new(endpoint: Endpoint, output: mpsc::UnboundedSender<Vec<u8>>) -> Self {
        Self {
            endpoint,
            output,
            session: Arc::default(),
            asked: Mutex::default(),
            mirrored: Mutex::default(),
            tasks: TaskTracker::new(),
            end: CancellationToken::new(),
        }
    }

    /// Takes one line of the client. Requests go on while the next one is taken.
    pub(super) async fn take(self: &Arc<Self>, line: Vec<u8>) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let line = Bytes::from(line);
        let read = Message::parse(&line).and_then(|message| Ok((message, message.shape()?)));
        match read {
            Ok((message, Shape::Request(id, method))) => {
                self.take_request(&method, id.raw(), &message, &line).await;
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

    /// Gives requests under way `grace`, then ends them and the session.
    pub(super) async fn finish(&self, grace: Duration) {
        // While a session is being opened there is nothing to listen to.
        if let Ok(session) = self.session.try_read() {
            session.listening.cancel();
        }
        self.tasks.close();
        let _ = tokio::time::timeout(grace, self.tasks.wait()).await;
        self.end.cancel();
        self.end_session().await;
        self.tasks.wait().await;
    }

    async fn take_request(
        self: &Arc<Self>,
        method: &str,
        id: &str,
        message: &Message<'_>,
        line: &Bytes,
    ) {
        let cancel = self.end.child_token();
        let modern = self.modern_headers(method, message);
        let asked = Asked {
            is_modern: modern.is_some(),
            cancel: cancel.clone(),
        };
        self.with_asked(|all| all.insert(id.to_owned(), asked));
        let (bridge, id, line) = (Arc::clone(self), id.to_owned(), line.clone());
        let is_list = method == "tools/list";
        let exchange = match modern {
            Some(headers) => Exchange::Modern { headers, is_list },
            None if method == "initialize" => {
                self.end_session().await;
                let session = Arc::clone(&self.session).write_owned().await;
                Exchange::Opening { session }
            }
            None => Exchange::InSession,
        };
        self.tasks.spawn(async move {
            let asking = bridge.ask(exchange, &id, line);
            // A request that is given up is not answered.
            cancel.run_until_cancelled(asking).await;
            bridge.with_asked(|all| all.remove(&id));
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
            let asked = id.and_then(|id| self.with_asked(|all| all.remove(id.raw())));
            match asked {
                // In the later era, to drop the stream is to cancel.
                Some(asked) if asked.is_modern => return asked.cancel.cancel(),
                None if modern.is_some() => return,
                Some(asked) => {
                    // It goes on: a disconnection cancels nothing, and an answer may come all the same.
                    self.with_asked(|all| all.extend(id.map(|id| (id.raw().to_owned(), asked))));
                }
                None => {}
            }
        }
        let headers = match modern {
            Some(headers) => headers,
            None => self.session.read().await.headers(),
        };
        let is_taken = self.tell(headers, line.clone()).await;
        if is_taken && method == "notifications/initialized" {
            self.listen().await;
        }
    }

    /// The answer of the client to a request of the server, which only the earlier era has.
    fn take_response(self: &Arc<Self>, line: Bytes) {
        let bridge = Arc::clone(self);
        self.tasks.spawn(async move {
            let headers = match bridge.session.try_read() {
                Ok(session) => session.headers(),
                // It answers what came before the session was open.
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
        // Without a reader the loop over the input ends.
        let _ = self.output.send(line);
    }

    fn with_asked<T>(&self, act: impl FnOnce(&mut HashMap<String, Asked>) -> T) -> T {
        act(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn end_session(&self) {
        let ended = std::mem::take(&mut *self.session.write().await);
        ended.listening.cancel();
        if ended.has_id() {
            let ending = self.endpoint.end(ended.headers());
            // If it does not hear of it, the session ends when it was idle for long enough.
            let _ = tokio::time::timeout(Duration::from_secs(1), ending).await;
        }
    }
}

/// How a request is asked.
enum Exchange {
    /// In the later era: by itself.
    Modern { headers: HeaderMap, is_list: bool },
    /// `initialize`.
    Opening {
        session: tokio::sync::OwnedRwLockWriteGuard<Session>,
    },
    /// In the session that there is.
    InSession,
}
