//! A server of HTTP requests, such as a receiver of OTLP logs. A test decides how each request is answered, and when.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;

use serde_json::Value;

pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    requests: mpsc::Receiver<Request>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A request that waits for its answer. Dropped, it never gets one.
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: String,
    stream: TcpStream,
}

impl Receiver {
    pub(crate) fn new() -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    pub(super) fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let (sender, requests) = mpsc::channel();
        let is_ending = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if is_ending.load(Ordering::SeqCst) {
                    return;
                }
                // One that a killed server did not finish is not a request.
                if let Some(request) = read(stream.unwrap()) {
                    let _ = sender.send(request);
                }
            }
        });
        Self {
            address,
            requests,
            is_over,
            thread: Some(thread),
        }
    }

    /// The next request, as soon as it is there.
    pub(crate) fn next(&self) -> Request {
        self.requests.recv().unwrap()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn read(stream: TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(&stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.unwrap().parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).unwrap();
    Some(Request { head, body, stream })
}

impl Request {
    /// Answers, and closes the connection. The status may be followed by headers.
    pub(crate) fn answer(mut self, status: &str, body: &str) {
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        );
        // The server may be gone.
        let _ = self.stream.write_all(answer.as_bytes());
    }

    fn logs(&self) -> Vec<Value> {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        let logs = &body["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
        logs.as_array().unwrap().clone()
    }

    pub(super) fn texts(&self, field: &str) -> Vec<String> {
        let logs = self.logs();
        let texts = logs
            .iter()
            .map(|log| log[field].as_str().unwrap().to_owned());
        texts.collect()
    }

    fn attributes(&self, key: &str) -> Vec<Value> {
        let find = |log: &Value| {
            let attributes = log["attributes"].as_array().unwrap();
            let found = attributes.iter().find(|attribute| attribute["key"] == key);
            found.unwrap()["value"].clone()
        };
        self.logs().iter().map(find).collect()
    }

    pub(super) fn sequences(&self) -> Vec<i64> {
        let values = self.attributes("toolvault.audit.sequence");
        let numbers = values
            .iter()
            .map(|value| value["intValue"].as_str().unwrap().parse());
        numbers.map(Result::unwrap).collect()
    }

    pub(super) fn uids(&self) -> Vec<String> {
        let values = self.attributes("log.record.uid");
        let texts = values
            .iter()
            .map(|value| value["stringValue"].as_str().unwrap().to_owned());
        texts.collect()
    }
}
