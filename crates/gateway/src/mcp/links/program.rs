//! A running program and the clients of one caller that share it: IDs are made unique on the way in and put back on
//! the way out.

mod delivery;
mod errors;
mod lines;
mod routing;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ::http::{Method, StatusCode};
use parking_lot::Mutex;
use tokio::sync::{OnceCell, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Tree, Value};

pub(super) use self::errors::ErrorLog;
use self::lines::Document;
use self::routing::Client;
use super::exchange::{Content, Events, Exchange, Question, Queued};
use crate::mcp::protocol::{Era, INITIALIZED, Message, Shape};
use crate::mcp::refusal::UpstreamError;
use crate::stdio::{Line, Output, Process, StderrChunk};

/// How many messages of one request may wait for a client that reads slowly.
const WAITING: usize = 256;
/// How many messages without a listener are kept for the next one.
const KEPT: usize = 64;
/// What all messages that wait may take together, in KiB; a larger one waits until there is nothing else.
const ROOM: u32 = 32 << 10;

type Text = Wiped<Vec<u8>>;

/// A program, running.
pub(crate) struct Program {
    era: Era,
    process: Process,
    message_bytes: usize,
    state: Mutex<State>,
    room: Arc<Semaphore>,
    /// The answer to `initialize`, given to each session of the caller that begins in the same way.
    pub(crate) greeting: OnceCell<Text>,
}

#[derive(Default)]
struct State {
    next: u64,
    requests: HashMap<u64, Waiting>,
    listeners: Vec<Client>,
    kept: VecDeque<Queued>,
    has_ended: bool,
    /// Lines that are not messages.
    document: Document,
}

/// A request on its way, as its client knows it.
struct Waiting {
    /// The number of the client that sent the request.
    owner: u64,
    id: String,
    progress_token: Option<String>,
    events: Client,
}

impl Program {
    /// Begins to read what the program writes.
    pub(crate) fn attend(
        era: Era,
        process: Process,
        output: Output,
        errors: ErrorLog,
        message_bytes: usize,
    ) -> Arc<Self> {
        let program = Arc::new(Self {
            era,
            process,
            message_bytes,
            state: Mutex::new(State::default()),
            room: Arc::new(Semaphore::new(ROOM as usize)),
            greeting: OnceCell::new(),
        });
        let Output { messages, stderr } = output;
        tokio::spawn(Arc::clone(&program).read(messages));
        tokio::spawn(read_errors(stderr, errors));
        program
    }

    /// Whether it runs, and its sandbox still conceals everything that must be concealed.
    pub(crate) fn is_running(&self) -> bool {
        self.process.is_running() && self.process.is_confined() && !self.state.lock().has_ended
    }

    /// Adds a client. Its number distinguishes its requests from those of the other clients.
    pub(crate) fn join(&self) -> u64 {
        let mut state = self.state.lock();
        state.next += 1;
        state.next
    }

    /// Whether a client waits for it.
    pub(crate) fn is_busy(&self) -> bool {
        let state = self.state.lock();
        !state.requests.is_empty() || state.listeners.iter().any(|listener| !listener.is_closed())
    }

    /// Ends it: closes its input, then asks, then kills.
    pub(crate) async fn stop(&self) {
        self.process.stop().await;
    }

    /// Sends `notifications/initialized`: once, even if several sessions share the program.
    pub(crate) async fn say_initialized(&self) -> Result<(), UpstreamError> {
        self.write(INITIALIZED.as_bytes()).await
    }

