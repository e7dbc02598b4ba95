//! One way to one server, in one era: over HTTP with its session, or a running program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::http::{HeaderMap, HeaderValue, Method};
use toolvault_core::json::{Object, write_string};
use zeroize::Zeroizing;

use super::access::Access;
use super::catalogue::{Catalogue, MOST_TOOLS};
use super::era::{Era, METHOD, PROTOCOL_VERSION};
use super::message::{Message, Shape};
use super::program::Program;
use super::refusal::Refusal;
use super::server::Filled;
use super::upstream::{Content, Exchange, Question, UpstreamError, http};

/// For how long a list of tools is believed without word from the server.
const CATALOGUE_LASTS: Duration = Duration::from_secs(60);
/// How old a list is before an unknown name is a reason to ask again.
const LISTED_AGAIN: Duration = Duration::from_secs(1);
const MOST_PAGES: usize = 1_000;

/// One way to one server.
pub(crate) struct Link {
    pub(crate) access: Arc<Access>,
    pub(crate) era: Era,
    pub(crate) filled: Arc<Filled>,
    wire: Wire,
    catalogue: tokio::sync::Mutex<Option<(Instant, Arc<Catalogue>)>>,
    next_id: AtomicU64,
    limits: Limits,
    /// Whether the server said that it knows its session no more.
    is_forgotten: AtomicBool,
}

/// How large and how late an answer may be.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) message_bytes: usize,
    pub(crate) silence: Duration,
}

pub(crate) enum Wire {
    Http {
        session: Option<String>,
        version: Option<HeaderValue>,
    },
    Program(Arc<Program>),
}

impl Link {
    pub(crate) fn new(
        access: Arc<Access>,
        era: Era,
        filled: Arc<Filled>,
        wire: Wire,
        limits: Limits,
    ) -> Self {
        Self {
            access,
            era,
            filled,
            wire,
            catalogue: tokio::sync::Mutex::new(None),
            next_id: AtomicU64::new(0),
            limits,
            is_forgotten: AtomicBool::new(false),
        }
    }

    /// Begins a legacy session over HTTP: the link, and the server's answer to `initialize`.
    pub(crate) async fn initialize_over_http(
        access: Arc<Access>,
        filled: Arc<Filled>,
        params: &str,
        limits: Limits,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), UpstreamError> {
        let plain = Wire::Http {
            session: None,
            version: None,
        };
        let mut link = Self::new(access, Era::Legacy, filled, plain, limits);
        let (answer, session) = link
            .request("initialize", Some(params), HeaderMap::new())
            .await?;
        let version = negotiated_version(&answer);
        link.wire = Wire::Http {
            session,
            version: version.and_then(|version| HeaderValue::from_str(&version).ok()),
        };
        Ok((link, answer))
    }

    /// The program, if it is one.
    pub(crate) fn program(&self) -> Option<&Arc<Program>> {
        match &self.wire {
            Wire::Program(program) => Some(program),
            Wire::Http { .. } => None,
        }
    }

    /// Whether the server itself knows a session, so that its event ids belong to this link alone.
    pub(crate) fn has_own_session(&self) -> bool {
        matches!(
            &self.wire,
            Wire::Http {
                session: Some(_),
                ..
            }
        )
    }

