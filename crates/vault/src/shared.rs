//! The state that all operations of one vault share.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use toolvault_core::api_key::KeyId;
use toolvault_core::audit::epoch::Signer;
use toolvault_core::entropy::Entropy;
use toolvault_core::keyring::Keyring;
use toolvault_core::timestamp::Timestamp;

use crate::cache::Cache;
use crate::channel::Channel;
use crate::clock::Clock;
use crate::error::Error;
use crate::journal::Journal;
use crate::operations::audit::Progress;
use crate::operations::forwarding::Accepted;
use crate::settings::Settings;
use crate::store::audit::HeadRow;
use crate::store::database::Database;
use crate::writer::sign_in_failures::SignInFailures;

pub(crate) struct Shared {
    pub(crate) database: Database,
    pub(crate) keyring: Keyring,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) settings: Settings,
    pub(crate) cache: Cache,
    pub(crate) channel: Channel,
    /// The forwarded requests that this process accepted lately.
    pub(crate) accepted: Mutex<Accepted>,
    pub(crate) sign_in_failures: SignInFailures,
    /// `None` on PostgreSQL.
    pub(crate) journal: Option<Arc<Journal>>,
    /// Cancelled when the storage can no longer be trusted; the process must then exit.
    pub(crate) failed: CancellationToken,
    pub(crate) signer: Mutex<Option<Arc<Signer>>>,
    pub(crate) key_uses: Mutex<HashMap<KeyId, Timestamp>>,
    /// How far the verification of the audit trail has come that reported last.
    pub(crate) verifying: Mutex<Progress>,
    /// When the last write ended, and whether it succeeded.
    pub(crate) last_write: Mutex<Option<(Instant, bool)>>,
}

impl Shared {
    /// Stops the process if the storage reports lost or damaged data.
    pub(crate) fn watch(&self, error: &Error) {
        if error.is_fatal() {
            self.distrust();
        }
    }

    /// Makes the process exit instead of trusting its pages in memory.
    pub(crate) fn distrust(&self) {
        tracing::error!("the storage reports lost or damaged data; stopping");
        self.failed.cancel();
    }

    pub(crate) fn note_write(&self, has_succeeded: bool) {
        *self.last_write.lock() = Some((Instant::now(), has_succeeded));
    }

    /// The signing key of the head's epoch.
    pub(crate) fn signer(&self, head: &HeadRow) -> Result<Arc<Signer>, Error> {
        let mut cached = self.signer.lock();
        if let Some(signer) = cached.as_ref().filter(|signer| signer.number == head.epoch) {
            return Ok(Arc::clone(signer));
        }
        let installation = self.keyring.installation();
        let wrap = self.keyring.audit();
        let signer = Arc::new(Signer::open(
            installation,
            wrap,
            head.epoch,
            &head.signing_key,
        )?);
        *cached = Some(Arc::clone(&signer));
        Ok(signer)
    }
}
