//! The format of a backup: a header, then a stream of rows in sealed chunks. It belongs to no database engine.
//!
//! ```text
//! beginning:  magic, length of the header (4 bytes, big-endian), header as JSON
//! chunks:     each sealed (see `envelope`) and of the same size, except the last one
//! plaintext:  length (4 bytes) and manifest as JSON, then the rows: length (4 bytes) and row (see `row`)
//! ```
//!
//! The header holds the keyring, wrapped by the root key as in the database, and a salt. The key of the chunks is derived
//! from both, so a wrong root key is noticed before anything else is read. Each chunk is bound to its number, to whether
//! it is the last one, and to the hash of the beginning: a file that is cut, reordered, lengthened or changed anywhere does
//! not open. No length outside the beginning has to be believed.

pub mod row;

use serde::{Deserialize, Serialize};

use crate::confidential::Confidential;
use crate::digest::{from_hexadecimal, hexadecimal, sha256};
use crate::entropy::{Entropy, EntropyError};
use crate::envelope::{self, NumberedKey, OVERHEAD, OpenError};
use crate::identity::InstallationId;
use crate::keyring::{Keyring, WrappedKey};
use crate::transcript::Transcript;

const MAGIC: &[u8] = b"toolvault/backup/v1\n";
/// What a file of any version of the format begins with.
const ANY_MAGIC: &[u8] = b"toolvault/backup/";
const LENGTH: usize = 4;
/// How many bytes tell how long the beginning is.
pub const PREFIX: usize = MAGIC.len() + LENGTH;
/// The longest header, in bytes: room for hundreds of keys.
const LONGEST_HEADER: usize = 256 << 10;
const SALT: usize = 32;
/// How much plaintext each chunk has, except the last one.
const CHUNK: usize = 64 << 10;
/// The size of each sealed chunk, except the last one.
pub const SEALED_CHUNK: usize = CHUNK + OVERHEAD;

/// Why a file is not a backup that can be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FormatError {
    /// It begins with something else.
    #[error("this is not a backup of Toolvault")]
    Unknown,
    /// It has another version of the format.
    #[error(
        "the backup has a format that this version does not know; use a newer version of Toolvault"
    )]
    Newer,
    /// A part of it cannot be what was written.
    #[error("the backup is damaged or not complete")]
    Damaged,
}

/// What is needed to find the key of a backup. It holds nothing that is confidential.
#[derive(Clone, Debug)]
pub struct Header {
    /// The installation that was backed up.
    pub installation: InstallationId,
    /// The salt for a passphrase as root key.
    pub root_key_salt: Vec<u8>,
    /// The keyring, wrapped by the root key.
    pub keyring: Vec<WrappedKey>,
    salt: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderText {
    installation: InstallationId,
    root_key_salt: String,
    keyring: Vec<(u32, String, String)>,
    salt: String,
}

impl Header {
    /// The header of a new backup.
    pub fn new(
        installation: InstallationId,
        root_key_salt: Vec<u8>,
        keyring: Vec<WrappedKey>,
        entropy: &dyn Entropy,
    ) -> Result<Self, EntropyError> {
        let mut salt = vec![0; SALT];
        entropy.fill(&mut salt)?;
        Ok(Self {
            installation,
            root_key_salt,
            keyring,
            salt,
        })
    }

    /// The beginning of the file.
    pub fn write(&self) -> Result<Vec<u8>, FormatError> {
        let keyring = self.keyring.iter();
        let text = HeaderText {
            installation: self.installation,
            root_key_salt: hexadecimal(&self.root_key_salt),
            keyring: keyring
                .map(|key| (key.id, key.purpose.clone(), hexadecimal(&key.wrapped)))
                .collect(),
            salt: hexadecimal(&self.salt),
        };
        let text = serde_json::to_vec(&text).map_err(|_| FormatError::Damaged)?;
        let length = u32::try_from(text.len()).map_err(|_| FormatError::Damaged)?;
        if text.len() > LONGEST_HEADER {
            return Err(FormatError::Damaged);
        }
        Ok([MAGIC, &length.to_be_bytes(), &text].concat())
    }

