//! Checks of the machine: files with secrets, the clock, the server.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use toolvault_core::timestamp::Timestamp;
use toolvault_vault::DatabaseLocation;

use super::findings::Findings;
use crate::config::{Configuration, RootKey, Way};

/// 2026-01-01: no machine that runs this version can be earlier.
const EARLIEST: Timestamp = Timestamp::from_microseconds(1_767_225_600_000_000);

/// Files with secrets are readable by their owner only, and the file of the first keys was removed.
pub(super) fn check_secret_files(configuration: &Configuration, findings: &mut Findings) {
    match &configuration.root_key {
        RootKey::File(path) => check_file("root key file", path, findings),
        RootKey::PassphraseFile(path) => check_file("passphrase file", path, findings),
        RootKey::Command(_) => findings.good("root key", "it comes from a command"),
        RootKey::Text(_) => findings.good("root key", "it comes from the environment"),
    }
    let shipping = configuration.shipping.as_ref();
    let tracing = configuration.tracing.as_ref();
    let (receiver, key) = match configuration.alarms.as_ref().map(|alarms| &alarms.way) {
        Some(Way::Webhook(destination, key)) => (Some(destination), key.as_deref()),
        _ => (None, None),
    };
    if let Some(path) = key {
        check_file("signing key of alarms", path, findings);
    }
    for (what, destination) in [
        (
            "headers of audit shipping",
            shipping.map(|shipping| &shipping.destination),
        ),
        ("headers of alarms", receiver),
        (
            "headers of traces",
            tracing.map(|tracing| &tracing.destination),
        ),
    ] {
        if let Some(path) = destination.and_then(|found| found.headers_file.as_deref()) {
            check_file(what, path, findings);
        }
    }
    for path in configuration.first_keys.paths() {
        if !path.exists() {
            break;
        }
        let path = path.display();
        findings.notice(
            "first keys",
            &format!("{path} still holds the first keys"),
            &format!("put them where you use them, then run: rm {path}"),
        );
    }
}

fn check_file(check: &'static str, path: &Path, findings: &mut Findings) {
    let shown = path.display();
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => {
            return findings.bad(
                check,
                &format!("{shown}: {error}"),
                "restore it from your backup, or name it with --root-key-file or in the configuration",
            );
        }
    };
    if metadata.is_dir() {
        let fix = "name the file with --root-key-file or in the configuration";
        return findings.bad(check, &format!("{shown} is a directory"), fix);
    }
    let mode = metadata.mode() & 0o7777;
    let (is_groups, is_everybodys) = (mode & 0o070 > 0, mode & 0o007 > 0);
    if !is_groups && !is_everybodys {
        findings.good(check, &format!("only the owner can read {shown}"));
    } else {
        let readers = if is_everybodys {
            "everybody"
        } else {
            "its group"
        };
        findings.bad(
            check,
            &format!("{shown} is open to {readers} (mode {mode:04o})"),
            &format!("chmod 600 {shown}"),
        );
    }
}

/// The clock is not earlier than the date of this program.
pub(super) fn check_clock(now: Timestamp, findings: &mut Findings) {
    if now < EARLIEST {
        findings.bad(
            "clock",
            &format!("the time is {now}, before this program was built"),
            "set the clock, for example by NTP: expiries depend on it",
        );
    } else {
        findings.good("clock", &format!("the time is {now}"));
    }
}

/// Whether a server is running. On PostgreSQL only the server itself knows.
pub(super) fn check_server(
    configuration: &Configuration,
    is_server: bool,
    findings: &mut Findings,
) {
    match (&configuration.vault.database, is_server) {
        (_, true) => findings.good("server", "it is running, and local commands go through it"),
        (DatabaseLocation::Directory(_), false) => {
            findings.notice(
                "server",
                "no server is running on this data directory",
                "toolvault serve",
            );
        }
        (DatabaseLocation::Postgres(_), false) => {
            findings.good(
                "server",
                "any on this database sees changes within a second",
            );
        }
    }
}