    /// Whether it still leads anywhere.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_forgotten() && self.program().is_none_or(|program| program.is_running())
    }

    /// Whether the server knows its session no more.
    pub(crate) fn is_forgotten(&self) -> bool {
        self.is_forgotten.load(Ordering::Relaxed)
    }

    /// Asks the server.
    pub(crate) async fn ask(&self, mut question: Question) -> Result<Exchange, UpstreamError> {
        match &self.wire {
            Wire::Program(program) => program.ask(question, self.limits.silence).await,
            Wire::Http { session, version } => {
                if let Some(version) = version {
                    question.headers.insert(PROTOCOL_VERSION, version.clone());
                }
                let client = self.access.server.client.as_ref();
                let answer = http::ask(
                    client.ok_or(UpstreamError::Ended)?,
                    &self.filled.url,
                    &self.filled.headers,
                    session.as_deref(),
                    question,
                    self.limits.message_bytes,
                )
                .await;
                if matches!(answer, Err(UpstreamError::SessionEnded)) {
                    self.is_forgotten.store(true, Ordering::Relaxed);
                }
                answer
            }
        }
    }

    /// A question that carries a message.
    pub(crate) fn post(&self, headers: HeaderMap, body: Zeroizing<Vec<u8>>) -> Question {
        Question {
            method: Method::POST,
            headers,
            body,
            silence: Some(self.limits.silence),
        }
    }

    /// A request of our own: the whole response, and the session that its answer named.
    pub(crate) async fn request(
        &self,
        method: &str,
        params: Option<&str>,
        mut headers: HeaderMap,
    ) -> Result<(Zeroizing<Vec<u8>>, Option<String>), UpstreamError> {
        let number = self.next_id.fetch_add(1, Ordering::Relaxed);
        let id = format!("\"toolvault-{number}\"");
        let params = params
            .map(|params| format!(",\"params\":{params}"))
            .unwrap_or_default();
        let body = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\"{params}}}");
        if self.era == Era::Modern
            && let Ok(value) = HeaderValue::from_str(method)
        {
            headers.insert(METHOD, value);
        }
        let exchange = self
            .ask(self.post(headers, Zeroizing::new(body.into_bytes())))
            .await?;
        let session = exchange.session;
        let answer = match exchange.content {
            Content::Message(body) if answers(&body, &id) => body,
            Content::Message(_) | Content::Empty => return Err(UpstreamError::NotMcp),
            Content::Events(mut events) => loop {
                let event = events.next().await.ok_or(UpstreamError::Ended)??;
                match event.data {
                    Some(data) if answers(&data, &id) => break data,
                    _ => {}
                }
            },
        };
        Ok((answer, session))
    }

    /// A notification of our own.
    pub(crate) async fn notify(&self, message: &str) -> Result<(), UpstreamError> {
        let body = Zeroizing::new(message.as_bytes().to_vec());
        self.ask(self.post(HeaderMap::new(), body))
            .await
            .map(|_| ())
    }

    /// Tells the server that its session is over.
    pub(crate) async fn close(&self) {
        if !self.has_own_session() || self.is_forgotten() {
            return;
        }
        let question = Question {
            method: Method::DELETE,
            headers: HeaderMap::new(),
            body: Zeroizing::default(),
            silence: Some(Duration::from_secs(5)),
        };
        if let Err(error) = self.ask(question).await {
            tracing::debug!(error = %error, "a server was not told that its session is over");
        }
    }

    /// The server's tools, listed if they are not known. `context` is the request that needs them: where each
    /// request stands alone, ours says the same about itself.
    pub(crate) async fn catalogue(&self, context: &Context) -> Result<Arc<Catalogue>, Refusal> {
        let mut held = self.catalogue.lock().await;
        self.known(&mut held, context).await
    }

    async fn known(
        &self,
        held: &mut Option<(Instant, Arc<Catalogue>)>,
        context: &Context,
    ) -> Result<Arc<Catalogue>, Refusal> {
        if let Some((at, catalogue)) = held.as_ref()
            && at.elapsed() < CATALOGUE_LASTS
        {
            return Ok(Arc::clone(catalogue));
        }
        let catalogue = Arc::new(self.list(Catalogue::default(), None, context).await?);
        *held = Some((Instant::now(), Arc::clone(&catalogue)));
        Ok(catalogue)
    }

    /// The server's tools, listed again if one of this name is not among those that are known.
    pub(crate) async fn catalogue_with(
        &self,
        name: &str,
        context: &Context,
    ) -> Result<Arc<Catalogue>, Refusal> {
        let catalogue = self.catalogue(context).await?;
        if catalogue.get(name).is_some() || catalogue.is_ambiguous(name) {
            return Ok(catalogue);
        }
        {
            let mut held = self.catalogue.lock().await;
            if held
                .as_ref()
                .is_some_and(|(at, _)| at.elapsed() >= LISTED_AGAIN)
            {
                *held = None;
            }
        }
        self.catalogue(context).await
    }

    /// The catalogue that begins with a page which the client has just asked for.
    pub(crate) async fn catalogue_from(
        &self,
        page: Object<'_>,
        context: &Context,
    ) -> Result<Arc<Catalogue>, Refusal> {
        let mut held = self.catalogue.lock().await;
        let mut catalogue = Catalogue::default();
        let next = read_page(&self.access, page, &mut catalogue);
        let catalogue = match next {
            Some(cursor) => self.list(catalogue, Some(cursor), context).await?,
            None => catalogue,
        };
        let catalogue = Arc::new(catalogue);
        *held = Some((Instant::now(), Arc::clone(&catalogue)));
        Ok(catalogue)
    }

    /// The server's tools, corrected by a later page which the client has just asked for: a tool that is another one now
    /// is shown, and called, as it is now.
    pub(crate) async fn catalogue_corrected_by(
        &self,
        page: Object<'_>,
        context: &Context,
    ) -> Result<Arc<Catalogue>, Refusal> {
        let mut held = self.catalogue.lock().await;
        let catalogue = self.known(&mut held, context).await?;
        let Some(corrected) = catalogue.corrected(&self.access.server.name, tools(page)) else {
            return Ok(catalogue);
        };
        let corrected = Arc::new(corrected);
        if let Some((_, catalogue)) = held.as_mut() {
            *catalogue = Arc::clone(&corrected);
        }
        Ok(corrected)
    }

    /// The server said that its tools are others now.
    pub(crate) async fn forget_catalogue(&self) {
        *self.catalogue.lock().await = None;
    }

    async fn list(
        &self,
        mut catalogue: Catalogue,
        mut cursor: Option<String>,
        context: &Context,
    ) -> Result<Catalogue, Refusal> {
        let mut listed = 0;
        for _ in 0..MOST_PAGES {
            let params = context.params(cursor.as_deref());
            let (answer, _) = self
                .request("tools/list", Some(&params), context.headers.clone())
                .await?;
            let message = Message::parse(&answer)?;
            // A server without tools answers with an error.
            let Some(page) = message.result() else {
                return Ok(catalogue);
            };
            listed += tools(page).count();
            cursor = read_page(&self.access, page, &mut catalogue);
            if cursor.is_none() {
                return Ok(catalogue);
            }
            if listed > MOST_TOOLS {
                break;
            }
        }
        Err(UpstreamError::TooLarge.into())
    }
}

