//! The store on this machine: opens it, or finds the server that has it open.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toolvault_server::control;
use toolvault_vault::{
    DatabaseLocation, OpenDatabaseError, OpenError, RootKeyError, SystemClock, SystemEntropy, Vault,
};

use crate::config::Configuration;
use crate::failure::{ExitStatus, Failure, with_causes};

/// How long to wait for a data directory that another command uses.
const PATIENCE: Duration = Duration::from_secs(5);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);
/// The hint for another user's data directory.
pub(crate) const AS_OWNER: &str = "run this as the user that the server runs as, or as root";
const START_ONE: &str = "start one with: toolvault serve, or name another with --data-dir";
/// The file of the embedded database.
const DATABASE_FILE: &str = "toolvault.db";

/// The effective user of this process.
pub(crate) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The store of a data directory or a database.
pub(crate) enum Store {
    /// This process has it open.
    Own(Vault),
    /// A server has it open, and answers on the socket in this directory.
    Served(PathBuf),
}

/// Opens the store, or finds the server that has it open. Never creates a store.
pub(crate) async fn open(configuration: &Configuration) -> Result<Store, Failure> {
    if let DatabaseLocation::Directory(directory) = &configuration.vault.database {
        require_store(directory)?;
    }
    let root_key = configuration.root_key.source()?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let opened = Vault::open_existing(
            configuration.vault.clone(),
            &root_key,
            Arc::new(SystemClock),
            Arc::new(SystemEntropy),
        );
        match opened.await {
            Ok(vault) => return Ok(Store::Own(vault)),
            Err(OpenError::Database(OpenDatabaseError::InUse(directory))) => {
                if is_served(&directory).await {
                    return Ok(Store::Served(directory));
                }
                // Another command has it open, or a server that is still starting.
                if tokio::time::Instant::now() >= deadline {
                    let directory = directory.display();
                    return Err(Failure::refused(format!(
                        "{directory} is in use by a process that takes no commands"
                    ))
                    .hint("try again when that process has ended"));
                }
                tokio::time::sleep(BETWEEN_ATTEMPTS).await;
            }
            // Root does not open another user's store, but its server accepts root's commands.
            Err(OpenError::Database(OpenDatabaseError::Owner { path, .. }))
                if is_served(&path).await =>
            {
                return Ok(Store::Served(path));
            }
            Err(error) => return Err(of_open_error(&error)),
        }
    }
}

/// Opening a store would create what is missing, so check first.
fn require_store(directory: &Path) -> Result<(), Failure> {
    let shown = directory.display();
    match directory.join(DATABASE_FILE).try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::refused(format!("there is no store in {shown}")).hint(START_ONE)),
        Err(error) => {
            Err(Failure::refused(format!("cannot look into {shown}: {error}")).hint(AS_OWNER))
        }
    }
}

async fn is_served(directory: &Path) -> bool {
    let socket = directory.join(control::SOCKET_NAME);
    match tokio::net::UnixStream::connect(socket).await {
        Ok(_) => true,
        // There is a server of another user. The command reports that when it fails.
        Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
    }
}

/// The failure for a store that cannot be opened, with a hint.
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

/// The exit status and the hint for a store that cannot be opened.
fn status_and_hint(error: &OpenError) -> (ExitStatus, Option<&'static str>) {
    use ExitStatus::{Failed, Refused};
    match error {
        OpenError::RootKey(RootKeyError::Missing(_)) => (
            Refused,
            Some(
                "restore the file from your backup, or name it with --root-key-file; a new key cannot open an old store",
            ),
        ),
        OpenError::Empty => (Refused, Some(START_ONE)),
        OpenError::WrongRootKey => (
            Refused,
            Some(
                "name the store's own root key with --root-key-file (after a rotation the new one), or its own directory with --data-dir",
            ),
        ),
        OpenError::RootKey(RootKeyError::Entropy(_) | RootKeyError::Command(_)) => (Failed, None),
        OpenError::RootKey(_)
        | OpenError::Database(
            OpenDatabaseError::Url
            | OpenDatabaseError::Unsafe(_)
            | OpenDatabaseError::Owner { .. }
            | OpenDatabaseError::Writable { .. },
        ) => (Refused, None),
        OpenError::Database(OpenDatabaseError::InUse(_)) => (
            Refused,
            Some(
                "only one server at a time can use a data directory; with --database-url, several can share one database",
            ),
        ),
        OpenError::Database(OpenDatabaseError::Reach(_)) => (
            Failed,
            Some(
                "check that the database is running and that its URL names an existing database and user",
            ),
        ),
        _ => (Failed, None),
    }
}
