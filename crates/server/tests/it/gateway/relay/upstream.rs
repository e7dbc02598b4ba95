//! A scripted tool server over Streamable HTTP that remembers all requests.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::StreamExt as _;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// The time limit for everything that must happen, for a machine that is busy with other tests.
pub(crate) const GUARD: Duration = Duration::from_mins(1);

/// One request as the server received it.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) http_method: String,
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// The server's answer to a request.
pub(crate) enum Said {
    Json(u16, String),
    Empty(u16),
    /// Each message an event, and then the end.
    Events(Vec<String>),
    /// Raw text, event by event, as long as the test sends some.
    Stream(mpsc::UnboundedReceiver<String>),
    /// Only a status and a header.
    Header(u16, &'static str, String),
}

type Script = Box<dyn Fn(&Heard) -> Said + Send + Sync>;
type Guard = Box<dyn Fn(&Heard) -> Option<Said> + Send + Sync>;

/// The server. It supports both eras.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    stage: Arc<Stage>,
    running: JoinHandle<()>,
}

struct Stage {
    heard: watch::Sender<Vec<Heard>>,
    pages: Mutex<Vec<Vec<String>>>,
    scripts: Mutex<HashMap<String, Script>>,
    guard: Mutex<Option<Guard>>,
    /// How many sessions it has begun; `None` if it has no sessions.
    sessions: Mutex<Option<u32>>,
}

impl Heard {
    /// The values of a header, joined; `None` if it was not sent.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let values = self.headers.iter().filter(|(known, _)| known == name);
        let values: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(" | "))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// The method of the message, or else the HTTP method.
    pub(crate) fn method(&self) -> String {
        match self.json()["method"].as_str() {
            Some(method) => method.to_owned(),
            None if self.json().get("id").is_some() => "response".to_owned(),
            None => self.http_method.clone(),
        }
    }

    /// The id of the message as JSON.
    pub(crate) fn id(&self) -> Value {
        self.json()["id"].clone()
    }

    pub(crate) fn arguments(&self) -> Value {
        self.json()["params"]["arguments"].clone()
    }

    /// The whole request with its headers, to search for what must not be there.
    pub(crate) fn everything(&self) -> String {
        format!("{} {:?} {}", self.target, self.headers, self.body)
    }

    fn is_modern(&self) -> bool {
        self.header("mcp-protocol-version").as_deref() == Some("2026-07-28")
    }

    /// A result for this request.
    pub(crate) fn result(&self, result: &Value) -> Said {
        let mut result = result.clone();
        if self.is_modern() && result.get("resultType").is_none() {
            result["resultType"] = json!("complete");
        }
        Said::Json(200, self.response(&result).to_string())
    }

    pub(crate) fn response(&self, result: &Value) -> Value {
        json!({"jsonrpc": "2.0", "id": self.id(), "result": result})
    }

    pub(crate) fn error(&self, code: i64, message: &str) -> Said {
        let error = json!({"code": code, "message": message});
        Said::Json(
            200,
            json!({"jsonrpc": "2.0", "id": self.id(), "error": error}).to_string(),
        )
    }
}

impl Upstream {
    /// A server with these tools on one page, each as JSON text.
    pub(crate) async fn start(tools: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stage = Arc::new(Stage {
            heard: watch::Sender::new(Vec::new()),
            pages: Mutex::default(),
            scripts: Mutex::default(),
            guard: Mutex::default(),
            sessions: Mutex::new(Some(0)),
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&stage));
        let running = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let upstream = Self {
            address,
            stage,
            running,
        };
        upstream.lists(&[tools]);
        upstream
    }

    /// Makes it list these tools from now on, page by page.
    pub(crate) fn lists(&self, pages: &[&[&str]]) {
        let owned = |page: &&[&str]| page.iter().map(|&tool| tool.to_owned()).collect();
        *self.stage.pages.lock().unwrap() = pages.iter().map(owned).collect();
    }

    /// Sets its answer to a method of the protocol, or to `GET` or `DELETE`.
    pub(crate) fn on(&self, method: &str, script: impl Fn(&Heard) -> Said + Send + Sync + 'static) {
        let mut scripts = self.stage.scripts.lock().unwrap();
        scripts.insert(method.to_owned(), Box::new(script));
    }

    /// Asks the guard first about each request; what it says is the answer.
    pub(crate) fn guarded(&self, guard: impl Fn(&Heard) -> Option<Said> + Send + Sync + 'static) {
        *self.stage.guard.lock().unwrap() = Some(Box::new(guard));
    }

    /// Stops it: its port no longer accepts connections.
    pub(crate) async fn end(mut self) {
        self.running.abort();
        let ended = (&mut self.running).await;
        assert!(ended.is_err_and(|error| error.is_cancelled()));
    }

    /// Makes it begin no sessions from now on.
    pub(crate) fn knows_no_sessions(&self) {
        *self.stage.sessions.lock().unwrap() = None;
    }

