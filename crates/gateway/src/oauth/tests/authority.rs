//! An authorization server that answers what a test wants, and keeps what it was asked.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What it answers.
#[derive(Clone)]
pub(super) struct Answer {
    status: &'static str,
    headers: String,
    body: String,
}

impl Answer {
    pub(super) fn json(document: &serde_json::Value) -> Self {
        Self::text("200 OK", &document.to_string())
    }

    pub(super) fn text(status: &'static str, body: &str) -> Self {
        Self {
            status,
            headers: String::new(),
            body: body.to_owned(),
        }
    }

    pub(super) fn with(mut self, header: &str) -> Self {
        self.headers = format!("{header}\r\n");
        self
    }
}

type Answers = HashMap<String, Answer>;

/// A listening server; it ends with the test's runtime.
pub(super) struct Authority {
    address: SocketAddr,
    answers: Arc<Mutex<Answers>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Authority {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (answers, asked) = (Arc::<Mutex<Answers>>::default(), Arc::default());
        let own = (Arc::clone(&answers), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answers, asked) = own.clone();
                tokio::spawn(async move { serve(stream, &answers, &asked).await });
            }
        });
        Self {
            address,
            answers,
            asked,
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on this answers to requests for `path`; for all others it is 404.
    pub(super) fn answer(&self, path: &str, answer: Answer) {
        self.answers.lock().insert(path.to_owned(), answer);
    }

    /// Heads and bodies of all requests so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().clone()
    }
}

async fn serve(mut stream: TcpStream, answers: &Mutex<Answers>, asked: &Mutex<Vec<String>>) {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return;
        };
        text.push(byte);
    }
    let head = String::from_utf8(text.clone()).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.unwrap();
    text.append(&mut body);
    asked.lock().push(String::from_utf8(text).unwrap());
    let path = head.split(' ').nth(1).unwrap();
    let found = answers.lock().get(path).cloned();
    let answer = found.unwrap_or(Answer::text("404 Not Found", ""));
    let Answer {
        status,
        headers,
        body,
    } = answer;
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}
