//! What this system has to shut programs in with, and what is agreed with the binary that does it.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::launch::OWN_BINARY;
use super::place::Place;

/// The hidden command of our binary that shuts a program in.
const COMMAND: &str = "shut-in";
/// Its first line of output when all is done but to become the program.
pub(super) const DONE: &str = "toolvault: shut in";
/// What its first line begins with when it could not; the reason follows.
pub(super) const NOT_DONE: &str = "toolvault: not shut in: ";
/// Longest first line, in bytes.
const LONGEST_LINE: usize = 4 << 10;
/// How long shutting in may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What there is to shut programs in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// A user and a mount namespace: concealed paths are empty.
    MountNamespace,
    /// Landlock: concealed paths, and what is made beside them later, cannot be opened.
    Landlock,
    /// Nothing.
    None,
}

impl Support {
    /// How it is called on the command line, in logs and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MountNamespace => "mount-namespace",
            Self::Landlock => "landlock",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Support {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Support {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::MountNamespace, Self::Landlock]
            .into_iter()
            .find(|support| support.as_str() == text)
            .ok_or("one of mount-namespace and landlock")
    }
}

/// What there is on this system to shut programs in with.
///
/// It is tried out: a child conceals a file from itself. Blocks for some milliseconds; the answer holds as long as we run. The
/// running binary must be `toolvault`.
pub fn sandbox_support() -> Support {
    let Ok(place) = Place::new() else {
        return Support::None;
    };
    let witness = place.path().join("witness");
    if std::fs::write(&witness, "visible").is_err() {
        return Support::None;
    }
    [Support::MountNamespace, Support::Landlock]
        .into_iter()
        .find(|support| is_effective(*support, place.path(), &witness))
        .unwrap_or(Support::None)
}

fn is_effective(support: Support, place: &Path, witness: &Path) -> bool {
    let concealed = [place.to_owned()];
    let tried = Command::new(OWN_BINARY)
        .arg0("toolvault")
        .arg(COMMAND)
        .arg("--probe")
        .arg(witness)
        .args(options(support, &concealed))
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

/// The arguments of our binary that come before the program.
pub(super) fn arguments(support: Support, concealed: &[PathBuf]) -> Vec<OsString> {
    let mut arguments = vec![COMMAND.into()];
    arguments.extend(options(support, concealed));
    arguments.push("--".into());
    arguments
}

fn options(support: Support, concealed: &[PathBuf]) -> Vec<OsString> {
    let mut options = vec!["--with".into(), support.as_str().into()];
    for path in concealed {
        options.push("--conceal".into());
        options.push(path.into());
    }
    options
}

/// Reads the first line, which comes from our binary; what follows is the program's and stays in `read`.
pub(super) async fn confirm<R: AsyncRead + Unpin>(
    from: &mut R,
    read: &mut BytesMut,
) -> Result<(), String> {
    let line = tokio::time::timeout(PATIENCE, first_line(from, read)).await;
    let line = line.unwrap_or(None);
    match line.as_deref() {
        Some(DONE) => Ok(()),
        Some(other) => Err(other.strip_prefix(NOT_DONE).map_or_else(
            || "what shuts it in does not answer as agreed".to_owned(),
            str::to_owned,
        )),
        None => Err("what shuts it in does not answer".to_owned()),
    }
}

async fn first_line<R: AsyncRead + Unpin>(from: &mut R, read: &mut BytesMut) -> Option<String> {
    loop {
        if let Some(end) = read.iter().position(|byte| *byte == b'\n') {
            let line = read.split_to(end.saturating_add(1));
            let line = line.strip_suffix(b"\n").unwrap_or_default();
            return Some(String::from_utf8_lossy(line).into_owned());
        }
        let is_over = from.read_buf(read).await.ok()? == 0;
        if is_over || read.len() > LONGEST_LINE {
            return None;
        }
    }
}
