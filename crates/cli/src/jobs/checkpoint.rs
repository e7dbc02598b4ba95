//! Writes checkpoints of the audit trail to a directory, a command and a bucket.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use toolvault_core::audit::checkpoint::Checkpoint;
use toolvault_core::identity::InstallationId;
use toolvault_core::signature_v4::date_and_time;
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_gateway::bucket::Bucket;
use toolvault_vault::{Caller, Vault};

use super::series::Series;
use super::{Work, off_the_runtime};
use crate::config::Checkpoints;
use crate::failure::with_causes;
use crate::hand_over::hand_over;
use crate::store::own_uid;

/// The longest checkpoint, in bytes. They have about 350.
const LONGEST: u64 = 4_096;

pub(super) struct CheckpointWork {
    pub(super) vault: Vault,
    pub(super) settings: Checkpoints,
    pub(super) bucket: Option<Bucket>,
    /// The variables that the command does not get: our own settings, of which one may be the root key.
    pub(super) withheld: Vec<OsString>,
    /// The newest one that this process wrote.
    pub(super) last: RefCell<Option<Checkpoint>>,
}

impl CheckpointWork {
    /// The checkpoint before this one, which the trail must still contain.
    async fn previous(&self, now: Timestamp) -> Result<Option<Checkpoint>, String> {
        let Some(series) = self.series() else {
            return Ok(self.last.borrow().clone());
        };
        off_the_runtime(move || {
            let newest = series.newest(now).map_err(|error| error.to_string())?;
            newest.map(|(_, path)| read(&path)).transpose()
        })
        .await
    }

    /// Writes the checkpoint of this time to the bucket, if there is one.
    async fn put(&self, at: Timestamp, line: &[u8]) -> Result<(), String> {
        let (Some(bucket), Some(settings)) = (&self.bucket, &self.settings.bucket) else {
            return Ok(());
        };
        let secret = settings.secret.clone();
        let secret = off_the_runtime(move || secret.read()).await;
        let secret = secret.map_err(|why| format!("audit.checkpoints.s3: {why}"))?;
        let name = object_name(self.vault.installation(), at);
        let now = self.vault.clock().now();
        let written = bucket.put(&name, line.to_vec(), &secret, now).await;
        written.map_err(|error| with_causes(&error))
    }
}

impl Work for CheckpointWork {
    fn series(&self) -> Option<Series> {
        let directory = self.settings.directory.as_deref()?;
        Some(Series::checkpoints(directory, self.vault.installation()))
    }

    fn last(&self) -> Option<Timestamp> {
        self.last.borrow().as_ref().map(|last| last.at)
    }

    async fn run(&self) -> Result<Timestamp, String> {
        let caller = Caller::local(own_uid(), None);
        let previous = self.previous(self.vault.clock().now()).await?;
        let made = self.vault.checkpoint(&caller, previous.as_ref()).await;
        let made = made.map_err(|error| with_causes(&error))?;
        let Some(checkpoint) = made else {
            return Err(
                "the audit trail does not contain the page of the newest checkpoint: the store was set back to an \
                 earlier state; run: toolvault audit verify --checkpoint PATH. If you restored a backup, move the \
                 newer checkpoints away"
                    .to_owned(),
            );
        };
        let mut line = serde_json::to_vec(&checkpoint).map_err(|error| error.to_string())?;
        line.push(b'\n');
        // The file counts as done, so it comes last: if the command or the bucket fails, it gets the next one soon.
        if !self.settings.command.is_empty() {
            hand_over(&self.settings.command, &self.withheld, &line).await?;
        }
        self.put(checkpoint.at, &line).await?;
        if let Some(series) = self.series() {
            let at = checkpoint.at;
            off_the_runtime(move || {
                let written = series.begin(at).and_then(|mut file| {
                    file.write(&line)?;
                    file.finish()
                });
                written.map_err(|error| error.to_string())
            })
            .await?;
        }
        let at = checkpoint.at;
        self.last.replace(Some(checkpoint));
        Ok(at)
    }
}

/// Names in the order of their times, to the microsecond: a server that starts again at once must not need a name twice.
fn object_name(installation: InstallationId, at: Timestamp) -> String {
    let moment = date_and_time(at);
    let second = moment.trim_end_matches('Z');
    let fraction = at.microseconds().rem_euclid(SECOND);
    format!("toolvault-{installation}-{second}.{fraction:06}Z.checkpoint")
}

fn read(path: &Path) -> Result<Checkpoint, String> {
    let failed = |why: &dyn std::fmt::Display| {
        let path = path.display();
        format!("cannot read {path}, the newest checkpoint: {why}; move it away")
    };
    // Whoever can write to the directory must not fill our memory.
    let mut text = String::new();
    let file = File::open(path).map_err(|error| failed(&error))?;
    let read = file.take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| failed(&error))?;
    serde_json::from_str(&text).map_err(|error| failed(&error))
}
