//! The token that proves that a process can read the data directory, not only connect to the socket in it.
//!
//! A program behind the gateway runs as the server's own user. Its sandbox keeps it from reading the data
//! directory, but older versions of Landlock do not keep it from connecting to a socket.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use toolvault_core::confidential::Wiped;
use toolvault_core::digest::hexadecimal;
use toolvault_core::entropy::Entropy;
use toolvault_core::keyring::is_equal;

/// The name of its file in the data directory.
const NAME: &str = "control.token";
/// How many bytes of it are random.
const BYTES: usize = 32;

/// The token in every request through the socket.
pub(super) struct Token(Wiped<String>);

/// The file with the token, readable by its owner only. Dropping this removes it.
pub(super) struct TokenFile(PathBuf);

impl Token {
    /// Creates a token and writes it over that of an earlier server.
    pub(super) fn write(
        data_directory: &Path,
        entropy: &dyn Entropy,
    ) -> io::Result<(Self, TokenFile)> {
        let mut random = Wiped::new([0; BYTES]);
        entropy.fill(random.as_mut()).map_err(io::Error::other)?;
        let text = Wiped::new(hexadecimal(random.as_ref()));
        let path = data_directory.join(NAME);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        let token_file = TokenFile(path);
        file.write_all(text.as_bytes())?;
        Ok((Self(text), token_file))
    }

    /// Whether `presented` is this token, in constant time.
    pub(super) fn is(&self, presented: &[u8]) -> bool {
        is_equal(self.0.as_bytes(), presented)
    }
}

impl Drop for TokenFile {
    fn drop(&mut self) {
        // If this fails, the next server replaces the file.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The token of the server that has `data_directory` open.
pub(super) fn read(data_directory: &Path) -> io::Result<Wiped<String>> {
    std::fs::read_to_string(data_directory.join(NAME)).map(Wiped::new)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use toolvault_vault::SystemEntropy;

    use super::*;

    #[test]
    fn it_is_long_its_owners_only_and_goes_with_the_server() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.token");
        let (token, file) = Token::write(directory.path(), &SystemEntropy).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        let text = read(directory.path()).unwrap();
        assert_eq!(text.len(), 64);
        assert!(token.is(text.as_bytes()));
        for other in [
            "",
            &text[1..],
            &format!("{}0", text.as_str()),
            &"0".repeat(64),
        ] {
            assert!(!token.is(other.as_bytes()), "{other}");
        }
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_dead_server_left_is_replaced_and_not_written_to() {
        let directory = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (
            directory.path().join("control.token"),
            directory.path().join("elsewhere"),
        );
        std::fs::write(&elsewhere, "stale").unwrap();
        std::fs::set_permissions(&elsewhere, std::fs::Permissions::from_mode(0o644)).unwrap();
        let same_file = || std::fs::hard_link(&elsewhere, &path).unwrap();
        let link = || symlink(&elsewhere, &path).unwrap();
        for leave in [&same_file as &dyn Fn(), &link] {
            leave();
            let (token, _file) = Token::write(directory.path(), &SystemEntropy).unwrap();
            assert!(!token.is(b"stale"));
            assert!(token.is(read(directory.path()).unwrap().as_bytes()));
            assert_eq!(
                std::fs::symlink_metadata(&path).unwrap().mode() & 0o170_7777,
                0o100_600
            );
            assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "stale");
        }
        let [first, second] = [0, 1].map(|_| {
            let (_token, _file) = Token::write(directory.path(), &SystemEntropy).unwrap();
            read(directory.path()).unwrap()
        });
        assert!(first != second);
    }
}
