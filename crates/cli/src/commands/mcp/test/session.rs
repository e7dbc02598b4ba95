//! A client of its own, in the era of the protocol that the server speaks.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use toolvault_gateway::http::{HeaderMap, HeaderValue, StatusCode, Url};
use toolvault_gateway::mcp::protocol::headers::{PROTOCOL_VERSION, SESSION_ID, of_message};
use toolvault_gateway::mcp::protocol::{INITIALIZED, METADATA, Message};

use crate::api::connection::no_answer;
use crate::failure::Failure;
use crate::mcp::{Endpoint, Messages};

/// The newest version of each era.
const MODERN: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";
const SERVER_INFO: &str = "/_meta/io.modelcontextprotocol~1serverInfo";
/// A server that has to be started first may take its time.
const PATIENCE: Duration = Duration::from_mins(1);

/// What was opened.
pub(super) struct Session {
    endpoint: Endpoint,
    version: String,
    /// Of a session of the earlier era, what each message says about it.
    headers: Option<HeaderMap>,
    server: String,
    last_id: u64,
}

/// Why there is no result.
enum Unanswered {
    /// The server or the gateway refuses this request.
    Error {
        status: StatusCode,
        /// Whether the server failed, not the request.
        is_failure: bool,
        words: String,
    },
    /// Nothing can be asked here.
    Failure(Failure),
}

impl Session {
    /// Opens in the later era, and if the server does not speak it, in the earlier.
    pub(super) async fn open(endpoint: Endpoint) -> Result<Self, Failure> {
        let mut session = Self {
            endpoint,
            version: MODERN.to_owned(),
            headers: None,
            server: String::new(),
            last_id: 0,
        };
        match session.request("server/discover", Map::new()).await {
            Ok((result, _)) => {
                session.server = name(result.pointer(SERVER_INFO));
                return Ok(session);
            }
            Err(Unanswered::Failure(failure)) => return Err(failure),
            Err(Unanswered::Error { .. }) => {}
        }
        session.headers = Some(HeaderMap::new());
        let params = Map::from_iter([
            ("protocolVersion".to_owned(), LEGACY.into()),
            ("capabilities".to_owned(), json!({})),
            ("clientInfo".to_owned(), client()),
        ]);
        let (result, head) = session.request("initialize", params).await?;
        let version = text(result.get("protocolVersion"));
        version.clone_into(&mut session.version);
        session.server = name(result.get("serverInfo"));
        let mut kept = HeaderMap::new();
        if let Some(id) = head.get(SESSION_ID) {
            kept.insert(SESSION_ID, id.clone());
        }
        if let Ok(version) = HeaderValue::from_str(version) {
            kept.insert(PROTOCOL_VERSION, version);
        }
        session.headers = Some(kept.clone());
        let body = Bytes::from_static(INITIALIZED.as_bytes());
        let told = session.endpoint.post(kept, body).await;
        told.map_err(|error| no_answer(session.url(), &error))?;
        Ok(session)
    }

    pub(super) fn url(&self) -> &Url {
        self.endpoint.url()
    }

    /// The version, and what era it is of.
    pub(super) fn protocol(&self) -> String {
        match self.headers {
            Some(_) => format!("{} (with a session)", self.version),
            None => format!("{} (each request by itself)", self.version),
        }
    }

    /// What the server calls itself.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// The result of one request.
    pub(super) async fn ask(
        &mut self,
        method: &str,
        params: Map<String, Value>,
    ) -> Result<Value, Failure> {
        Ok(self.request(method, params).await?.0)
    }

    pub(super) async fn close(&self) {
        if let Some(headers) = &self.headers
            && headers.contains_key(SESSION_ID)
        {
            // It ends by itself too.
            let _ = self.endpoint.end(headers.clone()).await;
        }
    }