/// What our own requests say about themselves where each request stands alone: the same as the client's.
#[derive(Clone, Default)]
pub(crate) struct Context {
    /// `_meta` as JSON.
    metadata: Option<String>,
    headers: HeaderMap,
}

impl Context {
    pub(crate) fn of(message: &Message<'_>, headers: &HeaderMap, era: Era) -> Self {
        if era == Era::Legacy {
            return Self::default();
        }
        let names = ["protocolVersion", "clientInfo", "clientCapabilities"];
        let members: Vec<String> = names
            .into_iter()
            .filter_map(|name| {
                let value = message.metadata(name)?;
                Some(format!(
                    "\"{}{name}\":{}",
                    super::era::METADATA,
                    value.raw()
                ))
            })
            .collect();
        let mut own = HeaderMap::new();
        if let Some(version) = headers.get(PROTOCOL_VERSION) {
            own.insert(PROTOCOL_VERSION, version.clone());
        }
        Self {
            metadata: Some(format!("{{{}}}", members.join(","))),
            headers: own,
        }
    }

    /// The parameters of one of our requests.
    pub(crate) fn params(&self, cursor: Option<&str>) -> String {
        match cursor {
            Some(cursor) => self.params_with("cursor", cursor),
            None => self.params_of(None),
        }
    }

    /// The parameters of one of our requests, with one that is text.
    pub(crate) fn params_with(&self, name: &str, value: &str) -> String {
        let mut text = format!("\"{name}\":").into_bytes();
        write_string(value, &mut text);
        self.params_of(String::from_utf8(text).ok())
    }

    fn params_of(&self, member: Option<String>) -> String {
        let metadata = self
            .metadata
            .as_ref()
            .map(|metadata| format!("\"_meta\":{metadata}"));
        let members: Vec<String> = member.into_iter().chain(metadata).collect();
        format!("{{{}}}", members.join(","))
    }

    /// The headers of one of our requests.
    pub(crate) fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }
}

/// Adds the tools of a page, and gives the cursor of the next.
fn read_page(access: &Access, page: Object<'_>, catalogue: &mut Catalogue) -> Option<String> {
    catalogue.add(&access.server.name, tools(page));
    let cursor = page.get("nextCursor")?.as_text()?.ok()?;
    Some(cursor.as_str().to_owned())
}

fn tools(page: Object<'_>) -> impl Iterator<Item = toolvault_core::json::Value<'_>> {
    let array = page.get("tools").and_then(|tools| tools.as_array());
    array.into_iter().flat_map(|array| array.elements())
}

fn answers(text: &[u8], id: &str) -> bool {
    Message::parse(text)
        .and_then(|message| message.shape())
        .is_ok_and(|shape| matches!(shape, Shape::Response(other) if other.raw() == id))
}

fn negotiated_version(answer: &[u8]) -> Option<String> {
    let message = Message::parse(answer).ok()?;
    let version = message.result()?.get("protocolVersion")?.as_text()?.ok()?;
    Some(version.as_str().to_owned())
}
