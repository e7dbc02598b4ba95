//! One connection to a server.

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;

use crate::Failure;

/// A connection that is kept open. Lost connections are failures: without faults no server loses one.
pub(crate) struct Client {
    stream: BufStream<TcpStream>,
    key: String,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The entity tag. It is a number in hexadecimal digits that increases with each change of the secret.
    pub(crate) tag: Option<u64>,
    pub(crate) body: Value,
}

impl Client {
    pub(crate) async fn connect(address: &str, key: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufStream::new(stream),
            key: key.to_owned(),
        })
    }

    /// Sends a request; `tag` becomes `If-Match`.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        tag: Option<u64>,
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let condition = tag.map(|tag| format!("if-match: \"{tag:x}\"\r\n"));
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n{}\r\n",
            self.key,
            body.len(),
            condition.unwrap_or_default()
        );
        self.stream.write_all(head.as_bytes()).await?;
        self.stream.write_all(body.as_bytes()).await?;
        self.stream.flush().await?;
        self.read().await
    }

    async fn read(&mut self) -> Result<Answer, Failure> {
        let first = self.line().await?;
        let status = first.split(' ').nth(1).ok_or("no status")?.parse()?;
        let (mut length, mut tag) = (0, None);
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse()?,
                "etag" => tag = Some(u64::from_str_radix(value.trim().trim_matches('"'), 16)?),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Answer { status, tag, body })
    }

    async fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err("the server closed the connection".into());
        }
        Ok(line.trim_end().to_owned())
    }
}
