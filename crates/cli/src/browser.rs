//! The person's browser.

use std::process::{Command, Stdio};

/// What opens a URL with the program that the person chose for it.
const OPENER: &str = if cfg!(target_os = "macos") {
    "open"
} else {
    "xdg-open"
};

/// Opens a URL. Returns whether a browser was started. The URL is in its arguments, which other programs can read.
pub(crate) fn open(url: &str) -> bool {
    let mut command = Command::new(OPENER);
    let command = command.arg(url).stdin(Stdio::null());
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
