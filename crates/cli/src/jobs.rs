//! What the server does regularly by itself. A failure is logged, and never blocks a request.
//!
//! [`backup`] and [`checkpoint`] do the work, [`series`] names their files, [`report`] says how it went. Of several servers on one database only one
//! does it, as long as it runs.

mod backup;
mod checkpoint;
mod report;
mod series;

use std::cell::RefCell;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use toolvault_core::timestamp::Timestamp;
use toolvault_server::{Job, ServerHandle};
use toolvault_vault::{Lead, Vault};

use self::backup::BackupWork;
use self::checkpoint::CheckpointWork;
pub(crate) use self::report::{JobReport, report};
use crate::config::Configuration;
use crate::environment::Environment;
use crate::failure::with_causes;

/// How often to look whether something is due, at least.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// The work of a job.
trait Work {
    /// When it was last done.
    fn newest(&self, now: Timestamp) -> Result<Option<Timestamp>, String>;

    /// Does it, and returns the time that it was done at.
    async fn run(&self) -> Result<Timestamp, String>;
}

/// Does the jobs that are configured, until `stop`.
pub(crate) async fn run(
    vault: &Vault,
    server: &ServerHandle,
    configuration: &Configuration,
    environment: &Environment,
    stop: &CancellationToken,
) {
    let runner = Runner {
        vault,
        server,
        stop,
    };
    let backups = async {
        if let Some(settings) = configuration.backups.clone() {
            let work = BackupWork {
                vault: vault.clone(),
                stop: stop.clone(),
                settings,
            };
            let every = work.settings.every;
            runner.repeat(Job::Backup, every, &work).await;
        }
    };
    let checkpoints = async {
        if let Some(settings) = configuration.checkpoints.clone() {
            let work = CheckpointWork {
                vault: vault.clone(),
                withheld: environment.iter().map(|(name, _)| name.into()).collect(),
                last: RefCell::default(),
                settings,
            };
            let every = work.settings.every;
            runner.repeat(Job::Checkpoint, every, &work).await;
        }
    };
    tokio::join!(backups, checkpoints);
}

struct Runner<'a> {
    vault: &'a Vault,
    server: &'a ServerHandle,
    stop: &'a CancellationToken,
}

impl Runner<'_> {
    async fn repeat(&self, job: Job, every: i64, work: &impl Work) {
        let pause = Duration::from_micros(every.unsigned_abs()).min(LOOK_EVERY);
        let mut lead = self.vault.lead(job.name());
        while !self.stop.is_cancelled() {
            // What is being done when the server stops is dropped; it leaves no file.
            tokio::select! {
                () = self.look(job, every, work, &mut lead) => {}
                () = self.stop.cancelled() => return,
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// Does the work if it is due, and if no other server does it.
    async fn look(&self, job: Job, every: i64, work: &impl Work, lead: &mut Lead) {
        let jobs = self.server.jobs();
        let done = async {
            let now = self.vault.clock().now();
            let last = work.newest(now)?;
            jobs.found(job, last);
            if !is_due(last, every, now) {
                return Ok(None);
            }
            let leads = lead.is_held().await;
            if !leads.map_err(|error| with_causes(&error))? {
                return Ok(None);
            }
            work.run().await.map(Some)
        };
        match done.await {
            Ok(Some(at)) => {
                jobs.succeeded(job, at);
                tracing::info!(job = job.name(), "a job of the server is done");
            }
            Ok(None) => {}
            Err(why) => {
                tracing::error!(job = job.name(), error = why, "a job of the server failed");
                jobs.failed(job, &why);
            }
        }
    }
}

fn is_due(last: Option<Timestamp>, every: i64, now: Timestamp) -> bool {
    last.is_none_or(|last| now.since(last) >= every)
}

#[cfg(test)]
mod tests {
    use toolvault_core::timestamp::SECOND;

    use super::*;

    #[test]
    fn what_was_never_done_or_long_ago_is_due() {
        let now = Timestamp::from_microseconds(1_800_000_000 * SECOND);
        assert!(is_due(None, SECOND, now));
        assert!(is_due(Some(now.plus(-SECOND)), SECOND, now));
        assert!(!is_due(Some(now.plus(1 - SECOND)), SECOND, now));
    }
}
