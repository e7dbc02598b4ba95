//! Runs a command and replaces the values that it was given in what it prints.

use std::io::{self, IsTerminal as _};
use std::os::unix::process::ExitStatusExt as _;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Child;
use tokio::time::timeout;
use toolvault_core::confidential::Wiped;
use toolvault_core::entropy::Entropy as _;
use toolvault_core::redaction::{Key, Redactor};
use toolvault_vault::SystemEntropy;

use super::variables::Filled;
use crate::failure::ExitStatus;
use crate::printer::{Printer, Target};
use crate::signals::Signals;

/// The end of a line may begin a value, so it is held back. It is printed if nothing else comes for so long.
const LINE_WAITS: Duration = Duration::from_millis(100);
/// How much is read at a time, in bytes.
const CHUNK: usize = 64 << 10;
/// In which streams values are replaced.
#[derive(Clone, Copy)]
pub(super) struct Masked {
    pub(super) output: bool,
    pub(super) errors: bool,
}

/// Runs the command to its end.
pub(super) async fn run(
    command: Command,
    masked: Masked,
    filled: &Filled,
    printer: &Printer,
) -> io::Result<ExitStatus> {
    let mut random = Wiped::new([0; 64]);
    SystemEntropy
        .fill(random.as_mut_slice())
        .map_err(io::Error::other)?;
    let redactor = Redactor::new(&Key::new(&random));
    for (name, value) in &filled.confidential {
        if redactor.add(name, value).is_none() {
            printer.error_line(&format!(
                "warning: the value of '{name}' is too short to be replaced in what the command prints"
            ));
        }
    }
    // Before the command starts, so that no signal ends Toolvault alone.
    let mut signals = Signals::begin()?;
    let mut command = tokio::process::Command::from(command);
    let stdio = |is_masked| {
        if is_masked {
            Stdio::piped()
        } else {
            Stdio::inherit()
        }
    };
    command
        .stdout(stdio(masked.output))
        .stderr(stdio(masked.errors));
    let mut child = command.spawn()?;
    drop(command);
    let output = copy(child.stdout.take(), &redactor, Target::Output, printer);
    let errors = copy(child.stderr.take(), &redactor, Target::Errors, printer);
    // If the reader of the output is gone, SIGPIPE tells the command, and its status says what became of it.
    let mut copying = pin!(async { tokio::join!(output, errors) });
    let mut is_copied = false;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            _ = &mut copying, if !is_copied => is_copied = true,
            number = signals.next() => pass_on(&child, number),
        }
    };
    if !is_copied {
        // A program that the command started may still print. The next signal is for Toolvault.
        tokio::select! {
            _ = copying => {}
            _ = signals.next() => {}
        }
    }
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    let code = code.and_then(|code| u8::try_from(code).ok());
    Ok(ExitStatus::OfCommand(code.unwrap_or(u8::MAX)))
}

/// Passes a signal on to the command.
fn pass_on(child: &Child, number: Signal) {
    // The terminal tells the command itself when a key is pressed.
    let is_told = io::stdin().is_terminal() && matches!(number, Signal::INT | Signal::QUIT);
    let process = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    if let Some(process) = process.filter(|_| !is_told) {
        // The command may have ended meanwhile.
        let _ = kill_process(process, number);
    }
}

/// Copies a stream to its end.
async fn copy(
    from: Option<impl AsyncRead + Unpin>,
    redactor: &Redactor,
    to: Target,
    printer: &Printer,
) -> io::Result<()> {
    let Some(mut from) = from else {
        return Ok(());
    };
    let (mut chunk, mut out) = (Wiped::new(vec![0; CHUNK]), Vec::new());
    let mut stream = redactor.stream();
    let mut waits_for = Duration::MAX;
    loop {
        let Ok(read) = timeout(waits_for, from.read(chunk.as_mut_slice())).await else {
            std::mem::replace(&mut stream, redactor.stream()).finish(&mut out);
            printer.pass_on(to, &std::mem::take(&mut out))?;
            waits_for = Duration::MAX;
            continue;
        };
        let Some(read) = chunk.get(..read?).filter(|read| !read.is_empty()) else {
            stream.finish(&mut out);
            return printer.pass_on(to, &out);
        };
        stream.push(read, &mut out);
        printer.pass_on(to, &std::mem::take(&mut out))?;
        waits_for = if read.ends_with(b"\n") {
            LINE_WAITS
        } else {
            Duration::MAX
        };
    }
}
