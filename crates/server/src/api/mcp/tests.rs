//! Streams over real connections: events are sent at once, and a stream ends with its client or the server.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::any;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use toolvault_vault::{
    DatabaseLocation, Opened, RootKeySource, Settings, SystemClock, SystemEntropy, Vault,
};

use super::*;
use crate::app::App;
use crate::limits::bodies::Bodies;
use crate::limits::bodies::tests::sender;
use crate::listener;
use crate::settings::{RequestLimits, ServerSettings};

const PATIENCE: Duration = Duration::from_secs(20);

fn room() -> Room {
    Arc::<Bodies>::default().room(sender(1, "a"), 2)
}

/// A server that answers one request with the events that a test sends.
struct Served {
    address: SocketAddr,
    events: UnboundedSender<Bytes>,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
    _directory: TempDir,
}

impl Served {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let app = app(&directory).await;
        let (events, receiver) = unbounded_channel();
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let receiver = Arc::new(Mutex::new(Some(receiver)));
        let handler = move |request: Request| {
            let receiver = receiver.lock().unwrap().take().unwrap();
            let lifetime = Lifetime::of(request.method(), request.headers());
            let response = response(streamed(receiver), lifetime, stop.clone(), room());
            async { response }
        };
        let router = Router::new().route("/", any(handler));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = shutdown.clone();
        let running = tokio::spawn(async move {
            let workers = listener::Workers::start().unwrap();
            listener::accept(listener, false, router, app, &workers, stop).await;
        });
        Self {
            address,
            events,
            shutdown,
            running,
            _directory: directory,
        }
    }

    /// Opens the stream over a raw connection and reads the head of the answer.
    async fn open(&self, method: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request =
            format!("{method} / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        read_until(&mut stream, "\r\n\r\n").await;
        stream
    }

    fn send(&self, event: &'static str) {
        self.events
            .send(Bytes::from_static(event.as_bytes()))
            .unwrap();
    }

    async fn end(self) {
        timeout(PATIENCE, self.running)
            .await
            .expect("the server ends")
            .unwrap();
    }
}

async fn app(directory: &TempDir) -> App {
    let data = directory.path().join("data");
    let root_key = RootKeySource::File(directory.path().join("root.key"));
    let settings = Settings::new(DatabaseLocation::Directory(data));
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let Opened { vault, .. } = Vault::open(settings, &root_key, clock, entropy)
        .await
        .unwrap();
    let settings = ServerSettings {
        limits: RequestLimits {
            header_seconds: 1,
            body_seconds: 1,
            // Longer than any test waits, so a stream that ends does not end by timeout.
            shutdown_seconds: 600,
            ..RequestLimits::default()
        },
        ..ServerSettings::local()
    };
    App::new(vault, settings).unwrap()
}

fn streamed(receiver: UnboundedReceiver<Bytes>) -> McpReply {
    let events = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|event| (event, receiver))
    });
    McpReply {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: McpBody::Stream(Box::pin(events)),
    }
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = String::new();
    let reading = async {
        while !read.ends_with(end) {
            let byte = stream.read_u8().await.unwrap();
            read.push(char::from(byte));
        }
    };
    timeout(PATIENCE, reading).await.expect("it comes");
    read
}

#[tokio::test]
async fn each_event_goes_out_as_it_comes_and_silence_ends_nothing() {
    let served = Served::start().await;
    let mut stream = served.open("GET").await;
    // Longer than a client may stall, or take to send a head.
    let silence = timeout(Duration::from_millis(2_500), stream.read_u8()).await;
    assert!(silence.is_err(), "{silence:?}");
    for event in ["data: one\n\n", "data: two\n\n"] {
        served.send(event);
        read_until(&mut stream, event).await;
    }
    served.shutdown.cancel();
    served.end().await;
}

#[tokio::test]
async fn a_stream_is_let_go_of_when_the_client_leaves() {
    for method in ["GET", "POST"] {
        let served = Served::start().await;
        drop(served.open(method).await);
        let closed = timeout(PATIENCE, served.events.closed()).await;
        closed.expect("the stream is dropped");
    }
}

