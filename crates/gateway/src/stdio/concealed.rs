//! Whether what a program must not read is still what was concealed from it.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

/// The files and directories that were there when a program was started, by device and number.
pub(super) struct Concealed(Vec<(PathBuf, Option<(u64, u64)>)>);

impl Concealed {
    /// What is at these paths now.
    pub(super) fn now(paths: Vec<PathBuf>) -> Self {
        let identified = paths.into_iter().map(|path| {
            let identity = identity(&path);
            (path, identity)
        });
        Self(identified.collect())
    }

    /// Whether the same is there. A file that was replaced is another; what took its place was never concealed.
    pub(super) fn is_unchanged(&self) -> bool {
        let is_same = |(path, then): &(PathBuf, Option<(u64, u64)>)| identity(path) == *then;
        self.0.iter().all(is_same)
    }
}

fn identity(path: &PathBuf) -> Option<(u64, u64)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_replaced_or_new_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let [key, other, link] = ["key", "other", "link"].map(|name| directory.path().join(name));
        let concealed = || Concealed::now(vec![key.clone(), link.clone()]);
        std::os::unix::fs::symlink("key", &link).unwrap();

        let before = concealed();
        assert!(before.is_unchanged());
        std::fs::write(&key, "1").unwrap();
        assert!(!before.is_unchanged(), "there was none");

        let before = concealed();
        std::fs::write(&key, "longer").unwrap();
        assert!(before.is_unchanged(), "it is the same file");
        std::fs::write(&other, "2").unwrap();
        std::fs::rename(&other, &key).unwrap();
        assert!(!before.is_unchanged(), "it is another");
        assert!(concealed().is_unchanged());
    }
}
