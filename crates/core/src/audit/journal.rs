//! The format of the journal of uses: records that no page of the trail has yet.
//!
//! A journal is a header and entries. Each ends with a MAC (HMAC-SHA-256, RFC 2104) over its content and the MAC before
//! it, so a changed, removed or inserted entry is noticed, except that entries can be cut off at the end. The head of an
//! entry has a MAC of its own, so that a changed length is not mistaken for an entry that was not written to its end:
//!
//! ```text
//! header:  magic, number of the page after which the journal began (8 bytes, big-endian), MAC
//! entry:   head: length of the records (4 bytes, big-endian), MAC over it and the MAC of the entry before
//!          MAC over head, records and the MAC of the entry before
//!          records as JSON lines
//! ```
//!
//! When a process is killed, a part of an entry may be at the end. When the power fails, the end may also be zeros: the
//! file system has its length, but not all of its blocks.

use crate::confidential::Wiped;
use aws_lc_rs::hmac;

use super::record::Record;
use crate::identity::InstallationId;
use crate::keyring::is_equal;

const MAGIC: &[u8] = b"toolvault/journal/v1\n";
const PAGE: usize = 8;
const LENGTH: usize = 4;
const MAC: usize = 32;
const HEADER: usize = MAGIC.len() + PAGE + MAC;
const HEAD: usize = LENGTH + MAC;
/// Where the records of an entry begin.
const TEXT: usize = HEAD + MAC;

/// What a MAC is for, so that one kind never passes for another.
#[derive(Clone, Copy)]
enum Purpose {
    Header = 1,
    Head = 2,
    Entry = 3,
}

/// The key of an installation's journals.
#[derive(Debug)]
pub struct JournalKey {
    key: hmac::Key,
    installation: InstallationId,
}

/// The MAC of everything in a journal so far. The next entry continues it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link([u8; MAC]);

/// What a journal contains.
#[derive(Debug, PartialEq, Eq)]
pub struct Contents {
    /// The number of the page after which the journal began. Every entry that a page has is in a later page.
    pub page: i64,
    /// The records of all entries that are as they were written, in order.
    pub records: Vec<Record>,
    /// How the journal ends.
    pub end: End,
}

/// How a journal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With a whole entry.
    Whole,
    /// With a part of an entry, or with zeros: the system stopped before all of it was written.
    Torn,
    /// With something that was not written by this installation, or was changed.
    Changed,
}