#[tokio::test]
async fn a_stream_without_an_end_ends_at_once_when_the_server_stops() {
    let served = Served::start().await;
    let mut stream = served.open("GET").await;
    served.shutdown.cancel();
    read_until(&mut stream, "0\r\n\r\n").await;
    assert!(served.events.is_closed());
    served.end().await;
}

#[tokio::test]
async fn the_stream_of_a_request_is_finished_when_the_server_stops() {
    let served = Served::start().await;
    let mut stream = served.open("POST").await;
    served.shutdown.cancel();
    // It does not even listen any more.
    let connecting = async { while TcpStream::connect(served.address).await.is_ok() {} };
    timeout(PATIENCE, connecting).await.unwrap();
    served.send("data: the result\n\n");
    read_until(&mut stream, "data: the result\n\n").await;
    let Served {
        events,
        running,
        _directory,
        ..
    } = served;
    drop(events);
    read_until(&mut stream, "0\r\n\r\n").await;
    timeout(PATIENCE, running)
        .await
        .expect("the server ends")
        .unwrap();
}

#[tokio::test]
async fn http_2_does_the_same() {
    for leaves in [true, false] {
        let served = Served::start().await;
        let stream = TcpStream::connect(served.address).await.unwrap();
        let handshake =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        let request = hyper::Request::get("http://localhost/")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let mut body = sender.send_request(request).await.unwrap().into_body();
        served.send("data: one\n\n");
        let frame = timeout(PATIENCE, body.frame())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(frame.into_data().unwrap(), "data: one\n\n");
        if leaves {
            // Only this stream; the connection stays.
            drop(body);
            let closed = timeout(PATIENCE, served.events.closed()).await;
            closed.expect("the stream is dropped");
        } else {
            served.shutdown.cancel();
            let rest = timeout(PATIENCE, body.collect()).await.unwrap();
            assert!(rest.unwrap().to_bytes().is_empty());
            served.end().await;
        }
    }
}

#[test]
fn only_what_waits_for_no_answer_is_without_an_end() {
    let listening = HeaderMap::from_iter([(
        HeaderName::from_static(MCP_METHOD),
        HeaderValue::from_static(LISTEN),
    )]);
    let calling = HeaderMap::from_iter([(
        HeaderName::from_static(MCP_METHOD),
        HeaderValue::from_static("tools/call"),
    )]);
    for (method, headers, expected) in [
        (Method::GET, &HeaderMap::new(), Lifetime::Open),
        (Method::POST, &HeaderMap::new(), Lifetime::Request),
        (Method::POST, &listening, Lifetime::Open),
        (Method::POST, &calling, Lifetime::Request),
    ] {
        assert_eq!(
            Lifetime::of(&method, headers),
            expected,
            "{method} {headers:?}"
        );
    }
}

#[test]
fn no_answer_is_kept_and_a_stream_is_not_gathered() {
    for (body, buffering) in [
        (McpBody::Empty, None),
        (McpBody::Whole(Bytes::from_static(b"{}")), None),
        (McpBody::Stream(Box::pin(stream::empty())), Some("no")),
    ] {
        let reply = McpReply {
            status: StatusCode::OK,
            headers: HeaderMap::from_iter([(
                header::CACHE_CONTROL,
                HeaderValue::from_static("max-age=60"),
            )]),
            body,
        };
        let response = response(reply, Lifetime::Request, CancellationToken::new(), room());
        let headers = response.headers();
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        let told = headers
            .get(ACCEL_BUFFERING)
            .map(|value| value.to_str().unwrap());
        assert_eq!(told, buffering);
    }
}

#[test]
fn a_request_counts_until_its_stream_is_dropped() {
    let bodies = Arc::<Bodies>::default();
    let mut room = bodies.room(sender(1, "a"), 2);
    room.add(8).unwrap();
    let (_events, receiver) = unbounded_channel();
    let stop = CancellationToken::new();
    let response = response(streamed(receiver), Lifetime::Request, stop, room);
    assert!(bodies.room(sender(1, "a"), 2).add(1).is_err());
    drop(response);
    assert!(bodies.room(sender(1, "a"), 2).add(1).is_ok());
}
