//! Where the browser of this machine brings an answer (RFC 8252, section 7.3).
//!
//! Any program of this machine and any page in the browser can connect. Only who knows what was asked is heard, and what
//! they bring is of no use without what the command keeps.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use toolvault_core::confidential::Wiped;

/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 16 << 10;
/// How long a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How many connections are open at the same time. Browsers open some in advance.
const MOST_CONNECTIONS: usize = 16;

pub(crate) struct Loopback {
    listener: TcpListener,
    pub(crate) port: u16,
}

/// What to look for in the head of a request.
pub(crate) type Read = dyn Fn(&[u8]) -> Option<Wiped<String>> + Send + Sync;

/// The answer that sends the browser to a page.
pub(crate) fn see_other(page: &str) -> String {
    format!(
        "HTTP/1.1 303 See Other\r\nLocation: {page}\r\nReferrer-Policy: no-referrer\r\n\
         Cache-Control: no-store\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
}

/// The answer that is a line of text.
pub(crate) fn text(line: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\n\
         Cache-Control: no-store\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{line}",
        line.len()
    )
}

impl Loopback {
    pub(crate) async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// What the browser brings: the first request in which `read` finds something, which gets `reply`.
    pub(crate) async fn brought(self, read: Box<Read>, reply: String) -> io::Result<Wiped<String>> {
        let (sender, mut receiver) = mpsc::channel(1);
        let asked = Arc::new((read, reply));
        let free = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let accept = async {
            loop {
                let Ok(permit) = Arc::clone(&free).acquire_owned().await else {
                    return io::Error::other("no connection is accepted");
                };
                let stream = match self.listener.accept().await {
                    Ok((stream, _)) => stream,
                    Err(error) => return error,
                };
                let (sender, asked) = (sender.clone(), Arc::clone(&asked));
                tokio::spawn(async move {
                    let (read, reply) = &*asked;
                    let answered = timeout(REQUEST_TIMEOUT, answer(stream, read, reply)).await;
                    if let Ok(Ok(Some(brought))) = answered {
                        // Only the first is waited for.
                        let _ = sender.try_send(brought);
                    }
                    drop(permit);
                });
            }
        };
        tokio::select! {
            Some(brought) = receiver.recv() => Ok(brought),
            error = accept => Err(error),
        }
    }
}

/// Answers one request. Returns what `read` finds in it.
async fn answer(
    mut stream: TcpStream,
    read: &Read,
    reply: &str,
) -> io::Result<Option<Wiped<String>>> {
    let mut head = Wiped::new(Vec::with_capacity(LONGEST_HEAD));
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() == LONGEST_HEAD || stream.read_buf(&mut *head).await? == 0 {
            return Ok(None);
        }
    }
    let brought = read(&head);
    let answer = match &brought {
        Some(_) => reply,
        None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(brought)
}

/// Finds the query of `GET /callback`, if it has this parameter.
pub(crate) fn callback_with(parameter: String) -> Box<Read> {
    Box::new(move |head| {
        let rest = head.strip_prefix(b"GET /callback?")?;
        let length = rest.iter().position(|byte| *byte == b' ')?;
        let (query, after) = rest.split_at_checked(length)?;
        let query = Wiped::new(String::from_utf8(query.to_vec()).ok()?);
        let is_ours = query.split('&').any(|pair| pair == parameter);
        (is_ours && after.starts_with(b" HTTP/1.")).then_some(query)
    })
}

/// Finds the code that is brought to `/<challenge>`.
pub(crate) fn code_for(challenge: &str) -> Box<Read> {
    let start = format!("GET /{challenge}?code=");
    Box::new(move |head| code_in(head, &start))
}

fn code_in(head: &[u8], start: &str) -> Option<Wiped<String>> {
    let rest = head.strip_prefix(start.as_bytes())?;
    let is_code = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let length = rest.iter().take_while(is_code).count();
    let (code, after) = rest.split_at_checked(length)?;
    let code = String::from_utf8(code.to_vec()).ok()?;
    (!code.is_empty() && after.starts_with(b" HTTP/1.")).then(|| Wiped::new(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(port: u16, request: &[u8]) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        stream.write_all(request).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        // A peer that was refused may see a reset.
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }

    #[tokio::test]
    async fn only_a_request_for_the_challenge_brings_the_code() {
        let loopback = Loopback::bind().await.unwrap();
        let port = loopback.port;
        let waiting = tokio::spawn(async move {
            let reply = see_other("https://v/#/x");
            loopback.brought(code_for("c0ffee"), reply).await
        });
        for request in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET /?code=stolen HTTP/1.1\r\n\r\n",
            "GET /c0ffe?code=stolen HTTP/1.1\r\n\r\n",
            "GET /c0ffee0?code=stolen HTTP/1.1\r\n\r\n",
            "GET /c0ffee?code= HTTP/1.1\r\n\r\n",
            "GET /c0ffee?code=a%20b HTTP/1.1\r\n\r\n",
            "GET /c0ffee?code=a&b=c HTTP/1.1\r\n\r\n",
            "GET /c0ffee?code=a\r\n\r\n",
            "POST /c0ffee?code=stolen HTTP/1.1\r\n\r\n",
            "get /c0ffee?code=stolen HTTP/1.1\r\n\r\n",
        ] {
            let answer = ask(port, request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 404 "), "{request}: {answer}");
        }
        // These have no end.
        for request in [
            "",
            "GET /c0ffee?code=stolen HTTP/1.1\r\n",
            &"x".repeat(20_000),
        ] {
            assert_eq!(ask(port, request.as_bytes()).await, "");
        }
        let answer = ask(port, b"GET /c0ffee?code=aB-_9 HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 303 "), "{answer}");
        assert!(
            answer.contains("\r\nLocation: https://v/#/x\r\n"),
            "{answer}"
        );
        assert_eq!(waiting.await.unwrap().unwrap().as_str(), "aB-_9");
    }

    #[tokio::test]
    async fn only_an_answer_with_the_state_is_brought() {
        let loopback = Loopback::bind().await.unwrap();
        let port = loopback.port;
        let waiting = tokio::spawn(async move {
            let reply = text("Done.");
            loopback
                .brought(callback_with("state=s".to_owned()), reply)
                .await
        });
        for request in [
            "GET /callback?code=stolen HTTP/1.1\r\n\r\n",
            "GET /callback?code=stolen&state=t HTTP/1.1\r\n\r\n",
            "GET /callback?code=stolen&state=st HTTP/1.1\r\n\r\n",
            "GET /other?code=stolen&state=s HTTP/1.1\r\n\r\n",
            "POST /callback?code=stolen&state=s HTTP/1.1\r\n\r\n",
            "GET /callback?code=stolen&state=s\r\n\r\n",
        ] {
            let answer = ask(port, request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 404 "), "{request}: {answer}");
        }
        let answer = ask(port, b"GET /callback?code=c%20d&state=s HTTP/1.1\r\n\r\n").await;
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("Done."),
            "{answer}"
        );
        assert_eq!(
            waiting.await.unwrap().unwrap().as_str(),
            "code=c%20d&state=s"
        );
    }
}