impl JournalKey {
    /// Takes a key that is used for nothing else.
    pub fn new(key: [u8; 32], installation: InstallationId) -> Self {
        let key = Wiped::new(key);
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()),
            installation,
        }
    }

    /// The header of a journal that begins after a page.
    pub fn begin(&self, page: i64) -> (Vec<u8>, Link) {
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(&page.to_be_bytes());
        let link = self.link(Purpose::Header, &[self.installation.as_bytes(), &header]);
        header.extend_from_slice(&link.0);
        (header, link)
    }

    /// The entry with these records after `link`.
    ///
    /// # Errors
    /// If a record cannot be written as JSON, or all together take 4 GiB or more.
    pub fn entry(
        &self,
        link: &Link,
        records: &[Record],
    ) -> Result<(Vec<u8>, Link), serde_json::Error> {
        let mut entry = vec![0; TEXT];
        for record in records {
            serde_json::to_writer(&mut entry, record)?;
            entry.push(b'\n');
        }
        let (begin, text) = entry.split_at_mut(TEXT);
        let length = u32::try_from(text.len()).map_err(serde::ser::Error::custom)?;
        let head = self.head(link, length.to_be_bytes());
        let link = self.link(Purpose::Entry, &[&link.0, &head, text]);
        let (first, second) = begin.split_at_mut(HEAD);
        first.copy_from_slice(&head);
        second.copy_from_slice(&link.0);
        Ok((entry, link))
    }

    /// Reads a journal up to the first byte that is not as it was written.
    pub fn read(&self, journal: &[u8]) -> Contents {
        let mut contents = Contents {
            page: 0,
            records: Vec::new(),
            end: End::Changed,
        };
        if unpadded(journal) == 0 {
            contents.end = if journal.is_empty() {
                End::Whole
            } else {
                End::Torn
            };
            return contents;
        }
        // The header is never torn: it is written at once into a new file, which then gets the journal's name.
        let Some((header, mut rest)) = journal.split_at_checked(HEADER) else {
            return contents;
        };
        let Some(page) = page_of(header) else {
            return contents;
        };
        let (expected, mut link) = self.begin(page);
        if !is_equal(&expected, header) {
            return contents;
        }
        contents.page = page;
        contents.end = End::Whole;
        while !rest.is_empty() {
            let Some((records, next, after)) = self.first_entry(&link, rest) else {
                contents.end = if self.is_torn(&link, rest) {
                    End::Torn
                } else {
                    End::Changed
                };
                break;
            };
            contents.records.extend(records);
            (link, rest) = (next, after);
        }
        contents
    }

    /// The records of the first entry of `rest`, its link and what follows; `None` unless it is whole and was written
    /// after `link`.
    fn first_entry<'a>(
        &self,
        link: &Link,
        rest: &'a [u8],
    ) -> Option<(Vec<Record>, Link, &'a [u8])> {
        let (head, body) = rest.split_first_chunk::<HEAD>()?;
        let (mac, body) = body.split_first_chunk::<MAC>()?;
        let (text, after) = body.split_at_checked(length_of(*head.first_chunk()?))?;
        let next = self.link(Purpose::Entry, &[&link.0, head, text]);
        if !is_equal(&next.0, mac) {
            return None;
        }
        Some((read_records(text)?, next, after))
    }

    /// Whether `rest` is an entry after `link` that was not written to its end: its head is right as far as it goes, and
    /// the last bytes are missing or, like all that follow, zeros. Records never end with a zero.
    fn is_torn(&self, link: &Link, rest: &[u8]) -> bool {
        let Some(length) = rest.first_chunk() else {
            return true;
        };
        let written = unpadded(rest);
        let is_incomplete = written < TEXT.saturating_add(length_of(*length));
        let present = written.min(HEAD);
        let head = self.head(link, *length);
        is_incomplete && is_equal(head.split_at(present).0, rest.split_at(present).0)
    }

    /// The head of an entry after `link`.
    fn head(&self, link: &Link, length: [u8; LENGTH]) -> [u8; HEAD] {
        let mac = self.link(Purpose::Head, &[&link.0, &length]);
        let mut head = [0; HEAD];
        for (target, byte) in head.iter_mut().zip(length.iter().chain(&mac.0)) {
            *target = *byte;
        }
        head
    }

    fn link(&self, purpose: Purpose, parts: &[&[u8]]) -> Link {
        let mut mac = hmac::Context::with_key(&self.key);
        mac.update(&[purpose as u8]);
        for part in parts {
            mac.update(part);
        }
        let mut link = [0; MAC];
        for (target, byte) in link.iter_mut().zip(mac.sign().as_ref()) {
            *target = *byte;
        }
        Link(link)
    }
}

fn page_of(header: &[u8]) -> Option<i64> {
    let page = header.strip_prefix(MAGIC)?.first_chunk::<PAGE>()?;
    Some(i64::from_be_bytes(*page))
}

fn length_of(length: [u8; LENGTH]) -> usize {
    usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX)
}

/// The length of `bytes` without the zeros at their end.
fn unpadded(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1)
}

fn read_records(text: &[u8]) -> Option<Vec<Record>> {
    let text = std::str::from_utf8(text).ok()?;
    text.lines()
        .map(|line| serde_json::from_str(line).ok())
        .collect()
}

#[cfg(test)]
mod tests;
