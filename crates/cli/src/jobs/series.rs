//! A series of files in a directory, each with the store's ID and its time in the name. All of this blocks: the directory
//! may be on another machine.

use std::io;
use std::path::{Path, PathBuf};

use toolvault_core::identity::InstallationId;
use toolvault_core::timestamp::Timestamp;

use crate::new_file::NewFile;
use crate::replace::sync_directory;

/// The files of one kind that the servers of one store write to a directory.
#[derive(Clone)]
pub(crate) struct Series {
    directory: PathBuf,
    installation: InstallationId,
    /// What their names end in.
    kind: &'static str,
}

impl Series {
    pub(crate) fn backups(directory: &Path, installation: InstallationId) -> Self {
        Self {
            directory: directory.to_owned(),
            installation,
            kind: ".backup",
        }
    }

    pub(crate) fn checkpoints(directory: &Path, installation: InstallationId) -> Self {
        Self {
            directory: directory.to_owned(),
            installation,
            kind: ".checkpoint",
        }
    }

    /// Begins the file of this time. The directory must exist: to make it could hide that another disk is missing.
    pub(crate) fn begin(&self, at: Timestamp) -> io::Result<NewFile> {
        let path = self.directory.join(self.name(at));
        NewFile::begin_as(&path, &self.partial())
    }

    /// The newest file that is not of the future, as after the clock was set back.
    pub(crate) fn newest(&self, now: Timestamp) -> io::Result<Option<(Timestamp, PathBuf)>> {
        let mut files = self.list()?;
        files.retain(|(at, _)| *at <= now);
        Ok(files.pop())
    }

    /// Removes all but `keep` files. Only those before `newest` are removed.
    pub(crate) fn prune(&self, keep: usize, newest: Timestamp) -> io::Result<()> {
        let mut older = self.list()?;
        older.retain(|(at, _)| at.seconds() < newest.seconds());
        let kept = keep.saturating_sub(1);
        let removed = older.len().saturating_sub(kept);
        for (_, path) in older.into_iter().take(removed) {
            std::fs::remove_file(&path)?;
            sync_directory(&path);
        }
        Ok(())
    }

    /// Removes what a server left that was killed while it wrote.
    pub(crate) fn remove_partial(&self) -> io::Result<()> {
        let partial = self.partial();
        for entry in std::fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(partial.as_bytes()) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// All files, oldest first. A name that is not exactly one of ours is another's, and so is a link.
    fn list(&self) -> io::Result<Vec<(Timestamp, PathBuf)>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let at = name.to_str().and_then(|name| self.time(name));
            if let Some(at) = at.filter(|_| entry.file_type().is_ok_and(|kind| kind.is_file())) {
                files.push((at, entry.path()));
            }
        }
        files.sort();
        Ok(files)
    }

    fn name(&self, at: Timestamp) -> String {
        let (id, kind) = (self.installation, self.kind);
        let second = at
            .plus(-at.microseconds().rem_euclid(1_000_000))
            .to_string();
        let second = second.replace(['-', ':'], "");
        format!("toolvault-{id}-{second}{kind}")
    }

    /// The time in a name of ours.
    fn time(&self, name: &str) -> Option<Timestamp> {
        let prefix = format!("toolvault-{}-", self.installation);
        let second = name.strip_prefix(&prefix)?.strip_suffix(self.kind)?;
        let at: Timestamp = second.parse().ok()?;
        (self.name(at) == name).then_some(at)
    }

    /// What the names of files that are not complete begin with.
    fn partial(&self) -> String {
        format!(".toolvault-{}{}-", self.installation, self.kind)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use toolvault_core::timestamp::SECOND;

    use super::*;

    const NOW: Timestamp = Timestamp::from_microseconds(1_800_000_000 * SECOND);

    fn id(last: char) -> InstallationId {
        let text = format!("\"01998000-0000-7000-8000-00000000000{last}\"");
        serde_json::from_str(&text).unwrap()
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn write(series: &Series, at: Timestamp) {
        let mut file = series.begin(at).unwrap();
        file.write(b"x").unwrap();
        file.finish().unwrap();
    }

    #[test]
    fn a_file_has_its_second_in_the_name_and_only_its_owner_can_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let series = Series::backups(directory.path(), id('1'));
        assert_eq!(series.newest(NOW).unwrap(), None);
        write(&series, NOW.plus(999_999));
        let name = "toolvault-01998000-0000-7000-8000-000000000001-20270115T080000Z.backup";
        let path = directory.path().join(name);
        assert_eq!(names(directory.path()), [name]);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(series.newest(NOW).unwrap(), Some((NOW, path)));
        // The clock was set back.
        assert_eq!(series.newest(NOW.plus(-1)).unwrap(), None);
    }

    #[test]
    fn only_the_oldest_of_its_own_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let series = Series::backups(directory.path(), id('1'));
        let hour = |number: i64| NOW.plus(number * 3_600 * SECOND);
        for number in 0..5 {
            write(&series, hour(number));
        }
        let kept = names(directory.path())[3..].to_vec();
        let others = [
            Series::backups(directory.path(), id('2')).name(NOW),
            Series::checkpoints(directory.path(), id('1')).name(NOW),
            series.name(NOW).replace("T08", "T8"),
            format!("{}.old", series.name(NOW)),
            format!("a{}", series.name(NOW)),
            "notes".to_owned(),
        ];
        for name in &others {
            fs::write(directory.path().join(name), "x").unwrap();
        }
        // Nor links, directories, or what has a later time than the new one.
        let link = series.name(hour(-1));
        symlink("notes", directory.path().join(&link)).unwrap();
        let folder = series.name(hour(-2));
        fs::create_dir(directory.path().join(&folder)).unwrap();
        let later = series.name(hour(9));
        fs::write(directory.path().join(&later), "x").unwrap();

        series.prune(2, hour(4)).unwrap();
        let mut expected = [kept, others.to_vec(), vec![link, folder, later]].concat();
        expected.sort();
        assert_eq!(names(directory.path()), expected);
        series.prune(0, hour(4)).unwrap();
        assert!(directory.path().join(series.name(hour(4))).exists());
        assert!(!directory.path().join(series.name(hour(3))).exists());
    }

    #[test]
    fn what_was_left_unfinished_is_removed_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let series = Series::backups(directory.path(), id('1'));
        let other = Series::backups(directory.path(), id('2'));
        let theirs = other.begin(NOW).unwrap();
        let by_hand = NewFile::begin(&directory.path().join("b"), false).unwrap();
        let before = names(directory.path());
        let left = series.begin(NOW).unwrap();
        assert_eq!(names(directory.path()).len(), 3);
        series.remove_partial().unwrap();
        assert_eq!(names(directory.path()), before);
        assert!(left.finish().is_err());
        theirs.finish().unwrap();
        by_hand.finish().unwrap();
    }

    #[test]
    fn a_directory_that_is_missing_is_not_made() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        let series = Series::backups(&missing, id('1'));
        assert!(series.begin(NOW).is_err());
        assert!(series.newest(NOW).is_err());
        assert!(!missing.exists());
    }
}
