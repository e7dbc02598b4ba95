//! Runs a command and replaces the values that it was given in what it prints.

use std::io::{self, IsTerminal as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Child;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use toolvault_core::confidential::Wiped;
use toolvault_core::entropy::Entropy as _;
use toolvault_core::redaction::{Key, Redactor};
use toolvault_vault::SystemEntropy;

use super::variables::Filled;
use crate::failure::ExitStatus;
use crate::printer::{Printer, Target};

/// The end of a line may begin a value, so it is held back. It is printed if nothing else comes for so long.
const LINE_WAITS: Duration = Duration::from_millis(100);
/// How much is read at a time, in bytes.
const CHUNK: usize = 64 << 10;
/// Signals that are passed on, with their numbers.
const PASSED_ON: [(SignalKind, Signal); 4] = [
    (SignalKind::terminate(), Signal::TERM),
    (SignalKind::hangup(), Signal::HUP),
    (SignalKind::interrupt(), Signal::INT),
    (SignalKind::quit(), Signal::QUIT),
];

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
    let (status, output, errors) = tokio::join!(wait(&mut child), output, errors);
    // If the reader of the output is gone, the command was told with SIGPIPE, and its status says what became of it.
    let _ = (output, errors);
    let status = status?;
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    Ok(ExitStatus::OfCommand(
        code.and_then(|code| u8::try_from(code).ok())
            .unwrap_or(u8::MAX),
    ))
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

/// Waits for the command, and passes signals on to it.
async fn wait(child: &mut Child) -> io::Result<std::process::ExitStatus> {
    let process = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    // The terminal has told the command itself.
    let is_told = io::stdin().is_terminal();
    let passing = PASSED_ON.map(|(kind, number)| async move {
        let mut arriving = signal(kind)?;
        let is_passed_on = !is_told || !matches!(number, Signal::INT | Signal::QUIT);
        while arriving.recv().await.is_some() {
            if let Some(process) = process.filter(|_| is_passed_on) {
                // The command may have ended meanwhile.
                let _ = kill_process(process, number);
            }
        }
        io::Result::Ok(())
    });
    let [terminate, hang_up, interrupt, quit] = passing;
    tokio::select! {
        status = child.wait() => status,
        Err(error) = async { tokio::try_join!(terminate, hang_up, interrupt, quit) } => Err(error),
    }
}
