//! Epochs: how long one signing key signs, and how it hands over to the next.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use super::page::Head;
use crate::confidential::Key;
use crate::entropy::{Entropy, EntropyError};
use crate::envelope::{NumberedKey, OpenError, open, seal};
use crate::identity::InstallationId;
use crate::transcript::Transcript;

/// One epoch as it is stored. The certificate fixes where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Counted from 1.
    pub number: i64,
    /// Its Ed25519 public key, 32 bytes.
    pub public_key: Vec<u8>,
    /// Number of the first page that it signs.
    pub first_page: i64,
    /// The predecessor's signature over all of this and the hash of the page before; empty for the first.
    pub certificate: Vec<u8>,
    /// Hash of the page before the first one, once both are pruned: the certificate covers it.
    pub before: Option<[u8; 32]>,
}

/// The signing key of an epoch.
pub struct Signer {
    /// The epoch.
    pub number: i64,
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Signer")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// A new epoch: its row, its key, and the key's wrapped form.
#[derive(Debug)]
pub struct NewEpoch {
    /// What verifiers need.
    pub epoch: Epoch,
    /// The key that signs.
    pub signer: Signer,
    /// The wrapped key, stored until the epoch ends.
    pub wrapped: Vec<u8>,
}

impl Signer {
    /// Begins the first epoch, or the one after `predecessor`, at the position `head`.
    pub fn begin(
        installation: InstallationId,
        wrap: &NumberedKey,
        predecessor: Option<&Self>,
        head: &Head,
        entropy: &dyn Entropy,
    ) -> Result<NewEpoch, EntropyError> {
        let seed = Key::generate(entropy)?;
        let number = predecessor.map_or(1, |previous| previous.number + 1);
        let signer = Self::from_seed(number, &seed).ok_or(EntropyError)?;
        let mut epoch = Epoch {
            number,
            public_key: signer.public_key().to_vec(),
            first_page: head.page + 1,
            certificate: Vec::new(),
            before: None,
        };
        if let Some(previous) = predecessor {
            let beginning = epoch.signed(installation, head);
            epoch.certificate = previous.pair.sign(beginning.as_slice()).as_ref().to_vec();
        }
        let wrapped = seal(wrap, bind(installation, number), seed.expose(), entropy)?;
        Ok(NewEpoch {
            epoch,
            signer,
            wrapped,
        })
    }

    /// Opens the stored key of an epoch.
    pub fn open(
        installation: InstallationId,
        wrap: &NumberedKey,
        number: i64,
        wrapped: &[u8],
    ) -> Result<Self, OpenError> {
        let seed = open(wrap, bind(installation, number), wrapped)?;
        Key::from_slice(seed.expose())
            .and_then(|seed| Self::from_seed(number, &seed))
            .ok_or(OpenError::Forged)
    }

    /// The key pair that signs pages.
    pub fn pair(&self) -> &Ed25519KeyPair {
        &self.pair
    }

    /// The public key of the epoch.
    pub fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    fn from_seed(number: i64, seed: &Key) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose()).ok()?;
        Some(Self { number, pair })
    }
}

impl Epoch {
    /// Whether the predecessor signed the beginning of this epoch at `head`.
    pub fn is_certified(
        &self,
        installation: InstallationId,
        predecessor: &[u8],
        head: &Head,
    ) -> bool {
        is_signed(
            predecessor,
            self.signed(installation, head).as_slice(),
            &self.certificate,
        )
    }

    fn signed(&self, installation: InstallationId, head: &Head) -> Transcript {
        Transcript::new("toolvault/audit-epoch/v1")
            .bytes(installation.as_bytes())
            .number(self.number)
            .bytes(&self.public_key)
            .number(self.first_page)
            .bytes(&head.hash)
    }
}

pub(super) fn is_signed(public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public_key)
        .verify(message, signature)
        .is_ok()
}

fn bind(installation: InstallationId, number: i64) -> Transcript {
    Transcript::new("toolvault/audit-key/v1")
        .bytes(installation.as_bytes())
        .number(number)
}

#[cfg(test)]
mod tests;
