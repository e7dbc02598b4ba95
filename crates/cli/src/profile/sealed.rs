//! The API keys of a profile, sealed with a key in the keyring of the operating system.

use toolvault_core::confidential::{Key, Wiped};
use toolvault_core::digest::{from_hexadecimal, hexadecimal};
use toolvault_core::entropy::Entropy as _;
use toolvault_core::envelope::{self, NumberedKey};
use toolvault_core::transcript::Transcript;
use toolvault_vault::SystemEntropy;

use super::{Keys, Profile, Sealed, keyring};
use crate::failure::{Failure, with_causes};

/// The number of the only key.
const KEY_ID: u32 = 1;

impl Profile {
    /// Seals the keys, and puts the key that opens them into the keyring. Fails with the reason why there is none.
    pub(crate) async fn seal(&mut self, name: &str) -> Result<(), String> {
        let Some(keys) = &self.keys else {
            return Ok(());
        };
        let text = serde_json::to_vec(keys).map_err(|error| error.to_string())?;
        let text = Wiped::new(text);
        let key = Key::generate(&SystemEntropy).map_err(|error| error.to_string())?;
        let written = Wiped::new(hexadecimal(key.expose()));
        let key = NumberedKey { id: KEY_ID, key };
        let sealed = envelope::seal(&key, self.bound(name), &text, &SystemEntropy);
        let sealed = sealed.map_err(|error| error.to_string())?;
        let entry = new_entry()?;
        let label = format!("Toolvault profile {name}");
        keyring::write(&entry, &label, &written).await?;
        // What was written may not be what is read, for example where a keyring forgets.
        let read = keyring::read(&entry).await?;
        if read != written {
            return Err("it does not keep what is written".to_owned());
        }
        self.sealed = Some(Sealed {
            entry,
            keys: hexadecimal(&sealed),
        });
        self.keys = None;
        Ok(())
    }

    /// The keys.
    pub(crate) async fn keys(&self, name: &str) -> Result<Keys, Failure> {
        let login = format!(
            "sign in again with: toolvault login {} --profile {name}",
            self.url
        );
        if let Some(keys) = &self.keys {
            return Ok(keys.clone());
        }
        let sealed = self
            .sealed
            .as_ref()
            .and_then(|sealed| Some((&sealed.entry, from_hexadecimal(&sealed.keys)?)));
        let (entry, sealed) = sealed.ok_or_else(|| {
            Failure::refused(format!("the profile '{name}' has no key")).hint(login.clone())
        })?;
        let written = keyring::read(entry).await.map_err(|why| {
            Failure::refused(format!(
                "the keyring does not give the key of the profile '{name}': {why}"
            ))
            .hint(format!("unlock the keyring; or {login} --no-keyring"))
        })?;
        let changed = || {
            let why = format!("the keyring does not open the profile '{name}'");
            Failure::refused(why).hint(login.clone())
        };
        let key = from_hexadecimal(&written).map(Wiped::new);
        let key = key
            .and_then(|key| Key::from_slice(&key))
            .ok_or_else(changed)?;
        let key = NumberedKey { id: KEY_ID, key };
        let opened = envelope::open(&key, self.bound(name), &sealed).map_err(|_| changed())?;
        serde_json::from_slice(opened.expose())
            .map_err(|error| Failure::failed(with_causes(&error)))
    }

    /// The keyring's entry that it needs.
    pub(super) fn entry(&self) -> Option<&str> {
        self.sealed.as_ref().map(|sealed| sealed.entry.as_str())
    }

    /// What the keys belong to, so that the file cannot be edited to send them elsewhere.
    fn bound(&self, name: &str) -> Transcript {
        Transcript::new("toolvault/profile/v1")
            .text(name)
            .text(&self.url)
            .optional(self.ca_file.as_ref().and_then(|path| path.to_str()))
    }
}

/// The name of a new entry.
fn new_entry() -> Result<String, String> {
    let mut bytes = [0_u8; 16];
    let filled = SystemEntropy.fill(&mut bytes);
    filled.map_err(|error| error.to_string())?;
    Ok(hexadecimal(&bytes))
}
