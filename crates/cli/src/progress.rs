//! A line on the terminal that says how far a command is.

use crate::printer::Printer;

/// How wide the bar is, in characters.
const WIDTH: usize = 30;
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

    /// A bar for `done` of `of` rows, or whatever `what` names.
    pub(crate) fn part(&mut self, done: i64, of: i64, what: &str) {
        self.show(part(done, of, what));
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

/// What came after the whole was counted does not take the bar beyond its end.
fn part(done: i64, of: i64, what: &str) -> String {
    let percent = done.clamp(0, of.max(0)).saturating_mul(100) / of.max(1);
    let percent = usize::try_from(percent).unwrap_or_default();
    let bar = "#".repeat(percent * WIDTH / 100);
    format!("[{bar:<WIDTH$}] {percent:>3} % of {of} {what}")
}

impl Drop for ProgressLine<'_> {
    fn drop(&mut self) {
        if !self.shown.is_empty() {
            self.printer.progress("");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_begins_empty_and_ends_full() {
        let bar = |places| format!("[{}{}]", "#".repeat(places), " ".repeat(30 - places));
        assert_eq!(part(0, 8, "pages"), format!("{}   0 % of 8 pages", bar(0)));
        assert_eq!(part(4, 8, "pages"), format!("{}  50 % of 8 pages", bar(15)));
        assert_eq!(part(7, 8, "pages"), format!("{}  87 % of 8 pages", bar(26)));
        // A trail that was truncated has more pages than its head says.
        for done in [8, 9] {
            assert_eq!(
                part(done, 8, "pages"),
                format!("{} 100 % of 8 pages", bar(30))
            );
        }
        for done in [-1, 0, 1] {
            assert_eq!(part(done, 0, "rows"), format!("{}   0 % of 0 rows", bar(0)));
        }
    }
}
