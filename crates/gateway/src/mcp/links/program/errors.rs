//! What a program writes to its standard error: logged line by line, with every value it was given taken out.

use std::sync::Arc;

use toolvault_core::redaction::Stream;

use crate::mcp::access::Access;
use crate::stdio::StderrChunk;

/// Longest line that is logged as one, in bytes.
const LONGEST_LINE: usize = 4 << 10;

/// Logs what one program writes.
pub(crate) struct ErrorLog {
    access: Arc<Access>,
    lines: Lines,
}

/// Redacted lines of one program.
#[derive(Default)]
struct Lines {
    stream: Option<Stream>,
    line: Vec<u8>,
}

impl ErrorLog {
    pub(crate) fn new(access: Arc<Access>) -> Self {
        Self {
            access,
            lines: Lines::default(),
        }
    }

    /// Takes a piece.
    pub(super) fn push(&mut self, piece: &StderrChunk) {
        if piece.dropped_before > 0 {
            tracing::warn!(
                mcp.server = %self.access.server.name,
                bytes = piece.dropped_before,
                "a program wrote more to its standard error than can be logged"
            );
        }
        for line in self.lines.push(piece, &self.access) {
            self.log(&line);
        }
    }

    /// Logs what is left.
    pub(super) fn finish(&mut self) {
        for line in self.lines.finish() {
            self.log(&line);
        }
    }

    fn log(&self, line: &str) {
        tracing::info!(mcp.server = %self.access.server.name, text = line, "a program's standard error");
    }
}

impl Lines {
    /// The lines that a piece completes, without the values that the program was given.
    fn push(&mut self, piece: &StderrChunk, access: &Access) -> Vec<String> {
        if piece.dropped_before > 0 {
            // What was held back may be half of a value, and would not be found again after the gap.
            self.stream = None;
            self.line.clear();
        }
        let mut clean = Vec::new();
        let stream = self.stream.get_or_insert_with(|| access.values.stream());
        stream.push(&piece.bytes, &mut clean);
        self.append(&clean)
    }

    fn finish(&mut self) -> Vec<String> {
        let mut rest = Vec::new();
        if let Some(stream) = self.stream.take() {
            stream.finish(&mut rest);
        }
        let mut lines = self.append(&rest);
        lines.extend(self.end_line());
        lines
    }

    fn append(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for &byte in bytes {
            if byte == b'\n' || self.line.len() >= LONGEST_LINE {
                lines.extend(self.end_line());
            }
            if byte != b'\n' {
                self.line.push(byte);
            }
        }
        lines
    }

    fn end_line(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        // With control characters escaped: it is shown on terminals.
        let text = String::from_utf8_lossy(&line).escape_debug().to_string();
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bytes::Bytes;
    use toolvault_core::confidential::Confidential;
    use toolvault_core::redaction::Key;
    use toolvault_vault::{AppliedValue, Caller, Clock, SystemClock};

    use super::*;
    use crate::mcp::access::Budgets;
    use crate::mcp::server::Server;
    use crate::settings::{GatewayLimits, ServerSettings, StdioServer, Transport};

    const VALUE: &str = "a value that is secret";

    /// The access of a program that was given the value.
    fn access() -> Access {
        let settings = ServerSettings {
            transport: Transport::Stdio(StdioServer {
                command: vec!["x".to_owned()],
                env: std::collections::BTreeMap::new(),
                directory: None,
            }),
            credential_arguments: BTreeSet::new(),
            allow_override: false,
            pin: crate::settings::Pin::default(),
            approval: crate::settings::ApprovalRules::default(),
            secure_parameters: false,
        };
        let name = "files".parse().unwrap();
        let server = Server::new(name, settings, &GatewayLimits::default()).unwrap();
        let budgets = Budgets::new(Key::new(&[7; 64]));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let access = Access::new(Arc::new(server), &Caller::local(0, None), &budgets, &clock);
        access.values.add(vec![AppliedValue {
            secret_id: serde_json::from_str("\"00000000-0000-7000-8000-000000000001\"").unwrap(),
            secret_name: "token".to_owned(),
            version: 1,
            value: Confidential::from(VALUE),
            redact: true,
        }]);
        access
    }

    fn piece(text: &str, dropped_before: u64) -> StderrChunk {
        StderrChunk {
            bytes: Bytes::copy_from_slice(text.as_bytes()),
            dropped_before,
        }
    }

    #[test]
    fn a_value_is_taken_out_wherever_the_pieces_of_standard_error_end() {
        let access = access();
        let text = format!("began\nI was given {VALUE}\nand {VALUE}");
        for end in 0..text.len() {
            let (first, second) = text.split_at(end);
            let mut lines = Lines::default();
            let mut logged = lines.push(&piece(first, 0), &access);
            logged.extend(lines.push(&piece(second, 0), &access));
            logged.extend(lines.finish());
            let expected = ["began", "I was given [secret:token]", "and [secret:token]"];
            assert_eq!(logged, expected, "{end}");
        }
    }

    #[test]
    fn half_of_a_value_before_a_gap_is_not_logged() {
        let access = access();
        let (first, _) = VALUE.split_at(12);
        let mut lines = Lines::default();
        let mut logged = lines.push(&piece(first, 0), &access);
        logged.extend(lines.push(&piece("goes on\n", 1), &access));
        logged.extend(lines.finish());
        assert_eq!(logged, ["goes on"]);
    }

    #[test]
    fn control_characters_are_escaped_and_long_lines_are_parted() {
        let access = access();
        let mut lines = Lines::default();
        let text = format!("\u{1b}[31m\n\n{}", "x".repeat(LONGEST_LINE + 1));
        let mut logged = lines.push(&piece(&text, 0), &access);
        logged.extend(lines.finish());
        assert_eq!(logged[0], "\\u{1b}[31m");
        let lengths: Vec<usize> = logged[1..].iter().map(String::len).collect();
        assert_eq!(lengths, [LONGEST_LINE, 1]);
    }
}
