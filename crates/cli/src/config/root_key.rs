//! The source of the root key, and files with one secret.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use toolvault_core::confidential::{Confidential, Wiped};
use toolvault_vault::RootKeySource;

use super::keys::ROOT_KEY_VALUE;
use super::layers::Layers;
use crate::failure::Failure;

const LARGEST_SECRET_FILE: u64 = 64 << 10;

/// The configured source of the root key.
pub(crate) enum RootKey {
    File(PathBuf),
    Text(Confidential),
    PassphraseFile(PathBuf),
    Command(Vec<OsString>),
}

impl RootKey {
    /// The source for the vault.
    pub(crate) fn source(&self) -> Result<RootKeySource, Failure> {
        Ok(match self {
            Self::File(path) => RootKeySource::File(path.clone()),
            Self::Text(text) => RootKeySource::Text(text.clone()),
            Self::Command(words) => RootKeySource::Command(words.clone()),
            Self::PassphraseFile(path) => {
                let text = read_secret_file(path).map_err(|error| {
                    let path = path.display();
                    Failure::refused(format!("cannot read the passphrase file {path}: {error}"))
                })?;
                RootKeySource::Passphrase(Confidential::from(text))
            }
        })
    }

    pub(super) fn of(layers: &mut Layers) -> Option<Self> {
        let keys = [
            ROOT_KEY_VALUE,
            "root_key.file",
            "root_key.command",
            "root_key.passphrase_file",
        ];
        Some(match layers.latest(&keys)? {
            ROOT_KEY_VALUE => {
                let (text, _) = layers.text(ROOT_KEY_VALUE)?;
                Self::Text(Confidential::from(text))
            }
            "root_key.command" => {
                let words = layers.texts("root_key.command");
                if words.is_empty() {
                    layers.problem_at("root_key.command", "expected a program and its arguments");
                }
                Self::Command(words.into_iter().map(OsString::from).collect())
            }
            "root_key.passphrase_file" => {
                Self::PassphraseFile(layers.path("root_key.passphrase_file")?)
            }
            _ => Self::File(layers.path("root_key.file")?),
        })
    }
}

/// The content of a file with one secret, without the line break at its end.
pub(crate) fn read_secret_file(path: &Path) -> std::io::Result<Wiped<String>> {
    let file = std::fs::File::open(path)?;
    let mut text = Wiped::new(String::with_capacity(4 << 10));
    file.take(LARGEST_SECRET_FILE).read_to_string(&mut text)?;
    let length = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(length);
    Ok(text)
}
