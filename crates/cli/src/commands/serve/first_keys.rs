//! Delivers the keys of a new store once: to the terminal, or to a file that only its owner can read.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use toolvault_core::confidential::Wiped;
use toolvault_vault::FirstKeys;

use crate::config::{Configuration, FirstKeysFile, RootKey};
use crate::context::Context;
use crate::failure::Failure;
use crate::printer::{Printer, Table};
use crate::profile::{DEFAULT, Keys, Profile, Profiles};

/// Prints the keys, or writes them and returns the file.
pub(super) fn deliver(
    keys: &FirstKeys,
    configuration: &Configuration,
    printer: &Printer,
) -> anyhow::Result<Option<PathBuf>> {
    let file = &configuration.first_keys;
    let written = if is_shown(configuration, printer) {
        show(keys, configuration, printer)?;
        None
    } else {
        let path = write(keys, file).map_err(|error| {
            Failure::failed(format!(
                "the store was set up, but its first keys could not be written: {error}"
            ))
            .hint("create keys with: toolvault key create --user default --scope manage,use,resolve,audit,admin")
        })?;
        tracing::warn!(
            path = %path.display(),
            "a new store was set up; its first keys are only in this file: put them where you use them, and delete it"
        );
        Some(path)
    };
    tracing::info!(
        audit.public_key = keys.audit_public_key,
        "the audit trail begins; keep its public key elsewhere to verify it"
    );
    Ok(written)
}

/// Whether the keys are shown on the terminal, to the person who set up the store.
pub(super) fn is_shown(configuration: &Configuration, printer: &Printer) -> bool {
    printer.is_terminal() && !configuration.first_keys.is_named
}

/// Makes a profile of the keys, so that commands need no variable, and returns what to tell. Other profiles stay as they
/// are, and so does which one is in use.
pub(super) async fn keep(keys: &FirstKeys, url: &str, context: &Context<'_>) -> String {
    match make_profile(keys, url, context).await {
        Ok(()) => format!(
            "Commands on this machine use the profile '{DEFAULT}', which has your key and the agent's."
        ),
        Err(failure) => format!(
            "No profile was made: {failure}.
Sign in with your key, and again with the agent's: toolvault login {url} --profile NAME"
        ),
    }
}

async fn make_profile(keys: &FirstKeys, url: &str, context: &Context<'_>) -> Result<(), Failure> {
    let mut profiles = Profiles::open()?;
    let current = profiles.current(&context.environment);
    if let Some(name) = current.or_else(|| profiles.all().contains_key(DEFAULT).then_some(DEFAULT))
    {
        let of = profiles.all().get(name);
        let of = of.map_or_else(String::new, |profile| format!(" for {}", profile.url));
        return Err(Failure::refused(format!("'{name}' is in use{of}")));
    }
    let keys = Keys {
        operator: Some(keys.operator.expose().to_owned()),
        agent: Some(keys.agent.expose().to_owned()),
    };
    let profile = Profile::plain(format!("{url}/"), None, keys);
    profiles.keep(DEFAULT, profile, false, context).await?;
    Ok(())
}

fn show(keys: &FirstKeys, configuration: &Configuration, printer: &Printer) -> std::io::Result<()> {
    printer.line("A new store was set up. Keep these keys: they are not shown again.")?;
    let mut table = Table::plain();
    table.row([
        "  yours (manage, use, resolve, audit, admin)",
        keys.operator.expose(),
    ]);
    table.row(["  your agent's (use)", keys.agent.expose()]);
    table.row(["  audit trail's public key", &keys.audit_public_key]);
    if let RootKey::File(path) = &configuration.root_key {
        let path = format!(
            "{} (back it up: without it the store cannot be read)",
            path.display()
        );
        table.row(["  root key", &path]);
    }
    printer.table(&table)?;
    printer.line("")
}

/// Writes the keys to the first of the paths that does not exist yet, and returns it.
fn write(keys: &FirstKeys, file: &FirstKeysFile) -> std::io::Result<PathBuf> {
    let text = Wiped::new(format!(
        "# The first keys of a Toolvault store. Put them where you use them, and delete this file.\n\
         # operator_key: manage, use, resolve, audit, admin. agent_key: use.\n\
         operator_key={}\n\
         agent_key={}\n\
         audit_public_key={}\n",
        keys.operator.expose(),
        keys.agent.expose(),
        keys.audit_public_key
    ));
    write_new(file.paths(), text.as_bytes())
}

fn write_new(paths: impl Iterator<Item = PathBuf>, content: &[u8]) -> std::io::Result<PathBuf> {
    let mut last = std::io::Error::from(ErrorKind::AlreadyExists);
    for path in paths {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut options = OpenOptions::new();
        let opened = options.write(true).create_new(true).mode(0o600).open(&path);
        match opened {
            Ok(mut file) => {
                file.write_all(content)?;
                file.sync_all()?;
                return Ok(path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => last = error,
            Err(error) => {
                let path = path.display();
                return Err(std::io::Error::other(format!("{path}: {error}")));
            }
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
        let paths = || [path.clone(), directory.path().join("data.first-keys.2")].into_iter();
        let first = write_new(paths(), b"one").unwrap();
        let second = write_new(paths(), b"two").unwrap();
        assert_eq!(first, path);
        assert_eq!(second, directory.path().join("data.first-keys.2"));
        assert_eq!(std::fs::read(&first).unwrap(), b"one");
        assert_eq!(std::fs::read(&second).unwrap(), b"two");
        let mode = std::fs::metadata(&second).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
