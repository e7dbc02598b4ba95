//! Clients of the gateway, one for each era, that send the messages of a test.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::upstream::GUARD;
use crate::harness::{Actor, Answer, World, read_answer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    Legacy,
    Modern,
}

/// Both eras, for tests that apply to each.
pub(crate) const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];

/// A client at one path of the gateway; in the earlier era it has a session.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) actor: Actor,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) path: String,
    pub(crate) era: Era,
    pub(crate) session: Option<String>,
    pub(crate) capabilities: Value,
}

/// An answer: its head and its messages.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) head: Answer,
    pub(crate) messages: Vec<Value>,
    /// The last message as raw text.
    pub(crate) text: String,
}

/// A stream of events.
pub(crate) struct Events {
    pub(crate) head: Answer,
    stream: BufReader<TcpStream>,
    received: Vec<u8>,
}

/// One event: its id and its data.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) text: String,
}

impl Event {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

impl Client {
    /// A connected client; in the earlier era it is initialized.
    pub(crate) async fn begin(world: &World, actor: &Actor, path: &str, era: Era) -> Self {
        Self::begin_with(world, actor, path, era, json!({})).await
    }

    /// As [`Client::begin`], with capabilities of the client.
    pub(crate) async fn begin_with(
        world: &World,
        actor: &Actor,
        path: &str,
        era: Era,
        capabilities: Value,
    ) -> Self {
        let mut client = Self::unbegun(world, actor, path, era);
        client.capabilities = capabilities;
        if era == Era::Legacy {
            let reply = client.initialize().await;
            let session = reply.head.header("mcp-session-id");
            client.session = Some(session.expect("a session").to_owned());
            let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
            assert_eq!(client.post(initialized, &[]).await.head.status, 202);
        }
        client
    }

    pub(crate) fn unbegun(world: &World, actor: &Actor, path: &str, era: Era) -> Self {
        Self {
            actor: actor.clone(),
            address: world.address,
            path: path.to_owned(),
            era,
            session: None,
            capabilities: json!({}),
        }
    }

