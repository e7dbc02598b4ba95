//! The sources of the root key: a file, the environment, a passphrase, or an external command.
//!
//! The database never contains it. It is generated for an empty store or for a rotation, and a file that exists is never
//! replaced.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use toolvault_core::confidential::{Confidential, Key, Wiped};
use toolvault_core::digest::{from_hexadecimal, hexadecimal};
use toolvault_core::entropy::Entropy;

/// Argon2id with the parameters of RFC 9106, section 4, second recommended option.
const PASSPHRASE_MEMORY_KIB: u32 = 65_536;
const PASSPHRASE_PASSES: u32 = 3;
const PASSPHRASE_LANES: u32 = 4;
/// A passphrase of fewer characters is refused.
const SHORTEST_PASSPHRASE: usize = 12;
/// Length of the salt in bytes.
pub(crate) const SALT_LENGTH: usize = 16;
const LARGEST_INPUT: u64 = 4_096;
const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// A source of the root key.
#[derive(Clone)]
#[expect(
    missing_debug_implementations,
    reason = "two of the variants hold the key itself"
)]
pub enum RootKeySource {
    /// A file with 64 hexadecimal digits or 32 bytes, readable by its owner only.
    File(PathBuf),
    /// The key in hexadecimal, from the environment.
    Text(Confidential),
    /// A passphrase, stretched by argon2id (RFC 9106).
    Passphrase(Confidential),
    /// A command, such as a KMS client, that prints the key in hexadecimal or as 32 bytes.
    Command(Vec<OsString>),
}