    async fn request(
        &mut self,
        method: &str,
        mut params: Map<String, Value>,
    ) -> Result<(Value, HeaderMap), Unanswered> {
        self.last_id += 1;
        let id = self.last_id;
        if self.headers.is_none() {
            let about = json!({
                format!("{METADATA}protocolVersion"): self.version,
                format!("{METADATA}clientInfo"): client(),
                format!("{METADATA}clientCapabilities"): {},
            });
            params.extend([("_meta".to_owned(), about)]);
        }
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let body = Bytes::from(body.to_string());
        let headers = match &self.headers {
            Some(headers) => headers.clone(),
            None => Message::parse(&body)
                .ok()
                .and_then(|message| of_message(&message))
                .unwrap_or_default(),
        };
        let exchange = async {
            let opening = self.endpoint.post(headers, body).await;
            let opening = opening.map_err(|error| no_answer(self.url(), &error))?;
            let mut messages = Messages::of(opening);
            let answer = answer(&mut messages, &id.to_string()).await;
            self.read(&messages, answer)
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .unwrap_or_else(|_| Err(silent().into()))
    }

    fn read(
        &self,
        messages: &Messages,
        answer: Option<Value>,
    ) -> Result<(Value, HeaderMap), Unanswered> {
        let status = messages.status();
        if status == StatusCode::UNAUTHORIZED {
            let failure = Failure::refused("the gateway does not accept this key");
            return Err(failure.hint(self.endpoint.refused_key()).into());
        }
        if let Some(answer) = answer {
            if let Some(result) = answer.get("result").filter(|_| status.is_success()) {
                return Ok((result.clone(), messages.opening().headers.clone()));
            }
            if let Some(words) = answer.pointer("/error/message").and_then(Value::as_str) {
                let words = words.to_owned();
                let code = answer.pointer("/error/code").and_then(Value::as_i64);
                return Err(Unanswered::Error {
                    status,
                    is_failure: code == Some(SERVER_FAILED) || status.is_server_error(),
                    words,
                });
            }
        }
        let url = self.url();
        Err(match status {
            StatusCode::FORBIDDEN => Failure::refused("the gateway refuses this key")
                .hint("it needs the scope 'use', and tools of this server among its patterns")
                .into(),
            StatusCode::NOT_FOUND => Failure::refused(format!("there is nothing at {url}"))
                .not_found()
                .hint(NO_SERVER)
                .into(),
            status => Unanswered::Error {
                status,
                is_failure: status.is_server_error(),
                words: format!("the gateway answered {status}, without a message of the protocol"),
            },
        })
    }
}

/// The failure for a server behind the gateway that does not answer in time.
fn silent() -> Failure {
    let seconds = PATIENCE.as_secs();
    Failure::refused(format!(
        "the gateway has no answer from the server within {seconds} s"
    ))
    .hint(format!(
        "if its program is downloaded first, as by npx or uvx, test it again when that is done; {LOG}"
    ))
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// The code of the gateway for a server that failed.
const SERVER_FAILED: i64 = 1002;
const NO_SERVER: &str = "toolvault mcp list shows the servers of the configuration; to serve one that was added, run toolvault reload or restart the server";

const LOG: &str = "the log of toolvault serve says why, and what a program printed; for a service: journalctl --user --unit toolvault";

/// Words of the gateway inside a sentence of ours.
fn said(words: &str) -> String {
    format!("the gateway says: {}", words.trim_end_matches('.'))
}

impl From<Unanswered> for Failure {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Failure(failure) => failure,
            Unanswered::Error { status, words, .. } if status == StatusCode::NOT_FOUND => {
                Self::refused(said(&words)).not_found().hint(NO_SERVER)
            }
            Unanswered::Error {
                status,
                is_failure: true,
                words,
            } => {
                let failure = if status.is_server_error() {
                    Self::failed(said(&words))
                } else {
                    Self::refused(said(&words))
                };
                failure.hint(LOG)
            }
            Unanswered::Error { words, .. } => Self::refused(said(&words)),
        }
    }
}

/// The message that answers, or an error that names no request.
async fn answer(messages: &mut Messages, id: &str) -> Option<Value> {
    while let Ok(Some(incoming)) = messages.next().await {
        let Some(line) = incoming.line else { continue };
        let message = Message::parse(&line).ok()?;
        if message.answers(id) || message.error().is_some() {
            return serde_json::from_slice(&line).ok();
        }
    }
    None
}

fn client() -> Value {
    json!({"name": "toolvault", "version": env!("CARGO_PKG_VERSION")})
}

fn name(info: Option<&Value>) -> String {
    let field = |key: &str| text(info.and_then(|info| info.get(key)));
    format!("{} {}", field("name"), field("version"))
        .trim()
        .to_owned()
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}
