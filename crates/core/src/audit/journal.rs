//! The format of the journal of uses: records that no page of the trail has yet.
//!
//! A journal is a header and entries. Each ends with a MAC (HMAC-SHA-256, RFC 2104) over its content and the MAC before
//! it, so a changed, removed or inserted entry is noticed, except that entries can be cut off at the end:
//!
//! ```text
//! header:  magic, number of the page after which the journal began (8 bytes, big-endian), MAC
//! entry:   length of the records (4 bytes, big-endian), MAC, records as JSON lines
//! ```

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::record::Record;
use crate::identity::InstallationId;
use crate::keyring::is_equal;

const MAGIC: &[u8] = b"toolvault/journal/v1\n";
const PAGE: usize = 8;
const LENGTH: usize = 4;
const MAC: usize = 32;
const HEADER: usize = MAGIC.len() + PAGE + MAC;

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
    /// With a part of an entry: the system stopped while it was written.
    Torn,
    /// With something that was not written by this installation, or was changed.
    Changed,
}

impl JournalKey {
    /// Takes a key that is used for nothing else.
    pub fn new(key: [u8; 32], installation: InstallationId) -> Self {
        let key = Zeroizing::new(key);
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()),
            installation,
        }
    }

    /// The header of a journal that begins after a page.
    pub fn begin(&self, page: i64) -> (Vec<u8>, Link) {
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(&page.to_be_bytes());
        let link = self.link(self.installation.as_bytes(), &header);
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
        let mut entry = vec![0; LENGTH + MAC];
        for record in records {
            serde_json::to_writer(&mut entry, record)?;
            entry.push(b'\n');
        }
        let (head, text) = entry.split_at_mut(LENGTH + MAC);
        let length = u32::try_from(text.len()).map_err(serde::ser::Error::custom)?;
        let link = self.link(&link.0, text);
        let (first, second) = head.split_at_mut(LENGTH);
        first.copy_from_slice(&length.to_be_bytes());
        second.copy_from_slice(&link.0);
        Ok((entry, link))
    }

    /// Reads a journal up to the first byte that is not as it was written.
    pub fn read(&self, journal: &[u8]) -> Contents {
        let mut contents = Contents {
            page: 0,
            records: Vec::new(),
            end: End::Whole,
        };
        let Some((header, mut rest)) = journal.split_at_checked(HEADER) else {
            // The header is written at once into a new file, which then gets the journal's name.
            contents.end = if journal.is_empty() {
                End::Whole
            } else {
                End::Changed
            };
            return contents;
        };
        let Some(page) = page_of(header) else {
            contents.end = End::Changed;
            return contents;
        };
        let (expected, mut link) = self.begin(page);
        if !is_equal(&expected, header) {
            contents.end = End::Changed;
            return contents;
        }
        contents.page = page;
        while !rest.is_empty() {
            let Some((mac, text, after)) = split_entry(rest) else {
                contents.end = End::Torn;
                return contents;
            };
            let next = self.link(&link.0, text);
            let records = read_records(text);
            let (true, Some(records)) = (is_equal(&next.0, mac), records) else {
                let is_blank = rest.iter().all(|byte| *byte == 0);
                contents.end = if is_blank { End::Torn } else { End::Changed };
                return contents;
            };
            contents.records.extend(records);
            (link, rest) = (next, after);
        }
        contents
    }

    fn link(&self, before: &[u8], content: &[u8]) -> Link {
        let mut mac = hmac::Context::with_key(&self.key);
        mac.update(before);
        mac.update(content);
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

/// The MAC and the text of the first entry, and what follows; `None` if the entry is incomplete.
fn split_entry(rest: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (length, rest) = rest.split_first_chunk::<LENGTH>()?;
    let (mac, rest) = rest.split_at_checked(MAC)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (text, after) = rest.split_at_checked(length)?;
    Some((mac, text, after))
}

fn read_records(text: &[u8]) -> Option<Vec<Record>> {
    let text = std::str::from_utf8(text).ok()?;
    text.lines()
        .map(|line| serde_json::from_str(line).ok())
        .collect()
}

#[cfg(test)]
mod tests;
