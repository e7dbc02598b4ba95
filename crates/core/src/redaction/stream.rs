//! Redaction of bytes in chunks that are not JSON.

use crate::confidential::Wiped;

use super::Redactor;
use super::chunk::parts;
use super::search::Search;
use super::table::Table;

/// A stream of bytes in which values are replaced, wherever its chunks end. Values added meanwhile count, too.
///
/// The stream holds back only what may begin a value: usually a word, at most the longest spelling of the longest
/// value. Use one stream per source: two mixed sources hide values from each other.
#[expect(
    missing_debug_implementations,
    reason = "it holds back parts of values"
)]
pub struct Stream {
    redactor: Redactor,
    search: Search,
    /// The input that is not decided yet, and its position in what was searched.
    pub(super) held: Wiped<Vec<u8>>,
    base: usize,
}

impl Stream {
    pub(super) fn new(redactor: Redactor) -> Self {
        Self {
            redactor,
            search: Search::default(),
            held: Wiped::new(Vec::new()),
            base: 0,
        }
    }

    /// Takes a chunk and appends what is now decided to `out`; returns how many markers that has.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> usize {
        let redactor = self.redactor.clone();
        let table = redactor.table();
        if table.is_empty() && self.held.is_empty() {
            out.extend_from_slice(chunk);
            return 0;
        }
        let end = self.base + self.held.len();
        self.held.extend_from_slice(chunk);
        let parts = parts(&table, chunk, &mut self.search.letters);
        self.search.read(&table, chunk, end, &parts);
        let open = self.search.open_from(end + chunk.len());
        self.write_until(&table, open, out)
    }

    /// Appends what was held back; returns how many markers that has.
    pub fn finish(mut self, out: &mut Vec<u8>) -> usize {
        let redactor = self.redactor.clone();
        let table = redactor.table();
        self.search.finish(&table);
        self.write_until(&table, self.base + self.held.len(), out)
    }

    /// Writes everything before `until`, where no match can begin any more. A match that reaches further may still
    /// grow, so its marker waits.
    fn write_until(&mut self, table: &Table, until: usize, out: &mut Vec<u8>) -> usize {
        let (mut from, mut markers) = (self.base, 0);
        let bytes = |from: usize, to: usize| {
            let range = from.saturating_sub(self.base)..to.saturating_sub(self.base);
            self.held.get(range).unwrap_or_default()
        };
        let ended: Vec<_> = self.search.found.drain_until(until).collect();
        for range in ended {
            out.extend_from_slice(bytes(from, range.start));
            out.extend_from_slice(self.search.marker(table, range.found).as_bytes());
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