    pub(crate) async fn initialize(&self) -> Reply {
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": self.capabilities,
            "clientInfo": {"name": "test", "version": "1"},
        });
        let message = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        self.post(&message.to_string(), &[]).await
    }

    /// The result of a request, whose parameters are JSON text.
    pub(crate) async fn result(&self, method: &str, params: &str) -> Value {
        let reply = self.ask(method, params).await;
        let result = reply.message().get("result");
        result.unwrap_or_else(|| panic!("{reply:?}")).clone()
    }

    /// Sends a request; the parameters are JSON text.
    pub(crate) async fn ask(&self, method: &str, params: &str) -> Reply {
        self.ask_with(method, params, &[]).await
    }

    /// Sends a request with additional headers.
    pub(crate) async fn ask_with(
        &self,
        method: &str,
        params: &str,
        headers: &[(&str, &str)],
    ) -> Reply {
        let message = self.message(method, params);
        let mut all = self.headers_of(method, params);
        all.extend(headers.iter().copied().map(owned));
        self.post_owned(&message, all).await
    }

    /// A request with the ID 7.
    pub(crate) fn message(&self, method: &str, params: &str) -> String {
        let params = match self.era {
            Era::Legacy => params.to_owned(),
            Era::Modern => {
                let metadata = json!({
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
                    "io.modelcontextprotocol/clientCapabilities": self.capabilities,
                });
                let rest = params.trim_start().strip_prefix('{').unwrap();
                let comma = if rest.trim() == "}" { "" } else { "," };
                format!(r#"{{"_meta":{metadata}{comma}{rest}"#)
            }
        };
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#)
    }

    /// The headers that the protocol requires for a request.
    fn headers_of(&self, method: &str, params: &str) -> Vec<(String, String)> {
        if self.era == Era::Legacy {
            return Vec::new();
        }
        let params: Value = serde_json::from_str(params).unwrap();
        let name = params["name"].as_str().or(params["uri"].as_str());
        let mut headers = vec![
            owned(("mcp-protocol-version", "2026-07-28")),
            owned(("mcp-method", method)),
        ];
        headers.extend(name.map(|name| owned(("mcp-name", name))));
        headers
    }

    /// A call of a tool, its arguments as JSON text.
    pub(crate) async fn call(&self, tool: &str, arguments: &str) -> Reply {
        let params = format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#);
        self.ask("tools/call", &params).await
    }

    /// The tools of the first page.
    pub(crate) async fn tools(&self) -> Vec<Value> {
        let result = self.result("tools/list", "{}").await;
        result["tools"].as_array().unwrap().clone()
    }

    /// The names of the tools of the first page.
    pub(crate) async fn tool_names(&self) -> Vec<String> {
        let tools = self.tools().await;
        tools
            .iter()
            .map(|tool| tool["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Sends a body with the test's own headers.
    pub(crate) async fn post(&self, body: &str, headers: &[(&str, &str)]) -> Reply {
        let headers = headers.iter().copied().map(owned).collect();
        self.post_owned(body, headers).await
    }

    async fn post_owned(&self, body: &str, headers: Vec<(String, String)>) -> Reply {
        let opening = self.open("POST", body, headers);
        let mut events = timeout(GUARD, opening).await.expect("an answer in time");
        if events.head.header("content-type") != Some("text/event-stream") {
            let text = events.head.text().to_owned();
            return Reply {
                messages: serde_json::from_str(&text).into_iter().collect(),
                head: events.head,
                text,
            };
        }
        let mut messages = Vec::new();
        let mut text = String::new();
        while let Some(event) = events.next().await {
            if !event.text.is_empty() {
                messages.push(event.json());
                text = event.text;
            }
        }
        Reply {
            head: events.head,
            messages,
            text,
        }
    }

    /// Opens the stream of notifications: with GET, or by subscribing to all lists of tools.
    pub(crate) async fn listen(&self) -> Events {
        self.listen_with(&[]).await
    }

    pub(crate) async fn listen_with(&self, headers: &[(&str, &str)]) -> Events {
        let mut all: Vec<_> = headers.iter().copied().map(owned).collect();
        let (method, body) = match self.era {
            Era::Legacy => ("GET", String::new()),
            Era::Modern => {
                let params = r#"{"notifications":{"toolsListChanged":true}}"#;
                all.extend(self.headers_of("subscriptions/listen", params));
                ("POST", self.message("subscriptions/listen", params))
            }
        };
        let opening = self.open(method, &body, all);
        timeout(GUARD, opening).await.expect("an answer in time")
    }

    /// Sends a request and reads the head of its answer, and the body if it is whole.
    pub(crate) async fn open(
        &self,
        method: &str,
        body: &str,
        headers: Vec<(String, String)>,
    ) -> Events {
        let mut actor = self
            .actor
            .clone()
            .with("accept", "application/json, text/event-stream");
        if let Some(session) = &self.session {
            actor = actor.with("mcp-session-id", session);
        }
        for (name, value) in headers {
            actor = actor.with(&name, &value);
        }
        let content_type = (method == "POST").then_some("application/json");
        let bytes = actor.bytes(method, &self.path, content_type, body.as_bytes());
        let mut stream = BufReader::new(TcpStream::connect(self.address).await.unwrap());
        stream.write_all(&bytes).await.unwrap();
        let head = read_answer(&mut stream).await.expect("an answer");
        Events {
            head,
            stream,
            received: Vec::new(),
        }
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

impl Reply {
    /// The response.
    #[track_caller]
    pub(crate) fn message(&self) -> &Value {
        self.messages.last().unwrap_or_else(|| panic!("{self:?}"))
    }

    /// The text of a tool's error.
    #[track_caller]
    pub(crate) fn tool_error(&self) -> &str {
        let result = &self.message()["result"];
        assert_eq!(result["isError"], true, "{self:?}");
        result["content"][0]["text"].as_str().unwrap()
    }

    /// The code and the message of an error.
    #[track_caller]
    pub(crate) fn error(&self) -> (i64, &str) {
        let error = &self.message()["error"];
        let code = error["code"].as_i64();
        let code = code.unwrap_or_else(|| panic!("{self:?}"));
        (code, error["message"].as_str().unwrap())
    }
}

impl Events {
    /// The next event with data; none at the end.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        timeout(GUARD, self.read()).await.expect("an event in time")
    }

    /// The next message, which must come.
    pub(crate) async fn message(&mut self) -> Value {
        self.next().await.expect("an event").json()
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            let end = self.received.windows(2).position(|pair| pair == b"\n\n");
            if let Some(end) = end {
                let event: Vec<u8> = self.received.drain(..end + 2).collect();
                let event = String::from_utf8(event).unwrap();
                let lines = |field: &'static str| {
                    let lines = event.lines();
                    lines.filter_map(move |line| line.strip_prefix(field))
                };
                let data: Vec<&str> = lines("data: ").collect();
                if data.is_empty() {
                    continue;
                }
                return Some(Event {
                    id: lines("id: ").next().map(str::to_owned),
                    text: data.join("\n"),
                });
            }
            let chunk = self.chunk().await?;
            self.received.extend_from_slice(&chunk);
        }
    }

    /// One chunk (RFC 9112, section 7.1); none after the last.
    async fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut size = String::new();
        self.stream.read_line(&mut size).await.ok()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        self.stream.read_exact(&mut chunk).await.ok()?;
        chunk.truncate(size);
        (size > 0).then_some(chunk)
    }
}
