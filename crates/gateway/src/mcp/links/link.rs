//! One connection to one server in one era: over HTTP, with the server's session, or to a running program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::sync::OnceCell;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Value, parse};
use toolvault_vault::SPANS;
use tracing::Instrument as _;
use tracing::field::Empty;

use super::context::Context;
use super::exchange::{Content, Events, Exchange, Question};
use super::http;
use super::program::Program;
use crate::mcp::access::{Access, Entry, Token};
use crate::mcp::protocol::headers::{METHOD, PROTOCOL_VERSION};
use crate::mcp::protocol::{Era, Message, Repaired, is_same_id, repair};
use crate::mcp::refusal::{Refusal, UpstreamError};
use crate::mcp::rules::AnswerLimits;
use crate::mcp::tools::Catalogue;

/// One connection to one server.
pub(crate) struct Link {
    pub(crate) access: Arc<Access>,
    pub(crate) era: Era,
    pub(crate) filled: Arc<Entry>,
    wire: Wire,
    pub(super) catalogue: tokio::sync::Mutex<Option<(Instant, Arc<Catalogue>)>>,
    discovered: OnceCell<Wiped<Vec<u8>>>,
    next_id: AtomicU64,
    pub(super) limits: AnswerLimits,
    /// Whether the server said that its session has ended.
    is_forgotten: AtomicBool,
}

pub(super) const DISCOVER: &str = "server/discover";

pub(super) enum Wire {
    Http {
        session: Option<String>,
        version: Option<HeaderValue>,
    },
    /// With the number by which the program knows this link's requests.
    Program(Arc<Program>, u64),
}

impl Link {
    pub(super) fn new(
        access: Arc<Access>,
        era: Era,
        filled: Arc<Entry>,
        wire: Wire,
        limits: AnswerLimits,
    ) -> Self {
        Self {
            access,
            era,
            filled,
            wire,
            catalogue: tokio::sync::Mutex::new(None),
            discovered: OnceCell::new(),
            next_id: AtomicU64::new(0),
            limits,
            is_forgotten: AtomicBool::new(false),
        }
    }

    /// Begins a legacy session over HTTP: the link, and the server's answer to `initialize`.
    pub(super) async fn initialize_over_http(
        access: Arc<Access>,
        filled: Arc<Entry>,
        params: &str,
        limits: AnswerLimits,
    ) -> Result<(Self, Wiped<Vec<u8>>), UpstreamError> {
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
            Wire::Program(program, _) => Some(program),
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

    /// Whether it can still be used.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_forgotten() && self.program().is_none_or(|program| program.is_running())
    }

    /// Whether the server said that its session has ended.
    pub(crate) fn is_forgotten(&self) -> bool {
        self.is_forgotten.load(Ordering::Relaxed)
    }

