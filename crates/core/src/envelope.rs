//! How confidential bytes are sealed: AES-256-GCM (NIST SP 800-38D) with additional data.
//!
//! This file holds the one format that all sealed bytes share; [`version`] seals a version of a
//! secret. A sealed blob is
//! `format (1) ‖ suite (1) ‖ key id (4) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`.
//! The key is chosen by its ID, never by trial.

pub mod version;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::confidential::{Confidential, Key, Wiped};
use crate::entropy::{Entropy, EntropyError};
use crate::transcript::Transcript;

const FORMAT: u8 = 1;
const SUITE_AES_256_GCM: u8 = 1;
const NONCE_LENGTH: usize = 12;
const TAG_LENGTH: usize = 16;
const HEADER_LENGTH: usize = 6;
/// How much longer sealed bytes are than the plaintext.
pub const OVERHEAD: usize = HEADER_LENGTH + NONCE_LENGTH + TAG_LENGTH;

/// Why sealed bytes were not opened. No variant reveals the content.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OpenError {
    /// There are fewer bytes than the smallest sealed blob has.
    #[error("sealed bytes are truncated")]
    Truncated,
    /// The format or suite byte is unknown.
    #[error("sealed bytes have an unknown format")]
    UnknownFormat,
    /// The blob names a key other than the given one.
    #[error("sealed bytes name an unknown key")]
    UnknownKey,
    /// The bytes, or the identity they are bound to, were changed.
    #[error("sealed bytes were changed or moved")]
    Forged,
}

/// A key and the number by which blobs refer to it.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "a key has no printable form")]
pub struct NumberedKey {
    /// The number in the header of each blob sealed with it.
    pub id: u32,
    /// The key itself.
    pub key: Key,
}

/// Seals `plaintext` under `key`, bound to `additional`.
pub fn seal(
    key: &NumberedKey,
    additional: Transcript,
    plaintext: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, EntropyError> {
    let mut nonce = [0; NONCE_LENGTH];
    entropy.fill(&mut nonce)?;
    let mut sealed = Vec::with_capacity(OVERHEAD + plaintext.len());
    sealed.extend_from_slice(&[FORMAT, SUITE_AES_256_GCM]);
    sealed.extend_from_slice(&key.id.to_be_bytes());
    sealed.extend_from_slice(&nonce);

    // Reserve room for the tag first: a vector that grows leaves its old bytes behind.
    let mut body = Wiped::new(Vec::with_capacity(plaintext.len() + TAG_LENGTH));
    body.extend_from_slice(plaintext);
    let bound = bind(additional, key.id);
    cipher(&key.key)
        .and_then(|cipher| {
            let nonce = Nonce::assume_unique_for_key(nonce);
            cipher.seal_in_place_append_tag(nonce, Aad::from(bound.as_slice()), &mut *body)
        })
        .map_err(|_| EntropyError)?;
    sealed.extend_from_slice(&body);
    Ok(sealed)
}

/// Opens what [`seal`] made with the same key and additional data.
pub fn open(
    key: &NumberedKey,
    additional: Transcript,
    sealed: &[u8],
) -> Result<Confidential, OpenError> {
    let parts = Parts::read(sealed)?;
    if parts.key_id != key.id {
        return Err(OpenError::UnknownKey);
    }
    let mut body = Wiped::new(parts.body.to_vec());
    let bound = bind(additional, key.id);
    let plaintext = cipher(&key.key)
        .and_then(|cipher| {
            let nonce = Nonce::assume_unique_for_key(parts.nonce);
            cipher.open_in_place(nonce, Aad::from(bound.as_slice()), &mut body)
        })
        .map_err(|_| OpenError::Forged)?;
    Ok(Confidential::new(plaintext.to_vec()))
}

/// The id of the key that opens `sealed`.
pub fn key_id(sealed: &[u8]) -> Result<u32, OpenError> {
    Parts::read(sealed).map(|parts| parts.key_id)
}

struct Parts<'a> {
    key_id: u32,
    nonce: [u8; NONCE_LENGTH],
    body: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(sealed: &'a [u8]) -> Result<Self, OpenError> {
        let (format, rest) = sealed
            .split_first_chunk::<2>()
            .ok_or(OpenError::Truncated)?;
        let (key_id, rest) = rest.split_first_chunk::<4>().ok_or(OpenError::Truncated)?;
        let (nonce, body) = rest
            .split_first_chunk::<NONCE_LENGTH>()
            .ok_or(OpenError::Truncated)?;
        if *format != [FORMAT, SUITE_AES_256_GCM] {
            return Err(OpenError::UnknownFormat);
        }
        if body.len() < TAG_LENGTH {
            return Err(OpenError::Truncated);
        }
        Ok(Self {
            key_id: u32::from_be_bytes(*key_id),
            nonce: *nonce,
            body,
        })
    }
}

/// The header is authenticated too, so that a suite or key ID cannot be swapped for another.
fn bind(additional: Transcript, key_id: u32) -> Transcript {
    additional
        .bytes(&[FORMAT, SUITE_AES_256_GCM])
        .number(i64::from(key_id))
}

fn cipher(key: &Key) -> Result<LessSafeKey, aws_lc_rs::error::Unspecified> {
    UnboundKey::new(&AES_256_GCM, key.expose()).map(LessSafeKey::new)
}

#[cfg(test)]
mod tests;