/// Why the root key is not available.
#[derive(Debug, thiserror::Error)]
pub enum RootKeyError {
    /// The file is missing although the store exists.
    #[error("the root key file {0} is missing; the store cannot be opened without it")]
    Missing(PathBuf),
    /// The file cannot be read or written.
    #[error("cannot use the root key file {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Other users could read the file.
    #[error(
        "the root key file {path} is readable by others (mode {mode:04o}); run: chmod 600 {path}"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The content is not a key.
    #[error("{0} does not hold a root key: 64 hexadecimal digits or 32 bytes")]
    Malformed(&'static str),
    /// The key is a pattern as used in examples.
    #[error("the root key is an example value; make one with: openssl rand -hex 32")]
    Example,
    /// The passphrase is too short.
    #[error("the passphrase has fewer than {SHORTEST_PASSPHRASE} characters")]
    WeakPassphrase,
    /// The command failed.
    #[error("the root key command failed: {0}")]
    Command(String),
    /// No randomness was available.
    #[error(transparent)]
    Entropy(#[from] toolvault_core::entropy::EntropyError),
}

impl RootKeySource {
    /// The root key of an existing store.
    pub async fn load(&self, salt: &[u8]) -> Result<Key, RootKeyError> {
        match self {
            Self::File(path) => load_file(path),
            Self::Text(text) => parse(text.expose(), "TOOLVAULT_ROOT_KEY"),
            Self::Passphrase(passphrase) => stretch(passphrase.clone(), salt.to_vec()).await,
            Self::Command(words) => run(words).await,
        }
    }

    /// The root key of an empty store, or of one that gets another: as [`load`](Self::load), but creates a missing file.
    ///
    /// The file goes to `owner`, a user and a group, if this process may give it away.
    pub async fn load_or_create(
        &self,
        salt: &[u8],
        entropy: &dyn Entropy,
        owner: Option<(u32, u32)>,
    ) -> Result<Key, RootKeyError> {
        match self {
            Self::File(path) if !path.exists() => create_file(path, entropy, owner),
            _ => self.load(salt).await,
        }
    }
}

fn load_file(path: &Path) -> Result<Key, RootKeyError> {
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => RootKeyError::Missing(path.to_owned()),
        _ => RootKeyError::File {
            path: path.to_owned(),
            source,
        },
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(failed(std::io::ErrorKind::IsADirectory.into()));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o007 != 0 {
        return Err(RootKeyError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    let mut content = Wiped::new(Vec::with_capacity(128));
    file.take(LARGEST_INPUT)
        .read_to_end(&mut content)
        .map_err(failed)?;
    parse(&content, "the root key file")
}

fn create_file(
    path: &Path,
    entropy: &dyn Entropy,
    owner: Option<(u32, u32)>,
) -> Result<Key, RootKeyError> {
    let failed = |source| RootKeyError::File {
        path: path.to_owned(),
        source,
    };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    let key = Key::generate(entropy)?;
    let text = Wiped::new(format!("{}\n", hexadecimal(key.expose())));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    if let Some((user, group)) = owner {
        // By descriptor: the path may lead to another file by now. Only root may give files away.
        let _ = fchown(&file, Some(user), Some(group));
    }
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    // Also flush the directory entry: a power cut that loses the key file loses the store.
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        let directory = std::fs::File::open(parent).map_err(failed)?;
        directory.sync_all().map_err(failed)?;
    }
    Ok(key)
}

async fn stretch(passphrase: Confidential, salt: Vec<u8>) -> Result<Key, RootKeyError> {
    let length = passphrase
        .expose_text()
        .map_or(0, |text| text.trim().chars().count());
    if length < SHORTEST_PASSPHRASE {
        return Err(RootKeyError::WeakPassphrase);
    }
    let stretched = tokio::task::spawn_blocking(move || {
        let parameters = argon2::Params::new(
            PASSPHRASE_MEMORY_KIB,
            PASSPHRASE_PASSES,
            PASSPHRASE_LANES,
            Some(Key::LENGTH),
        )
        .ok()?;
        let argon2 = argon2::Argon2::new(
            argon2::Algorithm::Argon2id,
            argon2::Version::V0x13,
            parameters,
        );
        let mut bytes = Wiped::new([0; Key::LENGTH]);
        let text = passphrase.expose_text()?.trim();
        argon2
            .hash_password_into(text.as_bytes(), &salt, bytes.as_mut_slice())
            .ok()?;
        Key::from_slice(bytes.as_slice())
    });
    stretched
        .await
        .ok()
        .flatten()
        .ok_or(RootKeyError::Malformed("the passphrase"))
}

/// Runs the command without a shell. It inherits our standard error, so that it can report problems.
async fn run(words: &[OsString]) -> Result<Key, RootKeyError> {
    let (program, arguments) = words
        .split_first()
        .ok_or_else(|| RootKeyError::Command("it is empty".to_owned()))?;
    let output = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(COMMAND_LIMIT, output)
        .await
        .map_err(|_| RootKeyError::Command("it took longer than 30 s".to_owned()))?
        .map_err(|error| RootKeyError::Command(error.kind().to_string()))?;
    let printed = Wiped::new(output.stdout);
    if !output.status.success() {
        return Err(RootKeyError::Command(output.status.to_string()));
    }
    parse(&printed, "the output of the root key command")
}

fn parse(content: &[u8], source: &'static str) -> Result<Key, RootKeyError> {
    let malformed = RootKeyError::Malformed(source);
    let key = if let Some(key) = Key::from_slice(content) {
        key
    } else {
        let text = std::str::from_utf8(content).map_err(|_| RootKeyError::Malformed(source))?;
        let bytes = from_hexadecimal(text.trim())
            .map(Wiped::new)
            .ok_or(malformed)?;
        Key::from_slice(&bytes).ok_or(RootKeyError::Malformed(source))?
    };
    if is_example(&key) {
        return Err(RootKeyError::Example);
    }
    Ok(key)
}

/// Whether the key is a repetition or a count: examples are, random keys practically never.
fn is_example(key: &Key) -> bool {
    let bytes = key.expose();
    let steps = |step: u8| {
        bytes
            .iter()
            .zip(bytes.iter().skip(1))
            .all(|(left, right)| left.wrapping_add(step) == *right)
    };
    steps(0) || steps(1) || steps(0x11)
}
