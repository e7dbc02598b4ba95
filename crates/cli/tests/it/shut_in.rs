//! Programs that are shut in: what they cannot read, however they try, and what they can still do.
//!
//! What the kernel does not support is not tested, and said so; but a machine that supports nothing fails. Run by root,
//! everything is tested as root and as an ordinary user.

mod attempts;
mod life;

use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The user nobody.
const ORDINARY: u32 = 65_534;
const MEANS: [&str; 2] = ["mount-namespace", "landlock"];
/// What must not be read.
const CANARY: &str = "canary-of-the-vault";

/// A directory with things that are concealed and things that are not, for one user.
struct Grounds {
    directory: TempDir,
    user: u32,
}

impl Grounds {
    fn new(user: u32) -> Self {
        let grounds = Self {
            directory: tempfile::tempdir().unwrap(),
            user,
        };
        let top = grounds.path("");
        std::fs::set_permissions(&top, std::fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["data", "data/inner", "free", "links"] {
            std::fs::create_dir(top.join(name)).unwrap();
        }
        for name in ["data/toolvault.db", "data/inner/wal", "root.key"] {
            std::fs::write(top.join(name), format!("{CANARY}\n")).unwrap();
        }
        std::fs::write(top.join("free/file"), "readable\n").unwrap();
        symlink("../root.key", top.join("links/key")).unwrap();
        symlink(top.join("data"), top.join("links/data")).unwrap();
        for name in [
            "",
            "data",
            "data/inner",
            "free",
            "links",
            "data/toolvault.db",
            "data/inner/wal",
            "root.key",
            "free/file",
        ] {
            chown(top.join(name), Some(user), None).unwrap();
        }
        // An ordinary user may not reach where it was built. Written by another process, or what the tests beside this one start
        // might still have it open for writing when it is to be started.
        let mut copy = Command::new("cp");
        copy.args([
            Path::new(env!("CARGO_BIN_EXE_toolvault")),
            &top.join("toolvault"),
        ]);
        assert!(copy.status().unwrap().success());
        grounds
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join(name)
    }

    /// Our binary, as the user, about to conceal the data and the key.
    fn shut_in(&self, means: &str) -> Command {
        let mut command = Command::new(self.path("toolvault"));
        command
            .args(["shut-in", "--with", means])
            .args([Path::new("--conceal"), &self.path("links/data")])
            .args([Path::new("--conceal"), &self.path("root.key")])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self.as_user(&mut command);
        command
    }

    /// Has a command run as the user.
    fn as_user<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if self.user != rustix::process::geteuid().as_raw() {
            command.uid(self.user).gid(self.user);
        }
        command
    }

    /// Everything that a shut-in script says, after the line that says that it is.
    fn script(&self, means: &str, text: &str) -> String {
        let script = format!("cd {}\n{text}", self.path("").display());
        let output = run(self.shut_in(means).args(["--", "/bin/sh", "-c", &script]));
        let said = said(&output);
        let rest = said.strip_prefix("toolvault: shut in\n");
        rest.unwrap_or_else(|| panic!("{said}")).to_owned()
    }
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    let (stdout, stderr) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(stdout),
        String::from_utf8_lossy(stderr)
    )
}

/// Does something with all that this machine supports, as each user there is.
fn with_all_means(test: impl Fn(&Grounds, &str)) {
    let own = rustix::process::geteuid();
    let users = if own.is_root() {
        vec![0, ORDINARY]
    } else {
        vec![own.as_raw()]
    };
    for user in users {
        let grounds = Grounds::new(user);
        let mut supported = 0;
        for means in MEANS {
            let mut probe = grounds.shut_in(means);
            let tried = run(probe.arg("--probe").arg(grounds.path("root.key")));
            if tried.status.success() {
                supported += 1;
                test(&grounds, means);
            } else {
                eprintln!("skipped for user {user}: {means}: {}", said(&tried));
            }
        }
        assert!(
            supported > 0,
            "this machine has neither user namespaces nor Landlock: nothing can be shut in for user {user}"
        );
    }
}

/// Whether a tool that a test would use is there; says so if not.
fn has(tool: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {tool}")])
        .output()
        .unwrap();
    if !found.status.success() {
        eprintln!("skipped: this machine has no {tool}");
    }
    found.status.success()
}
