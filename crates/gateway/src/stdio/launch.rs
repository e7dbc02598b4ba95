//! Starting a program.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::BytesMut;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::concealed::Concealed;
use super::group;
use super::input;
use super::output::{Output, Reading};
use super::place::Place;
use super::process::Process;
use super::program;
use super::support::{self, Support};
use crate::settings::Sandbox;

/// For how long [`Process::stop`] waits before each of its stronger means.
pub(crate) const GRACE: Duration = Duration::from_secs(2);
/// The binary that runs, even where another was installed in its place.
pub(crate) const OWN_BINARY: &str = "/proc/self/exe";

/// A program to start and how.
pub(crate) struct Launch {
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// Our own variables; only those of [`is_inherited`](super::is_inherited) are handed on.
    pub(crate) inherited: Vec<(String, String)>,
    /// The variables that were configured; they win over the inherited.
    pub(crate) environment: Vec<(String, Zeroizing<String>)>,
    /// Where it starts; none for an empty place of its own, which goes with it.
    pub(crate) directory: Option<PathBuf>,
    /// Whether it is shut in.
    pub(crate) sandbox: Sandbox,
    /// What there is to shut it in with.
    pub(crate) support: Support,
    /// What it must not read. What does not exist when it starts is not concealed.
    pub(crate) concealed: Vec<PathBuf>,
    /// Largest message it may send, in bytes.
    pub(crate) message_bytes: usize,
    /// Normally [`GRACE`].
    pub(crate) grace: Duration,
    /// The binary that shuts programs in: normally [`OWN_BINARY`].
    pub(crate) helper: PathBuf,
}

/// Why a program was not started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    /// There is no such program.
    #[error("cannot start '{program}': not found")]
    NotFound {
        /// As it was configured.
        program: String,
    },
    /// There is something of that name, but no program.
    #[error("cannot start '{program}': it is not executable")]
    NotExecutable {
        /// As it was configured.
        program: String,
    },
    /// Where it should start is no directory.
    #[error("cannot start '{program}' in {}", directory.display())]
    Directory {
        /// As it was configured.
        program: String,
        /// As it was configured.
        directory: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The system refused.
    #[error("cannot start '{program}'")]
    Start {
        /// As it was configured.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The sandbox is on, and the system has nothing to shut programs in with.
    #[error(
        "cannot start '{program}': this system has neither user namespaces nor Landlock to shut it in with, and the sandbox is on"
    )]
    NoSandbox {
        /// As it was configured.
        program: String,
    },
    /// It could not be shut in.
    #[error("cannot start '{program}': {reason}")]
    ShutIn {
        /// As it was configured.
        program: String,
        /// Why.
        reason: String,
    },
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
        let is_shut_in = launch.is_shut_in(program)?;
        let mut command = launch.prepare(program, is_shut_in)?;
        let (directory, place) = launch.directory(program)?;
        command.current_dir(directory);
        let concealed = if is_shut_in {
            launch.concealed
        } else {
            Vec::new()
        };
        // Before it starts, so that what is replaced meanwhile is noticed.
        let concealed = Concealed::now(concealed);
        let started = group::start(command).await.map_err(failed)?;
        let (queue, queued) = mpsc::channel(input::WAITING);
        let reading = Reading {
            group: Arc::clone(&started.group),
            ending: started.ending.clone(),
            is_too_large: Arc::new(AtomicBool::new(false)),
            message_bytes: launch.message_bytes,
            grace: launch.grace,
        };
        // From here on it is killed if the launch is given up.
        let process = Self::new(
            started.group,
            queue,
            started.ending.clone(),
            Arc::clone(&reading.is_too_large),
            launch.grace,
            concealed,
            place,
        );
        let stdin = ChildStdin::from_std(started.stdin).map_err(failed)?;
        let mut stdout = ChildStdout::from_std(started.stdout).map_err(failed)?;
        let stderr = ChildStderr::from_std(started.stderr).map_err(failed)?;
        let mut read = BytesMut::new();
        if is_shut_in {
            let confirmed = support::confirm(&mut stdout, &mut read).await;
            confirmed.map_err(|reason| LaunchError::ShutIn {
                program: program.to_owned(),
                reason,
            })?;
        }
        tokio::spawn(input::write(stdin, queued, started.ending));
        Ok((process, reading.begin(stdout, read, stderr)))
    }
}

impl Launch {
    /// The command, all but where it starts.
    fn prepare(&self, program: &str, is_shut_in: bool) -> Result<Command, LaunchError> {
        let variables = || super::environment::of_program(&self.inherited, &self.environment);
        let search = variables().filter(|(name, _)| *name == "PATH").last();
        let path = program::find(program, search.map_or("", |(_, value)| value))?;
        let mut command = if is_shut_in {
            let mut command = Command::new(&self.helper);
            command
                .arg0("toolvault")
                .args(support::arguments(self.support, &self.concealed))
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

    /// Where it starts, and the place that was made for it.
    fn directory(&self, program: &str) -> Result<(OsString, Option<Place>), LaunchError> {
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
            return Ok((directory.into(), None));
        }
        let place = Place::new().map_err(|error| failed(&std::env::temp_dir(), error))?;
        Ok((place.path().into(), Some(place)))
    }

    /// Whether our own binary goes before it. Without a sandbox, or on a system that cannot shut anything in, it does not.
    fn is_shut_in(&self, program: &str) -> Result<bool, LaunchError> {
        match (self.sandbox, self.support) {
            (Sandbox::Off, _) | (Sandbox::Auto, Support::None) => Ok(false),
            (Sandbox::On, Support::None) => Err(LaunchError::NoSandbox {
                program: program.to_owned(),
            }),
            (Sandbox::Auto | Sandbox::On, Support::MountNamespace | Support::Landlock) => Ok(true),
        }
    }
}
