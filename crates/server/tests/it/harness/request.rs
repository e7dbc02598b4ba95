//! HTTP/1.1 over raw connections, so that a test controls every byte.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Answer;

/// Sends `bytes` over a connection of their own and reads the answer.
///
/// If the server answers and closes early, the rest is not sent.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Answer {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let (_, answer) = tokio::join!(
        async {
            let sent = writer.write_all(bytes).await;
            (sent, writer)
        },
        read_answer(&mut reader)
    );
    answer.expect("an answer")
}

/// One answer; `None` if the connection ended without one.
pub(crate) async fn read_answer(stream: &mut (impl AsyncRead + Unpin)) -> Option<Answer> {
    let mut answer = read_head(stream).await?;
    let length = answer
        .header("content-length")
        .map_or(0, |text| text.parse().unwrap());
    answer.body = vec![0; length];
    stream.read_exact(&mut answer.body).await.ok()?;
    Some(answer)
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte).await {
            Ok(1) => head.push(byte[0]),
            _ => return None,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Some(Answer {
        status,
        headers,
        body: Vec::new(),
    })
}

/// Everything that comes until the server closes.
pub(crate) async fn read_answers(stream: &mut (impl AsyncRead + Unpin)) -> Vec<Answer> {
    let mut answers = Vec::new();
    while let Some(answer) = read_answer(stream).await {
        answers.push(answer);
    }
    answers
}

/// As [`exchange`]; the answer to `HEAD` has no body whatever its length says.
pub(crate) async fn exchange_without_body(
    address: SocketAddr,
    bytes: &[u8],
    method: &str,
) -> Answer {
    if method != "HEAD" {
        return exchange(address, bytes).await;
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    read_head(&mut stream).await.expect("an answer")
}