    /// How long the header is, from the first bytes of the file.
    pub fn length(prefix: &[u8]) -> Result<usize, FormatError> {
        if !prefix.starts_with(ANY_MAGIC) {
            return Err(FormatError::Unknown);
        }
        let length = prefix.strip_prefix(MAGIC).ok_or(FormatError::Newer)?;
        let length: [u8; LENGTH] = length.try_into().map_err(|_| FormatError::Damaged)?;
        usize::try_from(u32::from_be_bytes(length))
            .ok()
            .filter(|length| *length <= LONGEST_HEADER)
            .ok_or(FormatError::Damaged)
    }

    /// The header, from what follows the first bytes.
    pub fn read(header: &[u8]) -> Result<Self, FormatError> {
        let text: HeaderText = serde_json::from_slice(header).map_err(|_| FormatError::Damaged)?;
        let bytes = |digits: &str| from_hexadecimal(digits).ok_or(FormatError::Damaged);
        let keyring = text.keyring.into_iter().map(|(id, purpose, wrapped)| {
            let wrapped = bytes(&wrapped)?;
            Ok(WrappedKey {
                id,
                purpose,
                wrapped,
            })
        });
        Ok(Self {
            installation: text.installation,
            root_key_salt: bytes(&text.root_key_salt)?,
            keyring: keyring.collect::<Result<_, _>>()?,
            salt: bytes(&text.salt)?,
        })
    }
}

/// Seals or opens the chunks of one backup, in order.
#[expect(missing_debug_implementations, reason = "a key has no printable form")]
pub struct Chunks {
    key: NumberedKey,
    beginning: [u8; 32],
    next: i64,
}

impl Chunks {
    /// The chunks of the backup with this header and beginning.
    pub fn new(keyring: &Keyring, header: &Header, beginning: &[u8]) -> Result<Self, OpenError> {
        Ok(Self {
            key: keyring.backup(&header.salt)?,
            beginning: sha256(beginning),
            next: 0,
        })
    }

    /// Opens the next chunk.
    pub fn open(&mut self, sealed: &[u8], is_last: bool) -> Result<Confidential, OpenError> {
        let bound = self.bind(is_last);
        envelope::open(&self.key, bound, sealed)
    }

    fn seal(
        &mut self,
        plaintext: &[u8],
        is_last: bool,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, EntropyError> {
        let bound = self.bind(is_last);
        envelope::seal(&self.key, bound, plaintext, entropy)
    }

    fn bind(&mut self, is_last: bool) -> Transcript {
        let number = self.next;
        self.next += 1;
        Transcript::new("toolvault/backup-chunk/v1")
            .bytes(&self.beginning)
            .number(number)
            .number(i64::from(is_last))
    }
}

/// Splits what is written into sealed chunks.
#[expect(missing_debug_implementations, reason = "it holds a key and plaintext")]
pub struct Packer {
    chunks: Chunks,
    waiting: Vec<u8>,
}

impl Packer {
    /// Nothing is written yet.
    pub fn new(chunks: Chunks) -> Self {
        Self {
            chunks,
            waiting: Vec::with_capacity(2 * CHUNK),
        }
    }

    /// Takes the next bytes of the plaintext, and returns the chunks that are full.
    pub fn write(&mut self, bytes: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, EntropyError> {
        self.waiting.extend_from_slice(bytes);
        let mut full = Vec::new();
        // A chunk that is full stays until more follows: it may be the last one.
        while let Some((chunk, rest)) = self.waiting.split_at_checked(CHUNK)
            && !rest.is_empty()
        {
            full.extend(self.chunks.seal(chunk, false, entropy)?);
            self.waiting.drain(..CHUNK);
        }
        Ok(full)
    }

    /// Ends the plaintext, and returns the last chunk.
    pub fn finish(mut self, entropy: &dyn Entropy) -> Result<Vec<u8>, EntropyError> {
        self.chunks.seal(&self.waiting, true, entropy)
    }
}

#[cfg(test)]
mod tests;
