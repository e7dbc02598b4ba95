//! A server of canned bytes: what it says is fixed, what it was asked is kept.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does after it has read the head of a request.
#[derive(Clone, Copy)]
pub(super) enum Behaviour {
    /// Sends these bytes and closes.
    Answer(&'static str),
    /// Sends this head and then bytes until the client has gone.
    Endless(&'static str),
    /// Sends these bytes and then keeps the connection and says nothing.
    Pausing(&'static str),
    /// Keeps the connection and says nothing.
    Silent,
}

/// A listening server; it ends with the test's runtime.
pub(super) struct CannedServer {
    pub(super) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl CannedServer {
    pub(super) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, behaviour, Arc::clone(&seen)));
            }
        });
        Self { address, heads }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The heads of all requests so far, in lower case.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, behaviour: Behaviour, seen: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return;
        };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    seen.lock().unwrap().push(head);
    match behaviour {
        Behaviour::Answer(text) => {
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        Behaviour::Endless(head) => {
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(&[b'x'; 512]).await.is_ok() {}
        }
        Behaviour::Pausing(text) => {
            let _ = stream.write_all(text.as_bytes()).await;
            std::future::pending::<()>().await;
        }
        Behaviour::Silent => std::future::pending().await,
    }
}
