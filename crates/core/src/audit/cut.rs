//! The cut: where a trail begins whose oldest pages were pruned.
//!
//! A record of the trail holds the hash of the cut, so only who can sign the trail can move it. The cut holds the hash of
//! what is kept of the pruned pages.

use super::page::Head;
use crate::transcript::Transcript;

/// Where a trail begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The position after the last page that was pruned.
    pub head: Head,
    /// Hash of what is kept of the pruned pages.
    pub kept: [u8; 32],
}

impl Cut {
    /// Everything that the cut says.
    pub fn transcript(&self) -> Transcript {
        Transcript::new("audit_cut/v1")
            .number(self.head.page)
            .number(self.head.sequence)
            .bytes(&self.head.hash)
            .bytes(&self.kept)
    }
}
