//! Reads a backup, and believes nothing in it that its chunks do not prove.

use std::io::Read;

use toolvault_core::backup::row::{self, Value};
use toolvault_core::backup::{Chunks, FormatError, Header, PREFIX, SEALED_CHUNK};
use toolvault_core::keyring::{Keyring, KeyringError};

use super::Contents;
use super::restore::RestoreError;
use crate::root_key::RootKeySource;
use crate::store::{backup, database};

/// The longest row, in bytes. A page of the audit trail with 512 records of the longest names is a third of it.
const LONGEST_ROW: usize = 64 << 20;
/// The longest description of the contents, in bytes.
const LONGEST_CONTENTS: usize = 1 << 20;
/// The bytes of a length.
const LENGTH: usize = 4;

/// The rows of a backup, one after the other.
pub(crate) struct Reader<R> {
    file: R,
    chunks: Chunks,
    /// Sealed bytes that were read; one more than a chunk, to tell whether it is the last one.
    sealed: Vec<u8>,
    plaintext: Vec<u8>,
    at: usize,
    is_at_end: bool,
}

/// The beginning of a backup, opened.
pub(crate) struct Opened<R> {
    pub(crate) reader: Reader<R>,
    pub(crate) keyring: Keyring,
    pub(crate) contents: Contents,
}

/// Opens the file. A wrong root key is refused here.
pub(crate) async fn open<R: Read>(
    mut file: R,
    root_key: &RootKeySource,
) -> Result<Opened<R>, RestoreError> {
    let beginning = Beginning::read(&mut file)?;
    let header = &beginning.header;
    let root = root_key.load(&header.root_key_salt).await?;
    let keyring = Keyring::open(&root, header.installation, &header.keyring);
    let keyring = keyring.map_err(|error| match error {
        KeyringError::WrongRootKey => RestoreError::WrongRootKey,
        KeyringError::Missing(_) => FormatError::Damaged.into(),
    })?;
    let (reader, contents) = beginning.open(file, &keyring)?;
    Ok(Opened {
        reader,
        keyring,
        contents,
    })
}

/// Reads a backup of the store that has this keyring to its end, and returns what is in it.
pub(crate) fn check(mut file: impl Read, keyring: &Keyring) -> Result<Contents, RestoreError> {
    let beginning = Beginning::read(&mut file)?;
    let (mut reader, contents) = beginning.open(file, keyring)?;
    for table in &contents.tables {
        for _ in 0..table.rows {
            reader.row(table.columns.len())?;
        }
    }
    reader.finish()?;
    Ok(contents)
}

/// What a backup begins with. It is not authenticated before the first chunk is opened.
struct Beginning {
    bytes: Vec<u8>,
    header: Header,
}

impl Beginning {
    fn read(file: &mut impl Read) -> Result<Self, RestoreError> {
        let mut bytes = take(file, PREFIX)?;
        let header = take(file, Header::length(&bytes)?)?;
        bytes.extend_from_slice(&header);
        let header = Header::read(&header)?;
        Ok(Self { bytes, header })
    }

    /// The rows that follow it in the file, and what they are.
    fn open<R: Read>(
        &self,
        file: R,
        keyring: &Keyring,
    ) -> Result<(Reader<R>, Contents), RestoreError> {
        let chunks = Chunks::new(keyring, &self.header, &self.bytes);
        let mut reader = Reader {
            file,
            chunks: chunks.map_err(|_| FormatError::Damaged)?,
            sealed: Vec::with_capacity(SEALED_CHUNK + 1),
            plaintext: Vec::new(),
            at: 0,
            is_at_end: false,
        };
        let contents = reader.part(LONGEST_CONTENTS)?;
        let contents: Contents =
            serde_json::from_slice(&contents).map_err(|_| FormatError::Damaged)?;
        if contents.schema > database::newest_schema() {
            return Err(RestoreError::Newer(contents.version));
        }
        let tables = contents.tables.iter().map(|table| table.name.as_str());
        if !tables.eq(backup::tables(contents.schema)) {
            return Err(RestoreError::OtherTables(contents.version));
        }
        Ok((reader, contents))
    }
}

/// At most `length` bytes: fewer at the end of the file.
fn take(file: &mut impl Read, length: usize) -> Result<Vec<u8>, RestoreError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(length).unwrap_or(u64::MAX);
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(RestoreError::File)?;
    Ok(bytes)
}

impl<R: Read> Reader<R> {
    /// The next row, with this many columns.
    pub(crate) fn row(&mut self, columns: usize) -> Result<Vec<Value>, RestoreError> {
        let row = self.part(LONGEST_ROW)?;
        Ok(row::read(&row, columns)?)
    }

    /// Requires that the backup ends here.
    pub(crate) fn finish(self) -> Result<(), RestoreError> {
        if self.is_at_end && self.at == self.plaintext.len() {
            Ok(())
        } else {
            Err(FormatError::Damaged.into())
        }
    }

    /// The next part, which is preceded by its length.
    fn part(&mut self, longest: usize) -> Result<Vec<u8>, RestoreError> {
        let mut length = [0; LENGTH];
        let found = self.bytes(LENGTH)?;
        length.copy_from_slice(&found);
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > longest {
            return Err(FormatError::Damaged.into());
        }
        self.bytes(length)
    }

    /// The next bytes of the plaintext. They take memory only as they come.
    fn bytes(&mut self, length: usize) -> Result<Vec<u8>, RestoreError> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let rest = self.plaintext.get(self.at..).unwrap_or_default();
            let count = rest.len().min(length - bytes.len());
            bytes.extend_from_slice(rest.get(..count).unwrap_or_default());
            self.at += count;
            if bytes.len() < length {
                self.refill()?;
            }
        }
        Ok(bytes)
    }

    /// Opens the next chunk; what was left of the one before stays.
    fn refill(&mut self) -> Result<(), RestoreError> {
        if self.is_at_end {
            return Err(FormatError::Damaged.into());
        }
        let missing = (SEALED_CHUNK + 1).saturating_sub(self.sealed.len());
        let more = take(&mut self.file, missing)?;
        self.sealed.extend_from_slice(&more);
        self.is_at_end = self.sealed.len() <= SEALED_CHUNK;
        let rest = self.sealed.split_off(self.sealed.len().min(SEALED_CHUNK));
        let opened = self.chunks.open(&self.sealed, self.is_at_end);
        let opened = opened.map_err(|_| FormatError::Damaged)?;
        self.sealed = rest;
        self.plaintext.drain(..self.at.min(self.plaintext.len()));
        self.at = 0;
        self.plaintext.extend_from_slice(opened.expose());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
