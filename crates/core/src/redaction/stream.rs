//! Redaction of bytes that come in chunks and are no JSON.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::search::Search;
use super::{Compiled, Redactor};

/// A stream of bytes in which values are replaced, whatever chunks they come in.
///
/// Held back is only what may be the begin of a value: usually a few bytes, at most the longest spelling of the
/// longest value. One stream serves one source: two that are mixed hide values from each other.
#[expect(
    missing_debug_implementations,
    reason = "it holds back parts of values"
)]
pub struct Stream {
    compiled: Arc<Compiled>,
    search: Search,
    /// What was received and is not yet decided, and where in the stream it begins.
    pub(super) held: Zeroizing<Vec<u8>>,
    base: usize,
}

impl Stream {
    pub(super) fn new(compiled: Arc<Compiled>) -> Self {
        Self {
            compiled,
            search: Search::default(),
            held: Zeroizing::new(Vec::new()),
            base: 0,
        }
    }

    /// Takes a chunk and appends to `out` what is decided by it; returns how many markers that holds.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> usize {
        if self.compiled.is_empty() {
            out.extend_from_slice(chunk);
            return 0;
        }
        self.held.extend_from_slice(chunk);
        self.search
            .advance(&self.compiled, &self.held, self.base, false);
        let end = self.base + self.held.len();
        self.write_until(self.search.open_from(end), out)
    }

    /// Looks for other values from here on, in what was held back too; returns how many markers were appended. The new
    /// ones should hold the old, or their begin that was held back goes on.
    pub fn go_on_with(&mut self, redactor: &Redactor, out: &mut Vec<u8>) -> usize {
        // What was found is decided; what may only be the begin of a value is read again.
        let found = self.search.found.end().unwrap_or(self.base);
        let markers = self.write_until(found.max(self.base), out);
        let held = std::mem::replace(&mut self.held, Zeroizing::new(Vec::new()));
        *self = redactor.stream();
        markers + self.push(&held, out)
    }

    /// Appends what was held back; returns how many markers that holds.
    pub fn finish(mut self, out: &mut Vec<u8>) -> usize {
        self.search.finish(&self.compiled);
        self.write_until(self.base + self.held.len(), out)
    }

    /// Writes all before `until`, where nothing can begin any more. A part that reaches further may yet grow, so its
    /// marker waits.
    fn write_until(&mut self, until: usize, out: &mut Vec<u8>) -> usize {
        let (mut from, mut markers) = (self.base, 0);
        let bytes = |from: usize, to: usize| {
            let range = from.saturating_sub(self.base)..to.saturating_sub(self.base);
            self.held.get(range).unwrap_or_default()
        };
        for range in self.search.found.drain_until(until) {
            out.extend_from_slice(bytes(from, range.start));
            out.extend_from_slice(self.compiled.marker(range.value).as_bytes());
            (from, markers) = (range.end, markers + 1);
        }
        let open = self.search.found.first();
        let to = open.map_or(until, |range| range.start.min(until));
        out.extend_from_slice(bytes(from, to));
        self.held.drain(..until - self.base);
        self.base = until;
        markers
    }
}
