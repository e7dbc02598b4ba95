//! Runs a command and replaces the values that it was given in what it prints.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, getpgrp, kill_process};
use rustix::termios::tcgetpgrp;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::unix::pipe;
use tokio::process::Child;
use tokio::time::{sleep, timeout};
use toolvault_core::confidential::Wiped;
use toolvault_core::entropy::Entropy as _;
use toolvault_core::redaction::{Key, Redactor};
use toolvault_vault::SystemEntropy;

use super::variables::Filled;
use crate::failure::{ExitStatus, Failure};
use crate::printer::{Printer, Target};
use crate::signals::Signals;

/// The end of a line may begin a value, so it is held back. It is printed if nothing else comes for so long.
const LINE_WAITS: Duration = Duration::from_millis(100);
/// How much is read at a time, in bytes.
const CHUNK: usize = 64 << 10;
/// How long after the command's end nothing is said of a program that it left behind.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the command prints.
type Source = Box<dyn AsyncRead + Unpin>;

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
) -> anyhow::Result<ExitStatus> {
    let mut random = Wiped::new([0; 64]);
    SystemEntropy.fill(random.as_mut_slice())?;
    let redactor = Redactor::new(&Key::new(&random));
    for (name, value) in &filled.confidential {
        if redactor.add(name, value).is_none() {
            printer.error_line(&format!(
                "warning: the value of '{name}' is too short to be replaced in the command's output"
            ));
        }
    }
    // Before the command starts, so that no signal ends Toolvault alone.
    let mut signals = Signals::begin()?;
    let (mut child, output, errors) = start(command, masked)?;
    let output = copy(output, &redactor, Target::Output, printer);
    let errors = copy(errors, &redactor, Target::Errors, printer);
    // If the reader of the output is gone, SIGPIPE tells the command, and its status says what became of it.
    let mut copying = pin!(async { tokio::join!(output, errors) });
    let mut copied = None;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            done = &mut copying, if copied.is_none() => copied = Some(done),
            number = signals.next() => pass_on(&child, number),
        }
    };
    let mut patience = pin!(sleep(PATIENCE));
    while copied.is_none() {
        // A program that the command started may still print. The next signal is for Toolvault.
        tokio::select! {
            done = &mut copying => copied = Some(done),
            _ = signals.next() => break,
            () = &mut patience, if !patience.is_elapsed() => printer.error_line(
                "warning: the command has ended; a program that it started may still run and print here. Ctrl-C ends the wait"
            ),
        }
    }
    if let Some(error) = copied.and_then(lost) {
        return Err(Failure::failed(format!("cannot print: {error}")).into());
    }
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    let code = code.and_then(|code| u8::try_from(code).ok());
    Ok(ExitStatus::OfCommand(code.unwrap_or(u8::MAX)))
}

/// Starts the command, with pipes for the streams in which values are replaced. Streams that go to one file have one
/// pipe, so that their lines stay in order.
fn start(
    command: Command,
    masked: Masked,
) -> anyhow::Result<(Child, Option<Source>, Option<Source>)> {
    let mut command = tokio::process::Command::from(command);
    if masked.output && masked.errors && is_one_file()? {
        let (reader, writer) = io::pipe()?;
        let reader = pipe::Receiver::from_owned_fd(reader.into())?;
        command.stdout(writer.try_clone()?).stderr(writer);
        return Ok((spawn(command)?, Some(Box::new(reader)), None));
    }
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
    let mut child = spawn(command)?;
    let output = child.stdout.take().map(|output| Box::new(output) as Source);
    let errors = child.stderr.take().map(|errors| Box::new(errors) as Source);
    Ok((child, output, errors))
}

/// Starts it, and closes this process's copies of what it writes to.
fn spawn(mut command: tokio::process::Command) -> Result<Child, Failure> {
    let program = command.as_std().get_program().to_owned();
    command
        .spawn()
        .map_err(|error| super::not_started(&program, &error))
}

/// Whether standard output and standard error go to one file.
fn is_one_file() -> io::Result<bool> {
    let place = |stream: BorrowedFd<'_>| {
        let file = File::from(stream.try_clone_to_owned()?).metadata()?;
        io::Result::Ok((file.dev(), file.ino()))
    };
    Ok(place(io::stdout().as_fd())? == place(io::stderr().as_fd())?)
}

/// Why something that the command printed is lost, unless it is because the reader wanted no more.
fn lost((output, errors): (io::Result<()>, io::Result<()>)) -> Option<io::Error> {
    let failed = [output, errors].into_iter().filter_map(Result::err);
    let mut lost = failed.filter(|error| error.kind() != io::ErrorKind::BrokenPipe);
    lost.next()
}

/// Passes a signal on to the command.
fn pass_on(child: &Child, number: Signal) {
    // The terminal tells the command itself when a key is pressed.
    let is_told = matches!(number, Signal::INT | Signal::QUIT) && is_in_foreground();
    let process = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    if let Some(process) = process.filter(|_| !is_told) {
        // The command may have ended meanwhile.
        let _ = kill_process(process, number);
    }
}

/// Whether the terminal sends its signals to this process and the command.
fn is_in_foreground() -> bool {
    let terminal = File::open("/dev/tty");
    terminal.is_ok_and(|terminal| tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp()))
}

/// Copies a stream to its end.
async fn copy(
    from: Option<Source>,
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
