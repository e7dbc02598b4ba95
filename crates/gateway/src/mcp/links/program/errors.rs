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
    stream: Option<Stream>,
    line: Vec<u8>,
}

impl ErrorLog {
    pub(crate) fn new(access: Arc<Access>) -> Self {
        Self {
            access,
            stream: None,
            line: Vec::new(),
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
            // What was held back may be half of a value, and would not be found again after the gap.
            self.stream = None;
            self.line.clear();
        }
        let mut clean = Vec::new();
        let values = &self.access.values;
        let stream = self.stream.get_or_insert_with(|| values.stream());
        stream.push(&piece.bytes, &mut clean);
        self.append(&clean);
    }

    /// Logs what is left.
    pub(super) fn finish(&mut self) {
        if let Some(stream) = self.stream.take() {
            let mut rest = Vec::new();
            stream.finish(&mut rest);
            self.append(&rest);
        }
        self.log_line();
    }

    fn append(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' || self.line.len() >= LONGEST_LINE {
                self.log_line();
            }
            if byte != b'\n' {
                self.line.push(byte);
            }
        }
    }

    fn log_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(&line);
        // With control characters escaped: it is shown on terminals.
        let text = text.escape_debug();
        tracing::info!(mcp.server = %self.access.server.name, text = %text, "a program's standard error");
    }
}
