//! The file for the first keys of a new store.

use std::path::{Path, PathBuf};

use super::computed::beside;
use super::layers::Layers;

/// The suffix of these files.
const SUFFIX: &str = ".first-keys";
/// The suffix of a root key file that is named after its data directory.
const ROOT_KEY_SUFFIX: &str = ".root.key";
/// Files of earlier set-ups are never overwritten. At most this many are skipped.
pub(crate) const MOST_FILES: u32 = 100;

/// A file for first keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FirstKeysFile {
    path: PathBuf,
    /// Whether it was configured. Then it is written even if output is a terminal.
    pub(crate) is_named: bool,
}

impl FirstKeysFile {
    pub(super) fn of(layers: &Layers) -> Option<Self> {
        if let Some(path) = layers.path("first_keys_file") {
            let is_named = true;
            return Some(Self { path, is_named });
        }
        let data_dir = layers.path("data_dir")?;
        let is_embedded = !["database_url", "database_url_file"]
            .iter()
            .any(|key| layers.entries.contains_key(*key));
        let root_key = layers.path("root_key.file").filter(|_| !is_embedded);
        let path =
            root_key.map_or_else(|| beside(&data_dir, SUFFIX), |path| beside_root_key(&path));
        Some(Self {
            path,
            is_named: false,
        })
    }

    /// The paths to try in order, until one does not exist yet.
    pub(crate) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        (1..=MOST_FILES).map(|number| match number {
            1 => self.path.clone(),
            number => beside(&self.path, &format!(".{number}")),
        })
    }

    /// The existing files, and the next free path.
    pub(super) fn existing_and_next(&self) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        for path in self.paths() {
            let is_last = !path.exists();
            paths.push(path);
            if is_last {
                break;
            }
        }
        paths
    }
}

/// `data.root.key` and `data.first-keys` have the name of the same data directory.
fn beside_root_key(root_key: &Path) -> PathBuf {
    let text = root_key.to_string_lossy();
    match text.strip_suffix(ROOT_KEY_SUFFIX) {
        Some(named_after) if !named_after.ends_with('/') => beside(named_after.as_ref(), SUFFIX),
        _ => beside(root_key, SUFFIX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_beside_the_root_key() {
        for (root_key, expected) in [
            (
                "/var/lib/toolvault.root.key",
                "/var/lib/toolvault.first-keys",
            ),
            ("/etc/toolvault/key", "/etc/toolvault/key.first-keys"),
            ("/etc/.root.key", "/etc/.root.key.first-keys"),
        ] {
            assert_eq!(beside_root_key(root_key.as_ref()), Path::new(expected));
        }
    }
}
