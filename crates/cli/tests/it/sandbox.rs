//! Programs in a sandbox: what they cannot read, whatever they try, and what they can still do.
//!
//! Mechanisms that the kernel lacks are skipped with a message; a machine that has none fails. Run by root, everything
//! is tested as root and as an ordinary user.

mod attempts;
mod life;

use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The user `nobody`.
const ORDINARY: u32 = 65_534;
const MEANS: [&str; 2] = ["mount-namespace", "landlock"];
/// The canary that no program may read.
const CANARY: &str = "canary-of-the-vault";

/// A directory with concealed and visible files, for one user.
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
        // An ordinary user may not reach where it was built. Written by another process, or what the tests beside this
        // one start might still have it open for writing when it is to be started.
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

    /// The binary, run as the user, with arguments that conceal the data and the key.
    fn sandbox(&self, means: &str) -> Command {
        let mut command = Command::new(self.path("toolvault"));
        command
            .args(["sandbox", "--with", means])
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

    /// Makes a command run as the user.
    fn as_user<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if self.user != rustix::process::geteuid().as_raw() {
            command.uid(self.user).gid(self.user);
        }
        command
    }

    /// The output of a script without a sandbox.
    fn unconfined(&self, text: &str) -> String {
        let mut command = Command::new("/bin/sh");
        let command = command
            .args(["-c", &format!("cd {}\n{text}", self.path("").display())])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null());
        said(&run(self.as_user(command)))
    }

    /// The output of a script in the sandbox, after the sandbox's own first line.
    fn script(&self, means: &str, text: &str) -> String {
        let script = format!("cd {}\n{text}", self.path("").display());
        let output = run(self.sandbox(means).args(["--", "/bin/sh", "-c", &script]));
        let said = said(&output);
        let rest = said.strip_prefix("toolvault: sandboxed\n");
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

/// Root and an ordinary user, or the current user if it is not root.
fn users() -> Vec<u32> {
    let own = rustix::process::geteuid();
    if own.is_root() {
        vec![0, ORDINARY]
    } else {
        vec![own.as_raw()]
    }
}

/// Runs a test with each mechanism that this machine supports, as each user.
fn with_all_means(test: impl Fn(&Grounds, &str)) {
    for user in users() {
        let grounds = Grounds::new(user);
        let mut supported = 0;
        for means in MEANS {
            let mut probe = grounds.sandbox(means);
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
            "this machine has neither user namespaces nor Landlock: there is no sandbox for user {user}"
        );
    }
}

/// Whether a program that a test needs is installed; prints a message if not.
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
