//! Checkpoints: signed heads of the trail, copied to a place that a writer of the database cannot change.
//!
//! A chain alone cannot show that its end was cut off, or that it was set back to an earlier state and then continued.
//! A checkpoint names a page that existed; a [`ChainVerifier`](super::chain::ChainVerifier) with that checkpoint looks
//! for that page.

use serde::{Deserialize, Serialize};

use super::epoch::is_signed;
use super::page::{self, Page};
use crate::digest::{from_hexadecimal, hexadecimal};
use crate::identity::InstallationId;
use crate::timestamp::Timestamp;
use crate::transcript::Transcript;

/// The signed head of a trail at one page. As JSON it is one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The installation that the trail belongs to.
    pub installation: InstallationId,
    /// Number of the page.
    pub page: i64,
    /// Sequence of its last record.
    pub sequence: i64,
    /// Its hash; 64 hexadecimal digits in JSON.
    #[serde(serialize_with = "write_bytes", deserialize_with = "read_hash")]
    pub hash: [u8; 32],
    /// The epoch whose key signed it.
    pub epoch: i64,
    /// The page's signature; hexadecimal in JSON.
    #[serde(serialize_with = "write_bytes", deserialize_with = "read_bytes")]
    pub signature: Vec<u8>,
    /// When the checkpoint was created. It is not signed and decides nothing; it helps people find the place.
    pub at: Timestamp,
}

impl Checkpoint {
    /// The checkpoint of `page`, made at `at`.
    pub fn new(installation: InstallationId, page: &Page, at: Timestamp) -> Self {
        Self {
            installation,
            page: page.number,
            sequence: page.last_sequence,
            hash: page.hash,
            epoch: page.epoch,
            signature: page.signature.clone(),
            at,
        }
    }

    /// Whether the epoch's key signed this head.
    ///
    /// This proves, without the trail, that a checkpoint is genuine even if its page is gone.
    pub fn is_signed_by(&self, public_key: &[u8]) -> bool {
        is_signed(public_key, self.signed().as_slice(), &self.signature)
    }

    /// Whether `page` is the one for which the checkpoint was created.
    pub fn is_met_by(&self, page: &Page) -> bool {
        self.hash == page.hash && self.sequence == page.last_sequence && self.epoch == page.epoch
    }

    fn signed(&self) -> Transcript {
        page::head_transcript(
            self.installation,
            self.page,
            self.sequence,
            self.epoch,
            &self.hash,
        )
    }
}

fn write_bytes<S: serde::Serializer>(
    bytes: impl AsRef<[u8]>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hexadecimal(bytes.as_ref()))
}

fn read_bytes<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    from_hexadecimal(&text).ok_or_else(|| serde::de::Error::custom("not hexadecimal"))
}

fn read_hash<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
    let bytes = read_bytes(deserializer)?;
    bytes
        .try_into()
        .map_err(|_| serde::de::Error::custom("not 32 bytes"))
}

#[cfg(test)]
mod tests;
