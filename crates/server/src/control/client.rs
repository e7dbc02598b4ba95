//! Sends a request to the server that has a data directory open.

use std::io;
use std::path::Path;

use axum::body::Body;
use axum::http::header::HOST;
use axum::http::{HeaderValue, Request, Response};
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use super::SOCKET_NAME;
use super::answer::Answer;
use super::gate::TOKEN;
use super::token;

/// Why there is no answer from the server.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No process listens on the socket, or this user may not connect to it.
    #[error("cannot reach the server through its control socket")]
    Unreachable(#[source] io::Error),
    /// The server wrote no token, because it is a different version, or this user may not read it.
    #[error(
        "cannot read control.token in the data directory, which the server writes when it starts"
    )]
    Token(#[source] io::Error),
    /// The connection broke. The request may have been carried out.
    #[error("the server ended the connection before it answered")]
    Broken(#[from] axum::Error),
}

/// Sends `request` to the server that has `data_directory` open, and returns its whole answer.
pub async fn ask(
    data_directory: &Path,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, ControlError> {
    let answer = open(data_directory, request).await?;
    Ok(answer.whole().await?)
}

/// As [`ask`], but the answer is read as it comes.
pub async fn open(
    data_directory: &Path,
    mut request: Request<Bytes>,
) -> Result<Answer, ControlError> {
    let stream = UnixStream::connect(data_directory.join(SOCKET_NAME))
        .await
        .map_err(ControlError::Unreachable)?;
    let token = token::read(data_directory).map_err(ControlError::Token)?;
    let mut token = HeaderValue::from_str(&token)
        .map_err(|error| ControlError::Token(io::Error::other(error)))?;
    token.set_sensitive(true);
    request.headers_mut().insert(TOKEN, token);
    // HTTP/1.1 requires a Host header. The socket reaches only one host, so any name will do.
    request
        .headers_mut()
        .insert(HOST, HeaderValue::from_static("local"));
    let exchange = async {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends when the answer was read or dropped.
        tokio::spawn(connection);
        sender.send_request(request.map(Full::new)).await
    };
    let response = exchange.await.map_err(axum::Error::new)?;
    Ok(Answer::new(response.map(Body::new)))
}
