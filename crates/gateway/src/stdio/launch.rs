//! Starting a program.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::BytesMut;
use tempfile::TempDir;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use toolvault_core::confidential::Wiped;

use super::concealed::{Concealed, Snapshot};
use super::error::LaunchError;
use super::group;
use super::handover::Support;
use super::input;
use super::output::{Output, Reading};
use super::process::Process;
use super::program;
use super::support;
use crate::settings::Sandbox;

/// For how long [`Process::stop`] waits before each of its stronger means.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// A program to start and how.
pub(crate) struct Launch {
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// Our own variables; only those of [`is_inherited`](super::is_inherited) are handed on.
    pub(crate) inherited: Vec<(String, String)>,
    /// The variables that were configured; they win over the inherited.
    pub(crate) environment: Vec<(String, Wiped<String>)>,
    /// Its working directory; if absent, an empty one that is removed when it ends.
    pub(crate) directory: Option<PathBuf>,
    /// Whether it runs in a sandbox.
    pub(crate) sandbox: Sandbox,
    /// The mechanism of the sandbox.
    pub(crate) support: Support,
    /// What it must not read.
    pub(crate) concealed: Arc<Concealed>,
    /// Largest message it may send, in bytes.
    pub(crate) message_bytes: usize,
    /// Normally [`GRACE`].
    pub(crate) grace: Duration,
    /// The binary that sets up the sandbox: normally [`OWN_BINARY`](super::OWN_BINARY).
    pub(crate) helper: PathBuf,
}

impl Process {
    /// Starts a program and begins to read what it says. It is looked up on its own `PATH` and never goes through a shell;
    /// it has a process group and an environment of its own and no file of ours but the three pipes.
    pub(crate) async fn launch(launch: Launch) -> Result<(Self, Output), LaunchError> {
        let program = launch.command.first().map_or("", String::as_str);
        let failed = |source| LaunchError::Start {
            program: program.to_owned(),
            source,
        };
        let concealed = launch.concealed(program)?;
        let is_sandboxed = concealed.is_some();
        let mut command = launch.prepare(program, concealed.as_ref())?;
        let (directory, own_directory) = launch.directory(program)?;
        command.current_dir(directory);
        let started = group::start(command).await.map_err(failed)?;
        let (queue, queued) = mpsc::channel(input::WAITING);
        let reading = Reading {
            group: Arc::clone(&started.group),
            exit: started.exit.clone(),
            is_too_large: Arc::new(AtomicBool::new(false)),
            message_bytes: launch.message_bytes,
            grace: launch.grace,
        };
        // From here on it is killed if the launch is given up.
        let process = Self::new(
            started.group,
            queue,
            started.exit.clone(),
            Arc::clone(&reading.is_too_large),
            launch.grace,
            concealed.unwrap_or_default(),
            own_directory,
        );
        let stdin = ChildStdin::from_std(started.stdin).map_err(failed)?;
        let mut stdout = ChildStdout::from_std(started.stdout).map_err(failed)?;
        let stderr = ChildStderr::from_std(started.stderr).map_err(failed)?;
        let mut read = BytesMut::new();
        if is_sandboxed {
            let confirmed = support::confirm(&mut stdout, &mut read).await;
            confirmed.map_err(|reason| LaunchError::Sandbox {
                program: program.to_owned(),
                reason,
            })?;
        }
        tokio::spawn(input::write(stdin, queued, started.exit));
        Ok((process, reading.begin(stdout, read, stderr)))
    }
}

impl Launch {
    /// The command, all but where it starts.
    fn prepare(&self, program: &str, concealed: Option<&Snapshot>) -> Result<Command, LaunchError> {
        let variables = || super::environment::of_program(&self.inherited, &self.environment);
        let search = variables().filter(|(name, _)| *name == "PATH").last();
        let path = program::find(program, search.map_or("", |(_, value)| value))?;
        let mut command = if let Some(concealed) = concealed {
            let mut command = Command::new(&self.helper);
            command
                .arg0("toolvault")
                .args(support::arguments(self.support, concealed))
                .arg(&path);
            command
        } else {
            let mut command = Command::new(&path);
            command.process_group(0);
            command
        };
        command
            .args(self.command.iter().skip(1))
            .env_clear()
            .envs(variables())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command)
    }

    /// Where it starts, and the directory that was made for it.
    fn directory(&self, program: &str) -> Result<(PathBuf, Option<TempDir>), LaunchError> {
        let failed = |directory: &Path, source| LaunchError::Directory {
            program: program.to_owned(),
            directory: directory.to_owned(),
            source,
        };
        if let Some(directory) = &self.directory {
            let found = std::fs::metadata(directory).map_err(|error| failed(directory, error))?;
            if !found.is_dir() {
                return Err(failed(directory, io::ErrorKind::NotADirectory.into()));
            }
            return Ok((directory.clone(), None));
        }
        let made =
            support::temporary_directory().map_err(|error| failed(&std::env::temp_dir(), error))?;
        Ok((made.path().to_owned(), Some(made)))
    }

    /// What to conceal from it; `None` if it runs without a sandbox.
    fn concealed(&self, program: &str) -> Result<Option<Snapshot>, LaunchError> {
        match (self.sandbox, self.support) {
            (Sandbox::Off, _) | (Sandbox::Auto, Support::None) => Ok(None),
            (Sandbox::On, Support::None) => Err(LaunchError::NoSandbox {
                program: program.to_owned(),
            }),
            (Sandbox::Auto | Sandbox::On, Support::MountNamespace | Support::Landlock) => {
                let snapshot = self.concealed.snapshot();
                let snapshot = snapshot.map_err(|reason| LaunchError::Conceal {
                    program: program.to_owned(),
                    reason,
                });
                snapshot.map(Some)
            }
        }
    }
}
