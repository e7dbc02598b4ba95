//! A file system that refuses calls: a quota, a read-only file system, a full one, missing permissions, no descriptors.
//!
//! A library in front of the C library returns the errors (`refused.c`): no machine of the tests has all those file
//! systems, and what the server sees of them is this.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::{SOON, ready, request, resolve, store, wait};
use crate::installation::{Installation, Server};

const ENOSPC: i32 = 28;
const EACCES: i32 = 13;
const EMFILE: i32 = 24;
const EROFS: i32 = 30;
const EDQUOT: i32 = 122;
/// SQLite begins to copy its log into the database file at 1,000 pages of 4 KiB.
const CHECKPOINT: u64 = 1_000 * 4_096;

/// A server whose file system refuses what it is told to.
struct Refusing {
    installation: Installation,
    server: Server,
    key: String,
    stored: Vec<String>,
}

impl Refusing {
    fn new() -> Self {
        let installation = Installation::empty();
        let library = installation.path().join("refused.so");
        let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/full_disk/refused.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-Wall", "-Werror", "-o"]);
        let done = cc.args([&library, &source]).arg("-ldl").status();
        assert!(done.unwrap().success());
        let server = Self::serve(&installation);
        let key = installation.first_key("operator_key");
        Self {
            installation,
            server,
            key,
            stored: Vec::new(),
        }
    }

    fn serve(installation: &Installation) -> Server {
        let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
        command
            .env("LD_PRELOAD", installation.path().join("refused.so"))
            .env("REFUSED", installation.path().join("refused"));
        Server::start(&mut command)
    }

    /// From now on these calls fail on files whose path has `part`, after the first `passed`.
    fn refuse(&self, calls: &str, code: i32, passed: u32, part: &str) {
        let written = self.installation.path().join("refused.new");
        std::fs::write(&written, format!("{calls} {code} {passed} {part}")).unwrap();
        std::fs::rename(written, self.installation.path().join("refused")).unwrap();
    }

    fn allow(&self) {
        std::fs::remove_file(self.installation.path().join("refused")).unwrap();
    }

    /// Stores a secret that can be resolved by its name; it must be acknowledged.
    fn store(&mut self) {
        let name = format!("s{}", self.stored.len());
        assert_eq!(store(&self.server, &self.key, &name), 200);
        self.stored.push(name);
    }

    fn is_well(&mut self) {
        wait(SOON, "it is not ready again", || ready(&self.server) == 200);
        assert_eq!(resolve(&self.server, &self.key, "s0"), 200);
        self.store();
    }

    /// What was acknowledged is there, and nothing else.
    fn check(&self) {
        let (status, listed) = request(
            &self.server,
            &self.key,
            "GET",
            "/v1/secrets/?limit=1000",
            "",
        );
        assert_eq!(status, 200);
        let names = listed["data"].as_array().unwrap().iter();
        let names: Vec<&str> = names
            .map(|secret| secret["secret_name"].as_str().unwrap())
            .collect();
        assert_eq!(names, self.stored);
    }

    /// The length of the write-ahead log.
    fn log_length(&self) -> u64 {
        let path = self.installation.data_dir().join("toolvault.db-wal");
        std::fs::metadata(path).unwrap().len()
    }
}

#[test]
fn the_log_names_cause_and_remedy_and_the_server_recovers() {
    let mut refusing = Refusing::new();
    refusing.store();
    // The connection that SQLite opens on a read-only file system is read-only itself: code 8.
    for (calls, code, sqlite, cause, remedy) in [
        (
            "w",
            EDQUOT,
            "778",
            "Disk quota exceeded",
            "raise the disk quota",
        ),
        (
            "wc",
            EROFS,
            "8",
            "Read-only file system",
            "mount its file system for writing",
        ),
        ("w", ENOSPC, "13", "No space left on device", "free space"),
    ] {
        refusing.refuse(calls, code, 0, "/data/");
        let (server, key) = (&refusing.server, &refusing.key);
        assert_eq!(store(server, key, "refused"), 503, "{cause}");
        assert_eq!(resolve(server, key, "s0"), 503, "{cause}");
        assert_eq!(ready(server), 503, "{cause}");
        let line = refusing.server.wait_for(cause);
        let said: Value = serde_json::from_str(&line).unwrap();
        let disk = said["disk"].as_str().unwrap();
        assert!(disk.contains(cause) && disk.contains(remedy), "{line}");
        let next = refusing.server.wait_for(cause);
        assert!(next.contains(&format!("(code: {sqlite})")), "{next}");
        refusing.allow();
        refusing.is_well();
    }
    refusing.check();
    assert_eq!(refusing.server.stop(), Some(0));
}

#[test]
fn a_disk_that_fills_up_while_the_log_is_copied_loses_nothing() {
    for code in [ENOSPC, EDQUOT] {
        let mut refusing = Refusing::new();
        refusing.refuse("w", code, 3, "/toolvault.db$");
        while refusing.log_length() < 2 * CHECKPOINT {
            refusing.store();
        }
        refusing.check();
        refusing.allow();
        // The next copy succeeds, so that the log is then used again from its beginning.
        refusing.store();
        let length = refusing.log_length();
        for _ in 0..50 {
            refusing.store();
        }
        assert_eq!(refusing.log_length(), length);
        refusing.server.signal(rustix::process::Signal::KILL);
        refusing.server.wait();
        refusing.server = Refusing::serve(&refusing.installation);
        refusing.check();
        assert_eq!(refusing.server.stop(), Some(0));
    }
}

#[test]
fn a_server_without_descriptors_or_permissions_for_a_moment_goes_on() {
    let mut refusing = Refusing::new();
    refusing.store();
    for (code, cause) in [
        (EACCES, "Permission denied"),
        (EMFILE, "Too many open files"),
    ] {
        refusing.refuse("oc", code, 0, "/data/");
        assert_eq!(resolve(&refusing.server, &refusing.key, "s0"), 200);
        // Its record is in the journal, which is replaced after the next page.
        let line = refusing.server.wait_for("could not be replaced");
        assert!(line.contains(cause), "{line}");
        refusing.allow();
        refusing.is_well();
    }
    refusing.check();
    assert_eq!(refusing.server.stop(), Some(0));
}