    /// Asks the server.
    pub(crate) async fn ask(&self, question: Question) -> Result<Exchange, UpstreamError> {
        let method = question.method.clone();
        let mut answer = self.ask_signed(question).await;
        let is_refused = |answer: &Exchange| match answer.status {
            StatusCode::BAD_REQUEST => method != Method::DELETE,
            StatusCode::NOT_FOUND => method == Method::GET,
            _ => false,
        };
        if self.has_own_session()
            && answer.as_ref().is_ok_and(is_refused)
            && self.is_refused_altogether().await
        {
            answer = Err(UpstreamError::SessionEnded);
        }
        if matches!(answer, Err(UpstreamError::SessionEnded)) {
            self.is_forgotten.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// Asks with this token.
    pub(super) async fn ask_once(
        &self,
        question: Question,
        token: Option<&Token>,
    ) -> Result<Exchange, UpstreamError> {
        let server = self.access.server.name.as_str();
        let span = tracing::trace_span!(
            target: SPANS, "upstream", toolvault.server = server, error.type = Empty,
        );
        let asking = self.exchange(question, token);
        let answer = asking.instrument(span.clone()).await;
        if answer.is_err() {
            span.record("error.type", "no_answer");
        }
        answer
    }

    async fn exchange(
        &self,
        mut question: Question,
        token: Option<&Token>,
    ) -> Result<Exchange, UpstreamError> {
        match &self.wire {
            Wire::Program(program, number) => {
                program.ask(*number, question, self.limits.silence).await
            }
            Wire::Http { session, version } => {
                if let Some(version) = version {
                    question.headers.insert(PROTOCOL_VERSION, version.clone());
                }
                let client = self.access.server.client.as_ref();
                http::ask(
                    client.ok_or(UpstreamError::Ended)?,
                    &self.filled.url,
                    &self.filled.headers,
                    token.map(|token| &token.header),
                    session.as_deref(),
                    question,
                    self.limits.message_bytes,
                )
                .await
            }
        }
    }

    /// Whether even a `ping` is refused in the session. Servers should answer 404 in a session that they do not know, but
    /// many, among them examples of the official SDK, answer 400, which is also how they refuse single requests. A 404 to a
    /// GET may only mean that the server has no stream.
    async fn is_refused_altogether(&self) -> bool {
        let ping = r#"{"jsonrpc":"2.0","id":"toolvault-ping","method":"ping"}"#;
        let ping = Wiped::new(ping.as_bytes().to_vec());
        match self.ask_signed(self.post(HeaderMap::new(), ping)).await {
            Ok(answer) => answer.status == StatusCode::BAD_REQUEST,
            Err(error) => matches!(error, UpstreamError::SessionEnded),
        }
    }

    /// The events of an answer that nothing waits for. A server without such a stream sends no events.
    pub(crate) fn events(self: &Arc<Self>, question: Question) -> Events {
        let link = Arc::clone(self);
        Events::later(async move { link.ask(question).await })
    }

    /// A POST of a message.
    pub(crate) fn post(&self, headers: HeaderMap, body: Wiped<Vec<u8>>) -> Question {
        Question {
            method: Method::POST,
            headers,
            body,
            silence: Some(self.limits.silence),
        }
    }

    /// A request of our own: the whole response, and the session that its answer named. All of it together may take as
    /// long as a server may be silent.
    pub(crate) async fn request(
        &self,
        method: &str,
        params: Option<&str>,
        headers: HeaderMap,
    ) -> Result<(Wiped<Vec<u8>>, Option<String>), UpstreamError> {
        let asking = self.request_and_wait(method, params, headers);
        tokio::time::timeout(self.limits.silence, asking)
            .await
            .unwrap_or(Err(UpstreamError::Silent))
    }

    async fn request_and_wait(
        &self,
        method: &str,
        params: Option<&str>,
        mut headers: HeaderMap,
    ) -> Result<(Wiped<Vec<u8>>, Option<String>), UpstreamError> {
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
            .ask(self.post(headers, Wiped::new(body.into_bytes())))
            .await?;
        let (status, session) = (exchange.status, exchange.session);
        let answer = match exchange.content {
            Content::Message(body) => answer_to(body, &id)?.ok_or(Exchange::failure(status))?,
            Content::Empty => return Err(Exchange::failure(status)),
            Content::Events(mut events) => loop {
                let event = events.next().await.ok_or(UpstreamError::Ended)??;
                if let Some(answer) = answer_to(event.data.unwrap_or_default(), &id)? {
                    break answer;
                }
            },
        };
        Ok((answer, session))
    }

    /// The answer to `server/discover`, asked for once. A server that answers in another way knows only the earlier era.
    pub(crate) async fn discovered(
        &self,
        params: &str,
        context: &Context,
    ) -> Result<Wiped<Vec<u8>>, Refusal> {
        let asking = self
            .discovered
            .get_or_try_init(|| async {
                let headers = context.headers();
                let (answer, _) = self.request(DISCOVER, Some(params), headers).await?;
                if is_modern(&answer) {
                    Ok(answer)
                } else {
                    Err(UpstreamError::OtherEra)
                }
            })
            .await;
        match asking {
            Ok(answer) => Ok(answer.clone()),
            Err(UpstreamError::NotMcp | UpstreamError::Status(_)) => {
                Err(UpstreamError::OtherEra.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A notification of our own.
    pub(crate) async fn notify(&self, message: &str) -> Result<(), UpstreamError> {
        let body = Wiped::new(message.as_bytes().to_vec());
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
            body: Wiped::default(),
            silence: Some(Duration::from_secs(5)),
        };
        if let Err(error) = self.ask(question).await {
            tracing::debug!(error = %error, "a server was not told that its session is over");
        }
    }
}

/// Whether an answer to `server/discover` is that of a server of the later era: a result, or one of its own errors.
pub(super) fn is_modern(answer: &[u8]) -> bool {
    let Ok(message) = Message::parse(answer) else {
        return false;
    };
    if let Some(result) = message.result() {
        return result.get("supportedVersions").is_some();
    }
    let error = message.get("error").and_then(Value::as_object);
    let code = error.and_then(|error| error.get("code"));
    code.is_some_and(|code| matches!(code.raw(), "-32020" | "-32021" | "-32022"))
}

/// The text as an answer to our request with this ID; `None` if it is something else.
fn answer_to(text: Wiped<Vec<u8>>, id: &str) -> Result<Option<Wiped<Vec<u8>>>, UpstreamError> {
    let answers = |text: &[u8]| Message::parse(text).is_ok_and(|message| message.answers(id));
    if answers(&text) {
        return Ok(Some(text));
    }
    match repair(&text) {
        Some(Repaired::Message(text)) if answers(&text) => Ok(Some(text)),
        Some(Repaired::Answer(other, defect))
            if parse(other.as_bytes()).is_ok_and(|other| is_same_id(id, other)) =>
        {
            Err(defect.into())
        }
        _ => Ok(None),
    }
}

fn negotiated_version(answer: &[u8]) -> Option<String> {
    let message = Message::parse(answer).ok()?;
    let version = message.result()?.get("protocolVersion")?.as_text()?.ok()?;
    Some(version.as_str().to_owned())
}
