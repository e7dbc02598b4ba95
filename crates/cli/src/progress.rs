//! A line on the terminal that says how far a command is.

use crate::printer::Printer;

/// How wide the bar is, in characters.
const WIDTH: i64 = 30;
/// How many bytes are shown as one step.
const MEBIBYTE: u64 = 1 << 20;

/// The progress of one command. Without a terminal it shows nothing. Dropping it removes the line.
pub(crate) struct ProgressLine<'a> {
    printer: &'a Printer,
    shown: String,
}

impl<'a> ProgressLine<'a> {
    pub(crate) fn new(printer: &'a Printer) -> Self {
        Self {
            printer,
            shown: String::new(),
        }
    }

    /// A bar for a part of a known whole.
    pub(crate) fn part(&mut self, done: i64, of: i64) {
        let share = |whole: i64| (done.saturating_mul(whole)) / of.max(1);
        let bar = usize::try_from(share(WIDTH)).unwrap_or_default();
        let bar = "#".repeat(bar);
        let width = usize::try_from(WIDTH).unwrap_or_default();
        self.show(format!("[{bar:<width$}] {:>3} %", share(100)));
    }

    /// A number of bytes, of an unknown whole.
    pub(crate) fn bytes(&mut self, bytes: u64) {
        self.show(format!("{} MiB", bytes / MEBIBYTE));
    }

    fn show(&mut self, text: String) {
        if text != self.shown {
            self.printer.progress(&text);
            self.shown = text;
        }
    }
}

impl Drop for ProgressLine<'_> {
    fn drop(&mut self) {
        if !self.shown.is_empty() {
            self.printer.progress("");
        }
    }
}
