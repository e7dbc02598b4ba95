//! Having a local command done: in this process, or by the server that holds the data directory.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use toolvault_server::control::{self, ControlError, LocalAnswer, LocalCommand, LocalError};
use toolvault_vault::{
    DatabaseLocation, OpenDatabaseError, OpenError, RootKeyError, SystemClock, SystemEntropy, Vault,
};

use crate::config::{self, Configuration, ServeOptions, StoreOptions};
use crate::context::Context;
use crate::failure::{ExitStatus, Failure, with_causes};

/// For how long a data directory may be in use by another command.
const PATIENCE: Duration = Duration::from_secs(5);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);
const AS_OWNER: &str = "run this as the user that the server runs as, or as root";
/// The file of the embedded database.
const DATABASE_FILE: &str = "toolvault.db";

/// Does `command` with the store that the options name.
pub(crate) async fn run(
    options: StoreOptions,
    context: &Context<'_>,
    command: LocalCommand,
) -> anyhow::Result<LocalAnswer> {
    let options = ServeOptions::from(options);
    let configuration = config::load(&options, &context.environment, context.printer)?;
    let access = Access::open(&configuration).await.map_err(Failure::from)?;
    let answer = access.run(command).await;
    access.close().await;
    Ok(answer?)
}

/// An answer of another kind than the command's is a defect.
pub(crate) fn unexpected_answer() -> anyhow::Error {
    anyhow::anyhow!("the server gave an answer to another command; is it another version?")
}

/// The user that this process acts as.
pub(crate) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// A way to the store.
pub(crate) enum Access {
    /// This process has it.
    Own(Vault),
    /// A server has it, and does what its data directory's socket is told.
    Server(std::path::PathBuf),
}

impl Access {
    /// Opens the store, or finds the server that has it. Never makes a store.
    pub(crate) async fn open(configuration: &Configuration) -> Result<Self, OpenFailure> {
        if let DatabaseLocation::Directory(directory) = &configuration.vault.database {
            require_store(directory)?;
        }
        let root_key = configuration
            .root_key
            .source()
            .map_err(OpenFailure::Input)?;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let opened = Vault::open_existing(
                configuration.vault.clone(),
                &root_key,
                Arc::new(SystemClock),
                Arc::new(SystemEntropy),
            );
            match opened.await {
                Ok(vault) => return Ok(Self::Own(vault)),
                Err(OpenError::Database(OpenDatabaseError::InUse(directory))) => {
                    if is_served(&directory).await {
                        return Ok(Self::Server(directory));
                    }
                    // Another command, or a server that is only starting.
                    if tokio::time::Instant::now() >= deadline {
                        return Err(OpenFailure::Busy(directory));
                    }
                    tokio::time::sleep(BETWEEN_ATTEMPTS).await;
                }
                Err(error) => return Err(OpenFailure::Open(error)),
            }
        }
    }

    /// Whether a server does the commands.
    pub(crate) const fn is_server(&self) -> bool {
        matches!(self, Self::Server(_))
    }

    /// Does one command.
    pub(crate) async fn run(&self, command: LocalCommand) -> Result<LocalAnswer, Failure> {
        let answer = match self {
            Self::Own(vault) => control::execute(vault, own_uid(), command).await,
            Self::Server(directory) => control::call(directory, &command)
                .await
                .map_err(|error| unreachable_server(&error))?,
        };
        answer.map_err(|error: LocalError| {
            if error.is_refusal {
                Failure::refused(error.message)
            } else {
                Failure::failed(error.message)
            }
        })
    }

    /// Lets go of the store.
    pub(crate) async fn close(self) {
        if let Self::Own(vault) = self {
            vault.close().await;
        }
    }
}

/// Opening would make what is missing, so it is looked for first.
fn require_store(directory: &Path) -> Result<(), OpenFailure> {
    match directory.join(DATABASE_FILE).try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => Err(OpenFailure::NoStore(directory.to_owned())),
        Err(error) => {
            let directory = directory.display();
            Err(OpenFailure::Input(
                Failure::refused(format!("cannot look into {directory}: {error}")).hint(AS_OWNER),
            ))
        }
    }
}

async fn is_served(directory: &Path) -> bool {
    let socket = directory.join(control::SOCKET_NAME);
    match tokio::net::UnixStream::connect(socket).await {
        Ok(_) => true,
        // There is a server, and it is another user's: the command says so when it fails.
        Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
    }
}

fn unreachable_server(error: &ControlError) -> Failure {
    let failure = Failure::failed(with_causes(error));
    match error {
        ControlError::Token(source) if source.kind() == std::io::ErrorKind::NotFound => {
            failure.hint("start the server again, with this version")
        }
        ControlError::Unreachable(_) | ControlError::Token(_) => failure.hint(AS_OWNER),
        _ => failure,
    }
}

/// Why there is no way to the store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenFailure {
    #[error("there is no store in {}", .0.display())]
    NoStore(std::path::PathBuf),
    #[error("{} is in use by a process that takes no commands", .0.display())]
    Busy(std::path::PathBuf),
    #[error(transparent)]
    Open(OpenError),
    #[error(transparent)]
    Input(Failure),
}

impl From<OpenFailure> for Failure {
    fn from(failure: OpenFailure) -> Self {
        let message = with_causes(&failure);
        match failure {
            OpenFailure::NoStore(_) | OpenFailure::Open(OpenError::Empty) => Self::refused(message)
                .hint("start one with: toolvault serve, or name another with --data-dir"),
            OpenFailure::Busy(_) => Self::refused(message).hint("try again when it has ended"),
            OpenFailure::Open(error) => of_open_error(&error),
            OpenFailure::Input(failure) => failure,
        }
    }
}

/// A store that does not open, with what to do about it.
pub(crate) fn of_open_error(error: &OpenError) -> Failure {
    let (status, hint) = status_and_hint(error);
    let message = with_causes(error);
    let failure = match status {
        ExitStatus::Refused => Failure::refused(message),
        _ => Failure::failed(message),
    };
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Who can do something about a store that does not open, and what.
fn status_and_hint(error: &OpenError) -> (ExitStatus, Option<&'static str>) {
    use ExitStatus::{Failed, Refused};
    match error {
        OpenError::RootKey(RootKeyError::Missing(_)) => (
            Refused,
            Some(
                "restore the file from your backup, or name it with --root-key-file; a new key cannot open an old store",
            ),
        ),
        OpenError::WrongRootKey => (
            Refused,
            Some(
                "name the store's own root key with --root-key-file, or its own directory with --data-dir",
            ),
        ),
        OpenError::RootKey(RootKeyError::Entropy(_) | RootKeyError::Command(_)) => (Failed, None),
        OpenError::RootKey(_) | OpenError::Database(OpenDatabaseError::Url) => (Refused, None),
        OpenError::Database(OpenDatabaseError::InUse(_)) => (
            Refused,
            Some(
                "one server at a time can have a data directory; with --database-url several can share one database",
            ),
        ),
        OpenError::Database(OpenDatabaseError::Connect(_)) => (
            Failed,
            Some("is the database running, and does its URL name an existing database and user"),
        ),
        _ => (Failed, None),
    }
}
