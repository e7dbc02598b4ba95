//! What is asked of systemd, and the files that it reads.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::unit::MARK;
use crate::failure::Failure;
use crate::replace::replace;

/// The program that runs now, as a text.
pub(super) fn own_program() -> Result<String, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::failed(format!("cannot find this program: {error}")))?;
    let text = program.into_os_string().into_string();
    text.ok()
        .filter(|text| !text.contains(char::is_control) && !text.ends_with(" (deleted)"))
        .ok_or_else(|| {
            Failure::refused("the path of this program cannot be written in a unit")
                .hint("install it in another folder")
        })
}

/// Runs a program of systemd with `input`. It must succeed.
pub(super) fn run(words: &[&str], input: &str) -> Result<(), Failure> {
    let command = words.join(" ");
    let [program, arguments @ ..] = words else {
        return Ok(());
    };
    let failed = |error: std::io::Error| {
        Failure::refused(format!("cannot run {command}: {error}"))
            .hint("a service needs systemd; toolvault serve runs without it")
    };
    let mut process = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = process.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(failed)?;
    }
    let output = process.wait_with_output().map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(Failure::refused(format!("{command}: {}", why.trim())))
}

/// Starts the service now and after each start of the machine or, with `--user` in `scope`, of the user's systemd.
pub(super) fn start(scope: &[&str], journal: &str) -> Result<(), Failure> {
    let systemctl = |words: &[&str]| run(&[&["systemctl"], scope, words].concat(), "");
    systemctl(&["daemon-reload"])?;
    systemctl(&["enable", "toolvault.service"])?;
    // It ends when the server is ready.
    systemctl(&["restart", "toolvault.service"])
        .map_err(|failure| failure.hint(format!("{journal} says why it did not start")))
}

/// Writes a unit. One that a person wrote is left.
pub(super) fn write_unit(path: &Path, unit: &str) -> Result<(), Failure> {
    let shown = path.display();
    let failed = |error| Failure::refused(format!("cannot write {shown}: {error}"));
    let before = match std::fs::read(path) {
        Ok(before) if before.starts_with(MARK.as_bytes()) => Some(before),
        Ok(_) => {
            let why = format!("{shown} is there, and was not written by toolvault init");
            return Err(Failure::refused(why).hint("move it away, then run this again"));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    replace(path, before.as_deref(), unit.as_bytes()).map_err(failed)
}

/// Whether a program can be run and succeeds.
pub(super) fn succeeds(program: impl AsRef<OsStr>, arguments: &[&str]) -> bool {
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
