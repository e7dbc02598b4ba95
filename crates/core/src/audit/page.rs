//! Pages: the records of one commit, hashed with the page before and signed.

use aws_lc_rs::signature::Ed25519KeyPair;

use super::epoch::is_signed;
use super::record::Record;
use crate::digest::sha256;
use crate::identity::InstallationId;
use crate::timestamp::Timestamp;
use crate::transcript::Transcript;

/// The position after the trail's newest page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of the page, counted from 1; 0 before the first.
    pub page: i64,
    /// Sequence of its last record; 0 before the first.
    pub sequence: i64,
    /// Its hash; zeros before the first.
    pub hash: [u8; 32],
}

impl Head {
    /// The position before the first page.
    pub const EMPTY: Self = Self {
        page: 0,
        sequence: 0,
        hash: [0; 32],
    };
}

/// One page as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Counted from 1, without gaps.
    pub number: i64,
    /// Sequence of its first record.
    pub first_sequence: i64,
    /// Sequence of its last record.
    pub last_sequence: i64,
    /// The epoch whose key signed it.
    pub epoch: i64,
    /// Its records, one JSON object per line.
    pub records: String,
    /// SHA-256 over the above and the previous page's hash.
    pub hash: [u8; 32],
    /// Ed25519 over installation, number, last sequence, epoch and hash.
    pub signature: Vec<u8>,
}

/// Why a page was not created.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A page holds at least one record.
    #[error("an audit page has no records")]
    Empty,
    /// A record could not be written.
    #[error("an audit record could not be written")]
    Encode(#[source] serde_json::Error),
}

impl Page {
    /// Creates the page after `head`: numbers `records` and signs them.
    pub fn append(
        installation: InstallationId,
        head: &Head,
        epoch: i64,
        key: &Ed25519KeyPair,
        records: &mut [Record],
    ) -> Result<Self, PageError> {
        if records.is_empty() {
            return Err(PageError::Empty);
        }
        let mut text = String::with_capacity(records.len() * 256);
        let mut sequence = head.sequence;
        for record in records {
            sequence += 1;
            record.sequence = sequence;
            text.push_str(&serde_json::to_string(record).map_err(PageError::Encode)?);
            text.push('\n');
        }
        let mut page = Self {
            number: head.page + 1,
            first_sequence: head.sequence + 1,
            last_sequence: sequence,
            epoch,
            records: text,
            hash: [0; 32],
            signature: Vec::new(),
        };
        page.hash = page.compute_hash(installation, &head.hash);
        page.signature = key
            .sign(page.signed(installation).as_slice())
            .as_ref()
            .to_vec();
        Ok(page)
    }

    /// The position after this page.
    pub fn head(&self) -> Head {
        Head {
            page: self.number,
            sequence: self.last_sequence,
            hash: self.hash,
        }
    }

    /// Its records, if the text is as this crate writes it.
    pub fn read_records(&self) -> Result<Vec<Record>, serde_json::Error> {
        self.records.lines().map(serde_json::from_str).collect()
    }

    /// Whether the page was appended at `head`. Its hash then covers the hash of every page before it.
    pub fn follows(&self, installation: InstallationId, head: &Head) -> bool {
        self.number.checked_sub(1) == Some(head.page)
            && self.first_sequence.checked_sub(1) == Some(head.sequence)
            && self.hash == self.compute_hash(installation, &head.hash)
    }

    /// Whether an epoch with this public key signed the page's hash.
    pub fn is_signed(&self, installation: InstallationId, public_key: &[u8]) -> bool {
        let signed = self.signed(installation);
        is_signed(public_key, signed.as_slice(), &self.signature)
    }

    pub(super) fn compute_hash(
        &self,
        installation: InstallationId,
        previous: &[u8; 32],
    ) -> [u8; 32] {
        let transcript = Transcript::new("toolvault/audit-page/v1")
            .bytes(installation.as_bytes())
            .bytes(previous)
            .number(self.number)
            .number(self.first_sequence)
            .number(self.last_sequence)
            .number(self.epoch)
            .text(&self.records);
        sha256(transcript.as_slice())
    }

    pub(super) fn signed(&self, installation: InstallationId) -> Transcript {
        head_transcript(
            installation,
            self.number,
            self.last_sequence,
            self.epoch,
            &self.hash,
        )
    }
}

/// The part of a page that an epoch's key signs.
pub(super) fn head_transcript(
    installation: InstallationId,
    page: i64,
    last_sequence: i64,
    epoch: i64,
    hash: &[u8; 32],
) -> Transcript {
    Transcript::new("toolvault/audit-head/v1")
        .bytes(installation.as_bytes())
        .number(page)
        .number(last_sequence)
        .number(epoch)
        .bytes(hash)
}

/// The times of the first and the last of `records`. The table of pages stores them for searching.
///
/// No hash covers these columns, so verification compares them with the records.
pub fn span(records: &[Record]) -> Option<(Timestamp, Timestamp)> {
    let moments = || records.iter().map(|record| record.at);
    moments().min().zip(moments().max())
}

#[cfg(test)]
mod tests;