    /// Makes it answer a GET with a stream that the test feeds.
    pub(crate) fn streams(&self) -> mpsc::UnboundedSender<String> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let receiver = Mutex::new(Some(receiver));
        self.on("GET", move |_| {
            receiver
                .lock()
                .unwrap()
                .take()
                .map_or(Said::Empty(405), Said::Stream)
        });
        sender
    }

    /// The requests with this method so far.
    pub(crate) fn heard(&self, method: &str) -> Vec<Heard> {
        let mut heard = self.stage.heard.borrow().clone();
        heard.retain(|heard| heard.method() == method);
        heard
    }

    /// All requests so far.
    pub(crate) fn all(&self) -> Vec<Heard> {
        self.stage.heard.borrow().clone()
    }

    /// The last request with this method.
    #[track_caller]
    pub(crate) fn last(&self, method: &str) -> Heard {
        self.heard(method).pop().expect("the server was asked")
    }

    /// Waits until it has received this many requests with this method.
    pub(crate) async fn hears(&self, method: &str, times: usize) {
        let mut news = self.stage.heard.subscribe();
        let waiting = news.wait_for(|heard| {
            let heard = heard.iter().filter(|heard| heard.method() == method);
            heard.count() >= times
        });
        let waited = tokio::time::timeout(GUARD, waiting).await;
        waited.expect("it is asked in time").unwrap();
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn answer(State(stage): State<Arc<Stage>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let headers = parts.headers.iter();
    let heard = Heard {
        http_method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    stage.heard.send_modify(|all| all.push(heard.clone()));
    let scripted = {
        let scripts = stage.scripts.lock().unwrap();
        scripts.get(&heard.method()).map(|script| script(&heard))
    };
    let refused = {
        let guard = stage.guard.lock().unwrap();
        guard.as_ref().and_then(|guard| guard(&heard))
    };
    let said = refused.or(scripted).unwrap_or_else(|| stage.usual(&heard));
    let is_greeting = heard.method() == "initialize";
    let mut response = written(said);
    if is_greeting && response.status() == 200 {
        let mut sessions = stage.sessions.lock().unwrap();
        if let Some(count) = sessions.as_mut() {
            *count += 1;
            let id = format!("upstream-session-{count}");
            let headers = response.headers_mut();
            headers.insert("mcp-session-id", id.parse().unwrap());
        }
    }
    response
}

fn written(said: Said) -> Response {
    let response = Response::builder();
    let events = |body: Body| {
        Response::builder()
            .header("content-type", "text/event-stream")
            .body(body)
            .unwrap()
    };
    match said {
        Said::Json(status, text) => response
            .status(status)
            .header("content-type", "application/json")
            .body(Body::from(text))
            .unwrap(),
        Said::Empty(status) => response.status(status).body(Body::empty()).unwrap(),
        Said::Header(status, name, value) => response
            .status(status)
            .header(name, value)
            .body(Body::empty())
            .unwrap(),
        Said::Events(messages) => {
            let text: Vec<String> = messages
                .iter()
                .map(|message| format!("event: message\ndata: {message}\n\n"))
                .collect();
            events(Body::from(text.concat()))
        }
        Said::Stream(receiver) => {
            let pieces = futures_util::stream::unfold(receiver, |mut receiver| async move {
                let piece = receiver.recv().await?;
                Some((piece, receiver))
            });
            let pieces = pieces.map(|piece| Ok::<_, std::convert::Infallible>(Bytes::from(piece)));
            events(Body::from_stream(pieces))
        }
    }
}

impl Stage {
    fn usual(&self, heard: &Heard) -> Said {
        let capabilities = json!({
            "tools": {}, "prompts": {}, "resources": {}, "logging": {}, "completions": {},
        });
        match heard.method().as_str() {
            "GET" => Said::Empty(405),
            "DELETE" => Said::Empty(200),
            "initialize" => heard.result(&json!({
                "protocolVersion": "2025-11-25",
                "capabilities": capabilities,
                "serverInfo": {"name": "scripted", "version": "1"},
                "instructions": "Ask.",
            })),
            "server/discover" => heard.result(&json!({
                "supportedVersions": ["2026-07-28"],
                "capabilities": capabilities,
                "instructions": "Ask.",
                "ttlMs": 60_000,
                "cacheScope": "public",
            })),
            "tools/list" => Said::Json(200, self.page(heard)),
            "tools/call" => heard.result(&json!({
                "content": [{"type": "text", "text": heard.arguments().to_string()}],
            })),
            "ping" => heard.result(&json!({})),
            _ if heard.id().is_null() || heard.method() == "response" => Said::Empty(202),
            _ => heard.error(-32601, "Method not found"),
        }
    }

    /// A page of tools, as the test's JSON text.
    fn page(&self, heard: &Heard) -> String {
        let pages = self.pages.lock().unwrap();
        let cursor = heard.json()["params"]["cursor"].clone();
        let number: usize = cursor.as_str().map_or(0, |cursor| {
            cursor.trim_start_matches("page ").parse().unwrap()
        });
        let tools = pages
            .get(number)
            .map(|page| page.join(",\n "))
            .unwrap_or_default();
        let mut further = String::new();
        if number + 1 < pages.len() {
            further = format!(r#","nextCursor":"page {}""#, number + 1);
        }
        if heard.is_modern() {
            further.push_str(r#","resultType":"complete","ttlMs":60000,"cacheScope":"public""#);
        }
        let id = heard.id();
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[{tools}]{further},"x":1.50}}}}"#)
    }
}
