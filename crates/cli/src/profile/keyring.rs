//! The keyring of the operating system: the Secret Service (of GNOME or KDE) on Linux, the keychain on
//! macOS. It keeps one text in each entry.

use std::time::Duration;

use toolvault_core::confidential::Wiped;

/// How long a person may take to unlock it.
const PATIENCE: Duration = Duration::from_mins(1);

/// Keeps a text in an entry, which people see under `label`.
pub(super) async fn write(entry: &str, label: &str, text: &str) -> Result<(), String> {
    in_time(system::write(entry, label, text)).await
}

/// The text of an entry.
pub(super) async fn read(entry: &str) -> Result<Wiped<String>, String> {
    in_time(system::read(entry)).await
}

/// Deletes an entry.
pub(super) async fn delete(entry: &str) -> Result<(), String> {
    in_time(system::delete(entry)).await
}

async fn in_time<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.unwrap_or_else(|_| Err("it was not unlocked in time".to_owned()))
}

#[cfg(target_os = "linux")]
mod system {
    use std::collections::HashMap;

    use secret_service::{EncryptionType, Error, Item, SecretService};
    use toolvault_core::confidential::Wiped;

    /// The attributes by which an entry is found.
    fn attributes(entry: &str) -> HashMap<&str, &str> {
        HashMap::from([("application", "toolvault"), ("entry", entry)])
    }

    async fn connect() -> Result<SecretService<'static>, String> {
        let connected = SecretService::connect(EncryptionType::Dh).await;
        connected.map_err(said)
    }

    pub(super) async fn write(entry: &str, label: &str, text: &str) -> Result<(), String> {
        let service = connect().await?;
        let collection = service.get_default_collection().await.map_err(said)?;
        collection.unlock().await.map_err(said)?;
        collection
            .create_item(
                label,
                attributes(entry),
                text.as_bytes(),
                true,
                "text/plain",
            )
            .await
            .map_err(said)?;
        Ok(())
    }

    pub(super) async fn read(entry: &str) -> Result<Wiped<String>, String> {
        let service = connect().await?;
        let found = service
            .search_items(attributes(entry))
            .await
            .map_err(said)?;
        let item = only(&found.unlocked, &found.locked)?;
        item.unlock().await.map_err(said)?;
        let text = item.get_secret().await.map_err(said)?;
        let text = String::from_utf8(text).map_err(|_| "it is not text".to_owned())?;
        Ok(Wiped::new(text))
    }

    pub(super) async fn delete(entry: &str) -> Result<(), String> {
        let service = connect().await?;
        let found = service
            .search_items(attributes(entry))
            .await
            .map_err(said)?;
        for item in found.unlocked.iter().chain(&found.locked) {
            item.unlock().await.map_err(said)?;
            item.delete().await.map_err(said)?;
        }
        Ok(())
    }

    fn only<'a>(unlocked: &'a [Item<'a>], locked: &'a [Item<'a>]) -> Result<&'a Item<'a>, String> {
        let mut found = unlocked.iter().chain(locked);
        found
            .next()
            .ok_or_else(|| "it has no entry for it".to_owned())
    }

    fn said(error: Error) -> String {
        match error {
            Error::Prompt => "it was not unlocked".to_owned(),
            error => crate::failure::with_causes(&error),
        }
    }
}

#[cfg(target_os = "macos")]
mod system {
    use security_framework::passwords;
    use toolvault_core::confidential::Wiped;

    const SERVICE: &str = "toolvault";

    pub(super) async fn write(entry: &str, _label: &str, text: &str) -> Result<(), String> {
        let written = passwords::set_generic_password(SERVICE, entry, text.as_bytes());
        written.map_err(|error| error.to_string())
    }

    pub(super) async fn read(entry: &str) -> Result<Wiped<String>, String> {
        let read = passwords::get_generic_password(SERVICE, entry);
        let text = read.map_err(|error| error.to_string())?;
        let text = String::from_utf8(text).map_err(|_| "it is not text".to_owned())?;
        Ok(Wiped::new(text))
    }

    pub(super) async fn delete(entry: &str) -> Result<(), String> {
        let deleted = passwords::delete_generic_password(SERVICE, entry);
        deleted.map_err(|error| error.to_string())
    }
}
