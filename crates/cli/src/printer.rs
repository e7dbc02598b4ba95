//! Prints to standard output and standard error, in this place only.
//!
//! Control characters are escaped, so that no name, however hostile, can move the cursor or hide text. There are no
//! colours.

mod escape;
mod table;

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

pub(crate) use self::escape::escape;
pub(crate) use self::table::Table;

/// One of the streams of this process.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    Output,
    Errors,
}

/// The kind stays: a reader that is gone is no error.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn not_printed(error: io::Error) -> io::Error {
    let why = format!("cannot write to standard output: {error}");
    io::Error::new(error.kind(), why)
}

/// Prints text and JSON.
#[derive(Debug)]
pub(crate) struct Printer {
    output: io::Stdout,
    errors: io::Stderr,
}

impl Printer {
    /// A printer on this process's standard output and standard error.
    pub(crate) fn new() -> Self {
        Self {
            output: io::stdout(),
            errors: io::stderr(),
        }
    }

    /// One line on standard output.
    pub(crate) fn line(&self, text: &str) -> io::Result<()> {
        let mut output = self.output.lock();
        output
            .write_all(escape(text).as_bytes())
            .and_then(|()| output.write_all(b"\n"))
            .map_err(not_printed)
    }

    /// Several trusted lines on standard output.
    pub(crate) fn text(&self, text: &str) -> io::Result<()> {
        text.lines().try_for_each(|line| self.line(line))
    }

    /// A table with a heading for each column. On a terminal that is too narrow, it says which columns it leaves out.
    pub(crate) fn table(&self, table: &Table) -> io::Result<()> {
        let (lines, left_out) = table.lines(self.room());
        lines.iter().try_for_each(|line| self.line(line))?;
        if !left_out.is_empty() {
            let columns = left_out.join(", ");
            self.error_line(&format!(
                "The terminal is too narrow for {columns}: make it wider, or use --json."
            ));
        }
        Ok(())
    }

    /// How many characters a line has room for: without end, unless standard output is a terminal.
    fn room(&self) -> usize {
        let size = rustix::termios::tcgetwinsize(&self.output).ok();
        let columns = size.map(|size| usize::from(size.ws_col));
        columns.filter(|&columns| columns > 0).unwrap_or(usize::MAX)
    }

    /// A table, or, if it has no rows, what that means and what to do, on standard error.
    pub(crate) fn table_or(&self, table: &Table, empty: &str) -> io::Result<()> {
        if table.is_empty() {
            self.error_line(empty);
            return Ok(());
        }
        self.table(table)
    }

    /// A JSON document of several lines.
    pub(crate) fn json(&self, value: &impl Serialize) -> anyhow::Result<()> {
        let text = toolvault_core::confidential::Wiped::new(serde_json::to_string_pretty(value)?);
        Ok(self.text(&escape::escape_json(&text))?)
    }

    /// A JSON document of one line.
    pub(crate) fn json_line(&self, value: &impl Serialize) -> anyhow::Result<()> {
        Ok(self.line(&escape::escape_json(&serde_json::to_string(value)?))?)
    }

    /// One line of a protocol on standard output, unchanged and flushed.
    pub(crate) fn protocol_line(&self, text: &[u8]) -> io::Result<()> {
        let mut output = self.output.lock();
        output.write_all(text)?;
        output.write_all(b"\n")?;
        output.flush()
    }

    /// What another program printed, unchanged and flushed.
    pub(crate) fn pass_on(&self, target: Target, bytes: &[u8]) -> io::Result<()> {
        match target {
            Target::Output => {
                let mut output = self.output.lock();
                output.write_all(bytes)?;
                output.flush()
            }
            Target::Errors => self.errors.lock().write_all(bytes),
        }
    }

    /// One line on standard error. A failure to print cannot be reported, so it is ignored.
    pub(crate) fn error_line(&self, text: &str) {
        let _ = writeln!(self.errors.lock(), "{}", escape(text));
    }

    /// Replaces the last line on standard error, if that is a terminal; an empty text removes it.
    pub(crate) fn progress(&self, text: &str) {
        if self.shows_progress() {
            let mut output = self.errors.lock();
            // Erases the line (ECMA-48, EL). A failure to print cannot be reported, so it is ignored.
            let _ = write!(output, "\r\x1b[2K{}", escape(text));
            let _ = output.flush();
        }
    }

    /// Whether standard error is a terminal.
    pub(crate) fn shows_progress(&self) -> bool {
        self.errors.is_terminal()
    }

    /// Asks on standard error, without ending the line.
    pub(crate) fn ask(&self, text: &str) -> io::Result<()> {
        let mut output = self.errors.lock();
        write!(output, "{} ", escape(text))?;
        output.flush()
    }

    /// Whether standard output is a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        self.output.is_terminal()
    }
}