    /// Passes on what a client asks.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        owner: u64,
        question: Question,
        silence: Duration,
    ) -> Result<Exchange, UpstreamError> {
        if !self.is_running() {
            return Err(UpstreamError::Ended);
        }
        if question.method == Method::GET {
            return Ok(accepted(Content::Events(self.listen())));
        }
        if question.method == Method::DELETE {
            return Ok(accepted(Content::Empty));
        }
        let message = Message::parse(&question.body).map_err(|_| UpstreamError::NotMcp)?;
        match message.shape().map_err(|_| UpstreamError::NotMcp)? {
            Shape::Request(id, _) => {
                let events = self
                    .request(owner, message, id, question.silence.map(|_| silence))
                    .await?;
                Ok(Exchange {
                    status: StatusCode::OK,
                    session: None,
                    content: Content::Events(events),
                })
            }
            Shape::Notification(method) => {
                self.notification(owner, message, &method).await?;
                Ok(accepted(Content::Empty))
            }
            Shape::Response(_) => {
                self.write(&question.body).await?;
                Ok(accepted(Content::Empty))
            }
        }
    }

    async fn request(
        self: &Arc<Self>,
        owner: u64,
        message: Message<'_>,
        id: Value<'_>,
        silence: Option<Duration>,
    ) -> Result<Events, UpstreamError> {
        let token = message
            .param("_meta")
            .and_then(|meta| meta.as_object()?.get("progressToken"))
            .map(|token| token.raw().to_owned());
        let (sender, receiver) = mpsc::channel(WAITING);
        let number = {
            let mut state = self.state.lock();
            state.next += 1;
            let number = state.next;
            let waiting = Waiting {
                owner,
                id: id.raw().to_owned(),
                progress_token: token.clone(),
                events: sender,
            };
            state.requests.insert(number, waiting);
            number
        };
        let interest = CancellationToken::new();
        let guard = interest.clone().drop_guard();
        let text = renumbered(message, number, token.is_some()).ok_or(UpstreamError::NotMcp)?;
        // Before the first await: a request whose client leaves is forgotten.
        tokio::spawn(Arc::clone(self).forget_when_left(number, interest));
        if let Err(error) = self.write(&text).await {
            self.state.lock().requests.remove(&number);
            return Err(error);
        }
        Ok(Events::of_channel(receiver, guard, silence))
    }

    /// When the client has left: in the later era that cancels the request.
    async fn forget_when_left(self: Arc<Self>, number: u64, interest: CancellationToken) {
        interest.cancelled().await;
        let was_waiting = self.state.lock().requests.remove(&number).is_some();
        if was_waiting && self.era == Era::Modern {
            let text = format!(
                "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{{\"requestId\":{number}}}}}"
            );
            let _ = self.write(text.as_bytes()).await;
        }
    }

    async fn notification(
        &self,
        owner: u64,
        message: Message<'_>,
        method: &str,
    ) -> Result<(), UpstreamError> {
        match method {
            // The gateway sends it once, for all clients.
            "notifications/initialized" => Ok(()),
            "notifications/cancelled" => {
                let named = message.param("requestId").map(|id| id.raw().to_owned());
                let number = named.and_then(|id| self.state.lock().number_of(owner, &id));
                let Some(number) = number else {
                    return Ok(());
                };
                let mut tree = Tree::from(message.value());
                let number = Tree::Raw(Wiped::new(number.to_string()));
                if let Ok(Some(params)) = tree.get_mut("params") {
                    params
                        .set("requestId", number)
                        .map_err(|_| UpstreamError::NotMcp)?;
                }
                self.write(&tree.to_json()).await
            }
            _ => self.write(message.value().raw().as_bytes()).await,
        }
    }

    async fn write(&self, text: &[u8]) -> Result<(), UpstreamError> {
        self.process
            .send(text)
            .await
            .map_err(|_| UpstreamError::Ended)
    }

    /// The messages that the program sends without being asked, from now on.
    fn listen(self: &Arc<Self>) -> Events {
        let (sender, receiver) = mpsc::channel(WAITING);
        let mut state = self.state.lock();
        for kept in std::mem::take(&mut state.kept) {
            let _ = sender.try_send(Ok(kept));
        }
        state.listeners.retain(|listener| !listener.is_closed());
        state.listeners.push(sender);
        Events::of_channel(receiver, CancellationToken::new().drop_guard(), None)
    }

    async fn read(self: Arc<Self>, mut messages: mpsc::Receiver<Line>) {
        while let Some(line) = messages.recv().await {
            let route = match line {
                Line::Message(text) => self.state.lock().route(&text, self.era),
                Line::TooLong(edges) => {
                    tracing::warn!(
                        limit = self.message_bytes,
                        "a program sent a message that is too large"
                    );
                    self.state.lock().too_long(&edges, self.message_bytes)
                }
            };
            self.deliver(route).await;
        }
        let how = self.process.ended().await;
        tracing::info!(ending = %how, "a program ended");
        // All clients that wait see the end of their events.
        let mut state = self.state.lock();
        state.has_ended = true;
        state.requests.clear();
        state.listeners.clear();
    }
}

impl State {
    fn number_of(&self, owner: u64, id: &str) -> Option<u64> {
        let mut requests = self.requests.iter();
        requests
            .find(|(_, waiting)| waiting.owner == owner && waiting.id == id)
            .map(|(&number, _)| number)
    }
}

fn accepted(content: Content) -> Exchange {
    Exchange {
        status: StatusCode::ACCEPTED,
        session: None,
        content,
    }
}

/// The request under our own id, its progress told under the same.
fn renumbered(message: Message<'_>, number: u64, has_token: bool) -> Option<Text> {
    let raw = || Tree::Raw(Wiped::new(number.to_string()));
    let mut tree = Tree::from(message.value());
    tree.set("id", raw()).ok()?;
    if has_token {
        let meta = tree.get_mut("params").ok()??.get_mut("_meta").ok()??;
        meta.set("progressToken", raw()).ok()?;
    }
    Some(tree.to_json())
}

async fn read_errors(mut pieces: mpsc::Receiver<StderrChunk>, mut errors: ErrorLog) {
    while let Some(piece) = pieces.recv().await {
        errors.push(&piece);
    }
    errors.finish();
}
