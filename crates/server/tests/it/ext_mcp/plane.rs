//! Another gateway, which asks over gRPC. It shares no code with the server: messages are written byte by byte.

use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use axum::http::Request;
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;
use toolvault_core::confidential::Wiped;
use toolvault_gateway::settings::{ServerSettings, Transport};
use toolvault_server::ExtMcpSettings;

use crate::gateway::relay::settings_at;
use crate::harness::{Actor, World, WorldSettings};

pub(super) const TOKEN: &str = "the token of the other gateway, which is long";
pub(super) const REQUEST: &str = "CheckRequest";
pub(super) const RESULT: &str = "CheckResponse";

/// A server that another gateway asks.
pub(super) struct Plane {
    pub(super) world: World,
    pub(super) token: &'static str,
}

/// What is asked.
#[derive(Clone, Default)]
pub(super) struct Question<'a> {
    pub(super) servers: &'a [&'a str],
    pub(super) method: &'a str,
    pub(super) metadata: Vec<(&'a str, &'a str)>,
    pub(super) content: Option<String>,
    pub(super) headers: Vec<(&'a str, &'a str)>,
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Pass,
    Mutated(Value),
    /// Code and reason.
    Error(u8, String),
    /// The call failed with this status of gRPC.
    Failed(String),
}

impl Plane {
    /// With servers of these names, which only the other gateway reaches.
    pub(super) async fn start(names: &[&str]) -> Self {
        Self::start_with(names, |_| {}).await
    }

    /// As [`start`](Self::start), with other settings.
    pub(super) async fn start_with(
        names: &[&str],
        change: impl FnOnce(&mut WorldSettings),
    ) -> Self {
        let world = World::start_with(|settings| {
            settings.server.ext_mcp = Some(ExtMcpSettings {
                listen: "127.0.0.1:0".parse().unwrap(),
                token: Wiped::new(TOKEN.to_owned()),
            });
            for name in names {
                let servers = &mut settings.server.gateway.servers;
                servers.insert(name.parse().unwrap(), elsewhere());
            }
            change(settings);
        })
        .await;
        Self {
            world,
            token: TOKEN,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.world.ext_mcp_address.unwrap()
    }

    /// Asks for the holder of a key.
    pub(super) async fn of(
        &self,
        actor: &Actor,
        rpc: &str,
        method: &str,
        content: &Value,
    ) -> Answer {
        let question = Question {
            servers: &["linear"],
            method,
            metadata: vec![("x-api-key", actor.sends("x-api-key"))],
            content: Some(content.to_string()),
            ..Question::default()
        };
        self.ask(rpc, &question).await
    }

    pub(super) async fn ask(&self, rpc: &str, question: &Question<'_>) -> Answer {
        self.send(rpc, &framed(0, &question.encoded())).await
    }

    /// Sends a body as it is.
    pub(super) async fn send(&self, rpc: &str, body: &[u8]) -> Answer {
        let uri = format!("http://localhost/agentgateway.dev.ext_mcp.ExtMcp/{rpc}");
        let request = Request::post(uri)
            .header("content-type", "application/grpc")
            .header("authorization", format!("Bearer {}", self.token))
            .body(Body::from(body.to_vec()));
        let (head, body, trailers) = exchange(self.address(), request.unwrap()).await;
        let status = trailers.or_else(|| head.headers().get("grpc-status").cloned());
        match status.unwrap().to_str().unwrap() {
            "0" => answer(&body),
            failed => Answer::Failed(failed.to_owned()),
        }
    }
}

/// A server that only the other gateway reaches.
pub(super) fn elsewhere() -> ServerSettings {
    ServerSettings {
        transport: Transport::Elsewhere,
        ..settings_at("http://localhost")
    }
}

type Status = Option<axum::http::HeaderValue>;

/// Sends a request over a connection of HTTP/2 of its own. Returns the head, the body and the status in the trailers.
pub(super) async fn exchange(
    address: SocketAddr,
    request: Request<Body>,
) -> (axum::http::Response<()>, Bytes, Status) {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let connecting = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
    let (mut sender, connection) = connecting.await.unwrap();
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let collected = body.collect().await.unwrap();
    let status = collected
        .trailers()
        .and_then(|trailers| trailers.get("grpc-status").cloned());
    connection.abort();
    (
        axum::http::Response::from_parts(parts, ()),
        collected.to_bytes(),
        status,
    )
}

impl Question<'_> {
    pub(super) fn encoded(&self) -> Vec<u8> {
        let mut message = Vec::new();
        for server in self.servers {
            message.extend(field(1, server.as_bytes()));
        }
        message.extend(field(2, self.method.as_bytes()));
        let metadata = self.metadata.iter().map(|(name, text)| {
            let value = field(3, text.as_bytes());
            field(1, &[field(1, name.as_bytes()), field(2, &value)].concat())
        });
        message.extend(field(3, &metadata.collect::<Vec<_>>().concat()));
        if let Some(content) = &self.content {
            message.extend(field(4, content.as_bytes()));
        }
        for (name, value) in &self.headers {
            let header = [field(1, name.as_bytes()), field(2, value.as_bytes())];
            message.extend(field(5, &header.concat()));
        }
        message
    }
}

/// A message in a frame.
pub(super) fn framed(compressed: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    [&[compressed], length.to_be_bytes().as_slice(), message].concat()
}

/// A field with a length.
pub(super) fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut rest = content.len();
    while rest >= 128 {
        bytes.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes.extend(content);
    bytes
}

/// The first field with a length: its number, its content and what follows.
fn read(bytes: &[u8]) -> (u8, &[u8], &[u8]) {
    let (mut length, mut at) = (0, 1);
    loop {
        length |= usize::from(bytes[at] & 127) << (7 * (at - 1));
        at += 1;
        if bytes[at - 1] < 128 {
            break;
        }
    }
    (
        bytes[0] >> 3,
        &bytes[at..at + length],
        &bytes[at + length..],
    )
}

fn answer(body: &[u8]) -> Answer {
    assert_eq!(framed(0, &body[5..]), body);
    let (outcome, content, rest) = read(&body[5..]);
    assert!(rest.is_empty());
    match outcome {
        1 => Answer::Pass,
        2 => Answer::Mutated(serde_json::from_slice(content).unwrap()),
        3 => {
            // The code is left out if it is 0.
            let (code, rest) = match content {
                [8, code, rest @ ..] => (*code, rest),
                rest => (0, rest),
            };
            Answer::Error(code, String::from_utf8(read(rest).1.to_vec()).unwrap())
        }
        other => panic!("an outcome of the number {other}"),
    }
}
