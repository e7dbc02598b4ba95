//! The server's end of the socket: whom it lets in, and one command for each connection.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toolvault_vault::{SystemEntropy, Vault};
use zeroize::Zeroizing;

use super::SOCKET_NAME;
use super::answer::{LocalAnswer, LocalError};
use super::execute::execute;
use super::token::Token;

/// A command is short; whoever sends more is not the command line.
const LONGEST_COMMAND: u64 = 256 << 10;
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);
const ROOT: u32 = 0;

/// The socket in a data directory, open.
#[expect(
    missing_debug_implementations,
    reason = "whoever has its token is as powerful as the root key"
)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    vault: Vault,
    entrance: Arc<Entrance>,
}

/// Who may have commands done: the server's own user and root, if they show the token.
pub(super) struct Entrance {
    pub(super) own_uid: u32,
    pub(super) token: Token,
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
        // Before the socket, so that whoever can connect finds it.
        let token = Token::write(data_directory, &SystemEntropy)?;
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self {
            listener,
            path,
            vault,
            entrance: Arc::new(Entrance { own_uid, token }),
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
            let (vault, entrance) = (self.vault.clone(), Arc::clone(&self.entrance));
            commands.spawn(async move {
                if let Err(error) = serve(stream, &vault, &entrance).await {
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

impl Entrance {
    /// Why a peer may not have commands done, or nothing.
    fn refusal(&self, peer_uid: u32, presented: &str) -> Option<&'static str> {
        if !is_admitted(peer_uid, self.own_uid) {
            return Some("the server takes commands only from its own user and from root");
        }
        if !self.token.is(presented) {
            return Some(
                "the command does not begin with what the server wrote to control.token; is the command line another version?",
            );
        }
        None
    }
}

/// Whether a peer's user may have commands done.
pub(super) const fn is_admitted(peer_uid: u32, own_uid: u32) -> bool {
    peer_uid == own_uid || peer_uid == ROOT
}

async fn serve(stream: UnixStream, vault: &Vault, entrance: &Entrance) -> io::Result<()> {
    let peer_uid = stream.peer_cred()?.uid();
    converse(stream, vault, peer_uid, entrance).await
}

/// One connection: a line with the token and the command, a line with the answer.
pub(super) async fn converse(
    stream: UnixStream,
    vault: &Vault,
    peer_uid: u32,
    entrance: &Entrance,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    // Read in any case: closing a socket on unread bytes would take the answer away.
    let line = read_line(&mut stream).await?;
    if line.is_empty() {
        // Somebody only looked whether there is a server.
        return Ok(());
    }
    let (presented, command) = line.split_once(' ').unwrap_or(("", &line));
    let answer = if let Some(why) = entrance.refusal(peer_uid, presented) {
        tracing::warn!(
            peer.uid = peer_uid,
            reason = why,
            "a local command was refused"
        );
        Err(LocalError::refused(why))
    } else {
        match serde_json::from_str(command) {
            Ok(command) => execute(vault, peer_uid, command).await,
            Err(_) => Err(LocalError::refused(
                "the server does not know this command; is it another version?",
            )),
        }
    };
    write_line(&mut stream, &answer).await
}

async fn read_line(stream: &mut BufReader<UnixStream>) -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::with_capacity(4 << 10));
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
