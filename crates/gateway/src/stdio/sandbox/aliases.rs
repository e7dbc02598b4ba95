//! Other paths under which the same file is mounted: bind mounts and file systems that are mounted twice.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// A line of `/proc/self/mountinfo` (`proc_pid_mountinfo(5)`).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Major and minor number of the file system.
    device: String,
    /// What of the file system is shown.
    root: PathBuf,
    /// Where it is shown.
    pub(super) point: PathBuf,
}

/// Reads `/proc/self/mountinfo`; lines that make no sense are left out.
pub(super) fn parse(text: &str) -> Vec<Mount> {
    let mount = |line: &str| {
        let mut fields = line.split(' ').skip(2);
        Some(Mount {
            device: fields.next()?.to_owned(),
            root: unescape(fields.next()?),
            point: unescape(fields.next()?),
        })
    };
    text.lines().filter_map(mount).collect()
}

/// Where else `path`, which has no symbolic links, may be seen; also where only a part of it is shown. Some of these may be
/// covered by other mounts.
pub(super) fn of(path: &Path, mounts: &[Mount]) -> Vec<PathBuf> {
    // Of two at one place the later covers the earlier.
    let home = mounts
        .iter()
        .filter(|mount| path.starts_with(&mount.point))
        .max_by_key(|mount| mount.point.components().count());
    let Some(home) = home else {
        return Vec::new();
    };
    let within = path.strip_prefix(&home.point).unwrap_or(Path::new(""));
    let inside = home.root.join(within);
    let shown_at = |mount: &Mount| {
        if let Ok(rest) = inside.strip_prefix(&mount.root) {
            return Some(mount.point.join(rest));
        }
        let is_part = mount.root.starts_with(&inside);
        is_part.then(|| mount.point.clone())
    };
    let same = mounts.iter().filter(|mount| mount.device == home.device);
    let places = same.filter_map(shown_at);
    // Joining nothing leaves a slash behind, which components do not have.
    let places = places.map(|place| place.components().collect::<PathBuf>());
    places.filter(|place| place != path).collect()
}

/// Space, tab, line break and backslash are written as `\` and three octal digits.
fn unescape(field: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let code = others.get(..3).filter(|_| *first == b'\\');
        let code = code.and_then(|digits| std::str::from_utf8(digits).ok());
        let code = code.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(code.unwrap_or(*first));
        rest = match code {
            Some(_) => others.get(3..).unwrap_or_default(),
            None => others,
        };
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = r"21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
22 21 0:20 / /proc rw - proc proc rw
30 21 254:0 /var/lib /mnt/lib rw - ext4 /dev/vda rw
31 21 254:0 /var/lib/vault/data /srv/with\040space rw - ext4 /dev/vda rw
32 21 254:0 /var/lib/vault/data/inner /srv/part rw - ext4 /dev/vda rw
33 21 254:0 /var/library /srv/other rw - ext4 /dev/vda rw
34 21 254:16 / /disk rw - ext4 /dev/vdb rw
35 21 254:16 / /disk/again rw - ext4 /dev/vdb rw
nonsense";

    fn seen(path: &str) -> Vec<PathBuf> {
        of(Path::new(path), &parse(MOUNTS))
    }

    #[test]
    fn every_mount_that_shows_it_or_a_part_of_it_is_found() {
        let expected = ["/mnt/lib/vault/data", "/srv/with space", "/srv/part"];
        assert_eq!(
            seen("/var/lib/vault/data"),
            expected.map(PathBuf::from).as_slice()
        );
        assert_eq!(
            seen("/srv/with space/inner"),
            [
                "/var/lib/vault/data/inner",
                "/mnt/lib/vault/data/inner",
                "/srv/part"
            ]
            .map(PathBuf::from)
            .as_slice()
        );
        assert_eq!(
            seen("/var/lib/vault.key"),
            [PathBuf::from("/mnt/lib/vault.key")]
        );
        assert_eq!(seen("/disk/key"), [PathBuf::from("/disk/again/key")]);
        assert_eq!(seen("/etc/toolvault.toml"), Vec::<PathBuf>::new());
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(unescape(r"/a\040b\134c"), Path::new(r"/a b\c"));
        assert_eq!(unescape(r"/a\04"), Path::new(r"/a\04"));
        assert_eq!(unescape(r"/a\999"), Path::new(r"/a\999"));
    }
}
