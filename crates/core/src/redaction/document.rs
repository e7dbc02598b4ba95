//! Redaction of JSON: the decoded strings, including member names, and the numbers.

use crate::confidential::Wiped;
use memchr::memchr2;

use super::escape::Left;
use super::search::{Search, noticed};
use super::table::Table;
use super::values::FEWEST_CHARACTERS;
use crate::json::{decode_lossily, write_string};

/// Writes the checked document `raw` to `out`; returns the numbers of the values that were replaced in it, in order.
///
/// The sieve runs over the whole document. Strings in which it notices nothing are skipped.
pub(super) fn write(table: &Table, raw: &str, out: &mut Vec<u8>) -> Vec<u64> {
    let mut writer = Writer {
        table,
        search: Search::default(),
        decoded: Wiped::new(String::new()),
        written: 0,
        out,
    };
    let bytes = raw.as_bytes();
    let parts = noticed(table, bytes, Left::DOCUMENT, &mut writer.search.letters);
    let mut at = 0;
    for part in parts {
        while at < part.end
            && let Some(byte) = bytes.get(at)
        {
            at = match byte {
                b'"' => {
                    let (end, is_escaped) = string_end(bytes, at + 1);
                    if end > part.start {
                        writer.string(raw, at..end, is_escaped);
                    }
                    end
                }
                b'-' | b'0'..=b'9' => {
                    let end = number_end(bytes, at);
                    if end > part.start {
                        writer.number(raw, at..end);
                    }
                    end
                }
                _ => at + 1,
            };
        }
    }
    let rest = bytes.get(writer.written..).unwrap_or_default();
    writer.out.extend_from_slice(rest);
    writer.search.replaced()
}

struct Writer<'a> {
    table: &'a Table,
    search: Search,
    /// Reused for each string that has escapes.
    decoded: Wiped<String>,
    /// How much of the document is written.
    written: usize,
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    fn string(&mut self, raw: &str, token: std::ops::Range<usize>, is_escaped: bool) {
        let inner = token.start + 1..token.end.saturating_sub(1);
        let inner = raw.get(inner).unwrap_or_default();
        if inner.len() < FEWEST_CHARACTERS {
            return;
        }
        let redacted = if is_escaped {
            self.decoded.clear();
            decode_lossily(inner, &mut self.decoded);
            self.search.redacted(self.table, &self.decoded)
        } else {
            self.search.redacted(self.table, inner)
        };
        if let Some(redacted) = redacted {
            self.replace(raw, token, &redacted);
        }
    }

    /// A number that holds a value becomes a string.
    fn number(&mut self, raw: &str, token: std::ops::Range<usize>) {
        let number = raw.get(token.clone()).unwrap_or_default();
        if let Some(redacted) = self.search.redacted(self.table, number) {
            self.replace(raw, token, &redacted);
        }
    }

    fn replace(&mut self, raw: &str, token: std::ops::Range<usize>, text: &str) {
        let before = raw.get(self.written..token.start).unwrap_or_default();
        self.out.extend_from_slice(before.as_bytes());
        write_string(text, self.out);
        self.written = token.end;
    }
}

/// The index after the closing quote of the string whose text begins at `from`, and whether it holds escapes.
fn string_end(bytes: &[u8], from: usize) -> (usize, bool) {
    let (mut at, mut is_escaped) = (from, false);
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        match memchr2(b'"', b'\\', rest) {
            Some(found) if rest.get(found) == Some(&b'"') => return (at + found + 1, is_escaped),
            Some(found) => (at, is_escaped) = (at + found + 2, true),
            None => return (bytes.len(), is_escaped),
        }
    }
}

fn number_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let is_part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    from + rest.iter().take_while(is_part).count()
}
