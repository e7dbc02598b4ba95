//! Up to where a reader has read the trail, as it is stored.
//!
//! The row has a MAC: someone who can write to the database can set the position back, but cannot move it past records
//! that were not read.

use toolvault_core::audit::page::Head;
use toolvault_core::identity::UserId;
use toolvault_core::keyring::Keyring;
use toolvault_core::timestamp::Timestamp;
use toolvault_core::transcript::Transcript;
use uuid::Uuid;

use crate::error::Error;
use crate::store::audit_shipped::{self, Reader, ShippedRow};
use crate::store::transaction::Tx;
use crate::writer::change::{Change, Work};

/// Up to where the trail was shipped, and when.
pub(in crate::operations::audit) struct Position {
    pub(in crate::operations::audit) head: Head,
    pub(in crate::operations::audit) shipped_at: Timestamp,
}

impl Position {
    /// The stored position; [`Error::Integrity`] if it is not as it was stored.
    pub(in crate::operations::audit) async fn find(
        tx: &mut Tx,
        keyring: &Keyring,
        reader: Reader,
    ) -> Result<Option<Self>, Error> {
        let Some(row) = audit_shipped::find(tx, reader).await? else {
            return Ok(None);
        };
        let hash = row.hash.as_slice().try_into();
        let position = Self {
            head: Head {
                page: row.page,
                sequence: row.sequence,
                hash: hash.map_err(|_| Error::Integrity)?,
            },
            shipped_at: Timestamp::from_microseconds(row.shipped_at),
        };
        if !keyring.is_row_authentic(&position.transcript(reader), &row.mac) {
            return Err(Error::Integrity);
        }
        Ok(Some(position))
    }

    // One reader's position must not become another's: it may be further.
    fn transcript(&self, reader: Reader) -> Transcript {
        let row = match reader {
            Reader::Shipping => "audit_shipped/v1",
            Reader::Alarms => "audit_alarmed/v1",
        };
        Transcript::new(row)
            .number(self.head.page)
            .number(self.head.sequence)
            .bytes(&self.head.hash)
            .number(self.shipped_at.microseconds())
    }

    pub(super) fn row(&self, keyring: &Keyring, reader: Reader) -> ShippedRow {
        ShippedRow {
            page: self.head.page,
            sequence: self.head.sequence,
            hash: self.head.hash.to_vec(),
            shipped_at: self.shipped_at.microseconds(),
            mac: keyring.mac_row(&self.transcript(reader)).to_vec(),
        }
    }
}

/// Moves the position. It has no record, which would have to be shipped in turn.
pub(super) struct Move {
    pub(super) reader: Reader,
    pub(super) from: i64,
    pub(super) row: ShippedRow,
}

impl Change for Move {
    type Answer = ();

    fn user(&self) -> UserId {
        UserId(Uuid::nil())
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        if !audit_shipped::replace(work.tx, self.reader, self.from, &self.row).await? {
            let why = "another server moved the position in the audit trail meanwhile";
            return Err(Error::Unavailable(Some(why.into())));
        }
        work.has_written = true;
        Ok(())
    }
}
