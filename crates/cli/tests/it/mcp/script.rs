//! A scripted gateway: a test sets its answers and reads the requests that it received.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use serde_json::Value;

/// Long enough for a machine that is busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A request to the gateway.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Value,
}

impl Asked {
    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The method of its message.
    pub(crate) fn rpc(&self) -> &str {
        self.body["method"].as_str().unwrap_or_default()
    }
}

/// An answer of the gateway.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    head: String,
    body: String,
    is_held: bool,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", &body.to_string())
    }

    pub(crate) fn text(status: u16, kind: &str, body: &str) -> Self {
        Self {
            head: format!(
                "HTTP/1.1 {status} Told\r\nconnection: close\r\ncontent-type: {kind}\r\n"
            ),
            body: body.to_owned(),
            is_held: false,
        }
    }

    /// An answer to the request, as one message.
    pub(crate) fn result(asked: &Asked, result: &Value) -> Self {
        let id = &asked.body["id"];
        Self::json(
            200,
            &serde_json::json!({"jsonrpc": "2.0", "id": id, "result": result}),
        )
    }

    /// Events, as raw text.
    pub(crate) fn events(text: &str) -> Self {
        Self::text(200, "text/event-stream", text)
    }

    /// The connection ends without an answer.
    pub(crate) fn nothing() -> Self {
        Self {
            head: String::new(),
            body: String::new(),
            is_held: false,
        }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self::text(status, "text/plain", "")
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.head = format!("{}{name}: {value}\r\n", self.head);
        self
    }

    /// The connection stays open until the client closes it.
    pub(crate) fn held(mut self) -> Self {
        self.is_held = true;
        self
    }
}

/// What happened at the gateway.
#[derive(Debug)]
pub(crate) enum Happening {
    Asked(Asked),
    /// The client abandoned an answer that was held back.
    Left(Asked),
}

/// It listens until the test ends.
pub(crate) struct Script {
    address: SocketAddr,
    happenings: Receiver<Happening>,
}

impl Script {
    pub(crate) fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, happenings) = channel();
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, sender) = (Arc::clone(&answer), sender.clone());
                std::thread::spawn(move || serve(stream, answer.as_ref(), &sender));
            }
        });
        Self {
            address,
            happenings,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next thing that happens.
    pub(crate) fn next(&self) -> Happening {
        self.happenings.recv_timeout(PATIENCE).unwrap()
    }

    /// The requests up to the first for which `is_it` is true.
    pub(crate) fn asked_until(&self, mut is_it: impl FnMut(&Asked) -> bool) -> Vec<Asked> {
        let mut all = Vec::new();
        loop {
            if let Happening::Asked(asked) = self.next() {
                all.push(asked);
                if is_it(all.last().unwrap()) {
                    return all;
                }
            }
        }
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        let so_far = self.happenings.try_iter();
        so_far
            .filter_map(|happening| match happening {
                Happening::Asked(asked) => Some(asked),
                Happening::Left(_) => None,
            })
            .collect()
    }
}

fn serve(stream: TcpStream, answer: &dyn Fn(&Asked) -> Reply, sender: &Sender<Happening>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let Some(asked) = read(&mut reader) else {
        return;
    };
    let reply = answer(&asked);
    let _ = sender.send(Happening::Asked(asked.clone()));
    let mut stream = stream;
    if reply.head.is_empty() {
        return;
    }
    let _ = stream.write_all(format!("{}\r\n{}", reply.head, reply.body).as_bytes());
    if reply.is_held {
        // The client sends nothing more on this connection, so this ends when it disconnects.
        let _ = reader.read(&mut [0; 1]);
        let _ = sender.send(Happening::Left(asked));
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|&length| length > 0)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim_start().to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked {
        method,
        path,
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}
