//! The row of a version: the columns that its seals do not cover, when it was stored and by whom, have a MAC.

use toolvault_core::digest::sha256;
use toolvault_core::keyring::Keyring;
use toolvault_core::transcript::Transcript;

use crate::error::Error;
use crate::store::versions::VersionRow;

/// Sets the row's MAC over all its other columns except the wrapped data key. The wrap changes with the secret's
/// state and authenticates itself.
pub(crate) fn authenticate(row: &mut VersionRow, keyring: &Keyring) {
    row.mac = keyring.mac_row(&transcript(row)).to_vec();
}

/// Refuses a row that differs from what was stored.
pub(crate) fn verify(row: &VersionRow, keyring: &Keyring) -> Result<(), Error> {
    if keyring.is_row_authentic(&transcript(row), &row.mac) {
        Ok(())
    } else {
        Err(Error::Integrity)
    }
}

fn transcript(row: &VersionRow) -> Transcript {
    Transcript::new("secret_versions/v1")
        .bytes(row.secret_id.as_bytes())
        .number(row.version)
        .bytes(&sha256(&row.value))
        .bytes(&sha256(&row.display))
        .number(row.created_at)
        .text(&row.created_by)
}
