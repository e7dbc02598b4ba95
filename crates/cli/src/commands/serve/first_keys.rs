//! The keys of a new store, delivered once: to the terminal, or into a file that only its owner reads.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use toolvault_vault::FirstKeys;
use zeroize::Zeroizing;

use crate::config::{Configuration, RootKey, beside};
use crate::failure::Failure;
use crate::printer::{Printer, Table};

/// Files of earlier set-ups are never overwritten; so many of them are passed over.
const MOST_FILES: u32 = 100;

/// Shows or writes the keys, and says which.
pub(super) fn deliver(
    keys: &FirstKeys,
    configuration: &Configuration,
    printer: &Printer,
) -> anyhow::Result<()> {
    if printer.is_terminal() {
        show(keys, configuration, printer)?;
    } else {
        let path = beside(&configuration.data_dir, ".first-keys");
        let path = write(keys, &path).map_err(|error| {
            Failure::failed(format!(
                "the store was set up, but its first keys could not be written to {}: {error}",
                path.display()
            ))
            .hint("make keys with: toolvault key create --user default --scope manage --scope resolve --scope audit --scope admin")
        })?;
        tracing::warn!(
            path = %path.display(),
            "a new store was set up; its first keys are in this file, once: move them and delete it"
        );
    }
    tracing::info!(
        audit.public_key = keys.audit_public_key,
        "the audit trail begins; keep its public key elsewhere to verify it"
    );
    Ok(())
}

fn show(keys: &FirstKeys, configuration: &Configuration, printer: &Printer) -> std::io::Result<()> {
    printer.line("A new store was set up. Keep these keys: they are not shown again.")?;
    let mut table = Table::plain();
    table.row([
        "  yours (manage, resolve, audit, admin)",
        keys.operator.expose(),
    ]);
    table.row(["  your agent's (use)", keys.agent.expose()]);
    table.row(["  audit trail's public key", &keys.audit_public_key]);
    if let RootKey::File(path) = &configuration.root_key {
        let path = format!(
            "{} (without it nothing can be read: back it up)",
            path.display()
        );
        table.row(["  root key", &path]);
    }
    printer.table(&table)?;
    printer.line("")
}

/// Writes the keys into a new file at `path` or, if one is there, beside it; returns where.
fn write(keys: &FirstKeys, path: &Path) -> std::io::Result<PathBuf> {
    let text = Zeroizing::new(format!(
        "# The first keys of a Toolvault store. Move them to where they are used and delete this file.\n\
         # operator_key: manage, resolve, audit, admin. agent_key: use.\n\
         operator_key={}\n\
         agent_key={}\n\
         audit_public_key={}\n",
        keys.operator.expose(),
        keys.agent.expose(),
        keys.audit_public_key
    ));
    write_new(path, text.as_bytes())
}

fn write_new(path: &Path, content: &[u8]) -> std::io::Result<PathBuf> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut last = std::io::Error::from(ErrorKind::AlreadyExists);
    for number in 1..=MOST_FILES {
        let path = match number {
            1 => path.to_owned(),
            number => beside(path, &format!(".{number}")),
        };
        let mut options = OpenOptions::new();
        let opened = options.write(true).create_new(true).mode(0o600).open(&path);
        match opened {
            Ok(mut file) => {
                file.write_all(content)?;
                file.sync_all()?;
                return Ok(path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::write_new;

    #[test]
    fn an_earlier_file_is_kept_and_the_new_one_is_its_owners_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data.first-keys");
        let first = write_new(&path, b"one").unwrap();
        let second = write_new(&path, b"two").unwrap();
        assert_eq!(first, path);
        assert_eq!(second, directory.path().join("data.first-keys.2"));
        assert_eq!(std::fs::read(&first).unwrap(), b"one");
        assert_eq!(std::fs::read(&second).unwrap(), b"two");
        let mode = std::fs::metadata(&second).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
