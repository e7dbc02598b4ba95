//! The command line's end of the socket.

use std::io;
use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use zeroize::Zeroizing;

use super::SOCKET_NAME;
use super::answer::{LocalAnswer, LocalError};
use super::command::LocalCommand;
use super::token;

/// Why the server could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody listens on the socket, or it may not be connected to.
    #[error("cannot reach the server through its control socket")]
    Unreachable(#[source] io::Error),
    /// There is no token for its socket, as with a server of another version, or it may not be read.
    #[error(
        "cannot read control.token in the data directory, which the server writes when it starts"
    )]
    Token(#[source] io::Error),
    /// The connection broke off; whether the command was done is not known.
    #[error("the server ended the connection before it answered")]
    Broken(#[source] io::Error),
    /// The answer cannot be read.
    #[error("the server's answer cannot be read; is it another version?")]
    Unreadable(#[source] serde_json::Error),
}

/// Has `command` done by the server that holds `data_directory`.
pub async fn call(
    data_directory: &Path,
    command: &LocalCommand,
) -> Result<Result<LocalAnswer, LocalError>, ControlError> {
    let mut stream = UnixStream::connect(data_directory.join(SOCKET_NAME))
        .await
        .map_err(ControlError::Unreachable)?;
    let token = token::read(data_directory).map_err(ControlError::Token)?;
    let command = serde_json::to_string(command).map_err(ControlError::Unreadable)?;
    let line = Zeroizing::new(format!("{} {command}\n", token.as_str()));
    let mut answer = Zeroizing::new(Vec::with_capacity(64 << 10));
    let exchange = async {
        stream.write_all(line.as_bytes()).await?;
        stream.read_to_end(&mut answer).await
    };
    exchange.await.map_err(ControlError::Broken)?;
    serde_json::from_slice(&answer).map_err(ControlError::Unreadable)
}
