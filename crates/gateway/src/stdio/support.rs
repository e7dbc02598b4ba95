//! Which sandbox this system supports, and how the server talks to the binary that sets it up.

use std::ffi::OsString;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::BytesMut;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::concealed::{Identity, Snapshot};
use super::handover::{DONE, NOT_DONE, OWN_BINARY, Support, Wanted};

/// The hidden command of our binary that sets up a sandbox.
const COMMAND: &str = "sandbox";
/// Longest first line, in bytes.
const LONGEST_LINE: usize = 4 << 10;
/// How long setting up the sandbox may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The best mechanism that works on this system.
///
/// Each is tried: a child conceals a file from itself. Blocks for some milliseconds; the answer does not change while we
/// run. The running binary must be `toolvault`.
pub fn sandbox_support() -> Support {
    let Ok(parent) = temporary_directory() else {
        return Support::None;
    };
    let concealed = parent.path().join("concealed");
    let witness = concealed.join("witness");
    if std::fs::create_dir(&concealed).is_err() || std::fs::write(&witness, "visible").is_err() {
        return Support::None;
    }
    let Some(identity) = Identity::at(&concealed) else {
        return Support::None;
    };
    let concealed = Wanted::argument(&concealed, identity);
    [Support::MountNamespace, Support::Landlock]
        .into_iter()
        .find(|support| is_effective(*support, concealed.clone(), &witness))
        .unwrap_or(Support::None)
}

/// A new directory that only our user can enter, removed with its content when dropped.
pub(super) fn temporary_directory() -> io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix("toolvault-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
}

fn is_effective(support: Support, concealed: OsString, witness: &Path) -> bool {
    let tried = Command::new(OWN_BINARY)
        .arg0("toolvault")
        .arg(COMMAND)
        .arg("--probe")
        .arg(witness)
        .args(options(support, [concealed]))
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

/// The arguments of our binary that come before the program.
pub(super) fn arguments(support: Support, concealed: &Snapshot) -> Vec<OsString> {
    let concealed = concealed.present();
    let concealed = concealed.map(|(path, identity)| Wanted::argument(path, identity));
    let mut arguments = vec![COMMAND.into()];
    arguments.extend(options(support, concealed));
    arguments.push("--".into());
    arguments
}

fn options(support: Support, concealed: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut options = vec!["--with".into(), support.as_str().into()];
    for argument in concealed {
        options.push("--conceal".into());
        options.push(argument);
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
            || "the sandbox does not answer as expected".to_owned(),
            str::to_owned,
        )),
        None => Err("the sandbox does not answer".to_owned()),
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
