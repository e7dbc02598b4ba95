//! What a program writes to its standard error: logged line by line, with every value it was values taken out.

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
    generation: u64,
    line: Vec<u8>,
}

impl ErrorLog {
    pub(crate) fn new(access: Arc<Access>) -> Self {
        Self {
            access,
            stream: None,
            generation: 0,
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
            self.generation = 0;
            self.line.clear();
        }
        let mut clean = Vec::new();
        self.follow(&mut clean);
        match &mut self.stream {
            Some(stream) => {
                stream.push(&piece.bytes, &mut clean);
            }
            None => clean.extend_from_slice(&piece.bytes),
        }
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

    /// Looks for what was values since the last piece, too.
    fn follow(&mut self, clean: &mut Vec<u8>) {
        let generation = self.access.values.generation();
        if generation == self.generation {
            return;
        }
        self.generation = generation;
        match (&mut self.stream, self.access.values.redactor()) {
            (Some(stream), Some(redactor)) => {
                stream.go_on_with(&redactor, clean);
            }
            (None, Some(redactor)) => self.stream = Some(redactor.stream()),
            (_, None) => {}
        }
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
