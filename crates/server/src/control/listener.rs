//! The server's end of the socket: whom it lets in, and one command for each connection.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toolvault_vault::Vault;
use zeroize::Zeroizing;

use super::SOCKET_NAME;
use super::answer::{LocalAnswer, LocalError};
use super::execute::execute;

/// A command is short; whoever sends more is not the command line.
const LONGEST_COMMAND: u64 = 256 << 10;
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);
const ROOT: u32 = 0;

/// The socket in a data directory, open.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    vault: Vault,
    own_uid: u32,
}

impl ControlSocket {
    /// Opens the socket in `data_directory`, whose lock `vault` holds, so that a socket that is found
    /// there is a dead server's. `own_uid` is the effective user of this process.
    pub fn bind(data_directory: &Path, vault: Vault, own_uid: u32) -> io::Result<Self> {
        let path = data_directory.join(SOCKET_NAME);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self {
            listener,
            path,
            vault,
            own_uid,
        })
    }

    /// Does commands until `shutdown` is called and those that were begun are done.
    pub async fn run(self, shutdown: CancellationToken) {
        let commands = TaskTracker::new();
        loop {
            let stream = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::error!(error = &error as &dyn std::error::Error, "the control socket failed");
                        break;
                    }
                },
            };
            let (vault, own_uid) = (self.vault.clone(), self.own_uid);
            commands.spawn(async move {
                if let Err(error) = serve(stream, &vault, own_uid).await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "a local command broke off"
                    );
                }
            });
        }
        // Whoever connects from here on finds nobody, rather than somebody who never answers.
        let _ = std::fs::remove_file(&self.path);
        drop(self.listener);
        commands.close();
        commands.wait().await;
    }
}

/// Whether a peer may have commands done.
pub(super) const fn is_admitted(peer_uid: u32, own_uid: u32) -> bool {
    peer_uid == own_uid || peer_uid == ROOT
}

async fn serve(stream: UnixStream, vault: &Vault, own_uid: u32) -> io::Result<()> {
    let peer_uid = stream.peer_cred()?.uid();
    converse(stream, vault, peer_uid, own_uid).await
}

/// One connection: a line with the command, a line with the answer.
pub(super) async fn converse(
    stream: UnixStream,
    vault: &Vault,
    peer_uid: u32,
    own_uid: u32,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    // Read in any case: closing a socket on unread bytes would take the answer away.
    let line = read_line(&mut stream).await?;
    if line.is_empty() {
        // Somebody only looked whether there is a server.
        return Ok(());
    }
    let answer = if is_admitted(peer_uid, own_uid) {
        match serde_json::from_str(&line) {
            Ok(command) => execute(vault, peer_uid, command).await,
            Err(_) => Err(LocalError::refused(
                "the server does not know this command; is it another version?",
            )),
        }
    } else {
        tracing::warn!(
            peer.uid = peer_uid,
            "a local command of another user was refused"
        );
        Err(LocalError::refused(
            "the server takes commands only from its own user and from root",
        ))
    };
    write_line(&mut stream, &answer).await
}

async fn read_line(stream: &mut BufReader<UnixStream>) -> io::Result<String> {
    let mut line = String::new();
    let mut limited = stream.take(LONGEST_COMMAND);
    tokio::time::timeout(COMMAND_TIMEOUT, limited.read_line(&mut line)).await??;
    Ok(line)
}

async fn write_line(
    stream: &mut BufReader<UnixStream>,
    answer: &Result<LocalAnswer, LocalError>,
) -> io::Result<()> {
    let mut line = Zeroizing::new(serde_json::to_vec(answer)?);
    line.push(b'\n');
    stream.get_mut().write_all(&line).await?;
    stream.get_mut().shutdown().await
}
