//! A started program with all that it starts itself, and the thread that sees its end.
//!
//! Each program has a thread of its own. The kernel ends a sandboxed program together with the thread that started it, so this thread
//! must live as long as the program; and it sees the end before the program's ID is reused.

use std::io;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};
use tokio::sync::{oneshot, watch};

use super::exit::Exit;

/// A program and all that it started, as far as it stayed in its process group.
pub(super) struct Group {
    leader: Pid,
    is_gone: Mutex<bool>,
}

/// A program right after its start.
pub(super) struct Started {
    pub(super) group: Arc<Group>,
    /// `None` while it runs.
    pub(super) exit: watch::Receiver<Option<Exit>>,
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Group {
    /// Sends a signal to all of it; nothing happens once its leader has ended.
    pub(super) fn signal(&self, signal: Signal) {
        let is_gone = self.is_gone.lock();
        if *is_gone {
            return;
        }
        // A program whose sandbox is just being set up becomes the leader of its group a moment later.
        if kill_process_group(self.leader, signal).is_err() {
            let _ = kill_process(self.leader, signal);
        }
    }

    /// Ends what the leader left behind, and releases its ID.
    fn bury(&self, child: &mut Child) -> Exit {
        let mut is_gone = self.is_gone.lock();
        // Until the leader is waited for, its ID and its group's are not reused.
        let _ = kill_process_group(self.leader, Signal::KILL);
        let status = child.wait();
        *is_gone = true;
        status.map_or(Exit::Unknown, Exit::from)
    }
}

/// Starts a program whose standard streams are all pipes.
pub(super) async fn start(command: Command) -> io::Result<Started> {
    let (tell, told) = oneshot::channel();
    thread::Builder::new()
        .name("program".to_owned())
        .spawn(move || attend(command, tell))?;
    told.await
        .map_err(|_closed| io::Error::other("the thread that starts it ended"))?
}

/// Starts the program and stays until it has ended.
fn attend(mut command: Command, tell: oneshot::Sender<io::Result<Started>>) {
    let spawned = command.spawn();
    // It holds the values of secrets in its environment.
    drop(command);
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return drop(tell.send(Err(error))),
    };
    let group = Arc::new(Group {
        leader: Pid::from_child(&child),
        is_gone: Mutex::new(false),
    });
    let (exit, seen) = watch::channel(None);
    let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let is_awaited = match streams {
        (Some(stdin), Some(stdout), Some(stderr)) => tell
            .send(Ok(Started {
                group: Arc::clone(&group),
                exit: seen,
                stdin,
                stdout,
                stderr,
            }))
            .is_ok(),
        _ => false,
    };
    if !is_awaited {
        group.signal(Signal::KILL);
    }
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let waited = rustix::io::retry_on_intr(|| waitid(WaitId::Pid(group.leader), options));
    if waited.is_err() {
        group.signal(Signal::KILL);
    }
    exit.send_replace(Some(group.bury(&mut child)));
}
