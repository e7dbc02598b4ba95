//! Commands of the operator that get something on standard input.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

/// How long a command may take. Then it is killed, with all that it started.
const LIMIT: Duration = Duration::from_secs(30);

/// A command that runs, as the leader of a process group of its own. Dropped, the whole group is killed.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has no ID once it was waited for, so this is never that of another program.
        let id = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Runs a program with arguments, without a shell and without the variables in `withheld`.
///
/// # Errors
/// It cannot be started, takes more than 30 s, or does not exit with 0.
pub(crate) async fn hand_over(
    command: &[String],
    withheld: &[OsString],
    input: &[u8],
) -> Result<(), String> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("the command is empty".to_owned());
    };
    let failed = |why: &dyn std::fmt::Display| format!("the command {program} failed: {why}");
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .process_group(0)
        .kill_on_drop(true);
    for name in withheld {
        command.env_remove(name);
    }
    let running = async {
        let mut running = Running(command.spawn()?);
        if let Some(mut pipe) = running.0.stdin.take() {
            // A command may end without reading everything; its exit status tells whether it failed.
            let _ = pipe.write_all(input).await;
        }
        running.0.wait().await
    };
    let status = tokio::time::timeout(LIMIT, running)
        .await
        .map_err(|_| failed(&"it took longer than 30 s"))?
        .map_err(|error| failed(&error.kind()))?;
    if status.success() {
        Ok(())
    } else {
        Err(failed(&status))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_command_that_is_given_up_leaves_nothing_running() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let script = "exec 3>'PIPE'; (echo >&3; exec sleep 1000) & wait";
        let script = script.replace("PIPE", path.to_str().unwrap());
        let command = ["sh".to_owned(), "-c".to_owned(), script];
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (ended, has_ended) = mpsc::channel();
        std::thread::spawn(move || {
            let mut pipe = std::fs::File::open(path).unwrap();
            pipe.read_exact(&mut [0]).unwrap();
            begun.send(()).unwrap();
            // What the shell started has the other end, too.
            ended.send(pipe.read(&mut [0]).unwrap())
        });
        // A command that takes too long is dropped like this, too.
        tokio::select! {
            done = hand_over(&command, &[], b"") => panic!("{done:?}"),
            begun = has_begun => begun.unwrap(),
        }
        assert_eq!(has_ended.recv_timeout(Duration::from_secs(20)), Ok(0));
    }
}
