//! What the server does by itself. A failure is logged, and never blocks a request.
//!
//! [`backup`], [`checkpoint`] and [`prune`] do what is due now and then, [`series`] names their files, and [`ship`] ships
//! audit records as they are written; so [`export`] does with traces. [`alarms`] sends those that people have to know of.
//! [`mod@report`] says how it went. Of several servers on one database only one does it, as long as it runs.

mod alarms;
mod backup;
mod checkpoint;
mod prune;
mod report;
mod retry;
mod series;
mod ship;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_gateway::bucket::Bucket;
use toolvault_gateway::shipping::Receiver;
use toolvault_gateway::traces::Exporter;
use toolvault_server::{Job, ServerHandle};
use toolvault_vault::{Lead, Vault};

use self::alarms::Alarmer;
use self::backup::BackupWork;
use self::checkpoint::CheckpointWork;
use self::prune::PruneWork;
pub(crate) use self::report::{JobReport, report};
use self::series::Series;
use self::ship::Shipper;
use crate::alarms::Sender;
use crate::config::Configuration;
use crate::environment::Environment;
use crate::failure::{Failure, with_causes};
use crate::traces::export;

/// How often to look whether something is due, at least.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// How often old audit records are deleted, in microseconds: the trail is verified each time.
const PRUNE_EVERY: i64 = 86_400 * SECOND;

/// The work of a job.
trait Work {
    /// The files that it makes, if it makes any.
    fn series(&self) -> Option<Series>;

    /// When this process last did it, for work that makes no files.
    fn last(&self) -> Option<Timestamp>;

    /// Whether it failed so lately that it is not due again yet.
    fn waits(&self, _now: Timestamp) -> bool {
        false
    }

    /// Does it, and returns the time that it was done at.
    async fn run(&self) -> Result<Timestamp, String>;
}

/// What jobs send to elsewhere.
pub(crate) struct Connections {
    receiver: Option<Receiver>,
    bucket: Option<Bucket>,
    sender: Option<Sender>,
    exporter: Option<Exporter>,
}

impl Connections {
    /// The clients for what is configured. Nothing is connected yet.
    pub(crate) fn of(
        configuration: &Configuration,
        environment: &Environment,
        exporter: Option<Exporter>,
    ) -> Result<Self, Failure> {
        let refused = |part: &str, error: &dyn std::error::Error| {
            Failure::refused(format!("{part}: {}", with_causes(error)))
        };
        let receiver = configuration.shipping.clone();
        let receiver = receiver.map(|settings| {
            let (url, policy) = (settings.destination.url, settings.destination.policy);
            Receiver::new(url, policy, settings.allows_unclean_end)
        });
        let checkpoints = configuration.checkpoints.as_ref();
        let bucket = checkpoints.and_then(|settings| settings.bucket.clone());
        let bucket = bucket.map(|settings| {
            let (region, id) = (settings.region, settings.access_key_id);
            Bucket::new(&settings.url, region, id, settings.policy)
        });
        let alarms = configuration.alarms.as_ref();
        let sender = alarms.map(|settings| Sender::of(settings, environment));
        Ok(Self {
            exporter,
            sender: sender.transpose()?,
            receiver: receiver
                .transpose()
                .map_err(|error| refused("audit.ship", &error))?,
            bucket: bucket
                .transpose()
                .map_err(|error| refused("audit.checkpoints.s3", &error))?,
        })
    }
}

/// Does the jobs that are configured, until `stop`. It never returns.
pub(crate) async fn run(
    vault: &Vault,
    server: &ServerHandle,
    configuration: &Configuration,
    environment: &Environment,
    mut connections: Connections,
    stop: &CancellationToken,
) -> Infallible {
    let exporter = connections.exporter.take();
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
                bucket: connections.bucket.clone(),
                settings,
            };
            let every = work.settings.every;
            runner.repeat(Job::Checkpoint, every, &work).await;
        }
    };
    let prunes = async {
        if let Some(keep) = configuration.audit_keep {
            let work = PruneWork {
                vault: vault.clone(),
                keep,
                tried: Cell::default(),
            };
            runner.repeat(Job::Prune, PRUNE_EVERY, &work).await;
        }
    };
    let exports = async {
        if let (Some(settings), Some(exporter)) = (&configuration.tracing, exporter) {
            export::run(exporter, vault.installation(), settings).await;
        }
    };
    let follows = runner.follow(configuration, &connections);
    tokio::join!(backups, checkpoints, prunes, follows, exports);
    std::future::pending().await
}

struct Runner<'a> {
    vault: &'a Vault,
    server: &'a ServerHandle,
    stop: &'a CancellationToken,
}

impl Runner<'_> {
    /// What follows the audit trail as it is written.
    async fn follow(&self, configuration: &Configuration, connections: &Connections) {
        let (vault, server, stop) = (self.vault, self.server, self.stop);
        let ships = async {
            if let (Some(settings), Some(receiver)) =
                (&configuration.shipping, &connections.receiver)
            {
                let shipper = Shipper {
                    vault,
                    server,
                    stop,
                    settings,
                    receiver,
                };
                shipper.run().await;
            }
        };
        let alarms = async {
            if let (Some(settings), Some(sender)) = (&configuration.alarms, &connections.sender) {
                let alarmer = Alarmer {
                    vault,
                    server,
                    stop,
                    settings,
                    sender,
                };
                alarmer.run().await;
            }
        };
        tokio::join!(ships, alarms);
    }

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

    /// When the newest file was made. As long as the directory does not answer, that is a failure again and again.
    async fn newest(
        &self,
        job: Job,
        series: Series,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, String> {
        let mut listing = pin!(off_the_runtime(move || {
            let newest = series.newest(now).map_err(|error| error.to_string())?;
            Ok(newest.map(|(at, _)| at))
        }));
        loop {
            match tokio::time::timeout(LOOK_EVERY, &mut listing).await {
                Ok(newest) => return newest,
                Err(_) => self.failed(job, "its directory does not answer"),
            }
        }
    }

    fn failed(&self, job: Job, why: &str) {
        tracing::error!(job = job.name(), error = why, "a job of the server failed");
        self.server.jobs().failed(job, why);
    }

    /// Does the work if it is due, and if no other server does it.
    async fn look(&self, job: Job, every: i64, work: &impl Work, lead: &mut Lead) {
        let jobs = self.server.jobs();
        let done = async {
            let now = self.vault.clock().now();
            let last = match work.series() {
                Some(series) => self.newest(job, series, now).await?,
                None => work.last(),
            };
            jobs.found(job, last);
            // Also when nothing is due, so that one server leads at any time.
            let leads = lead.is_held().await.map_err(|error| with_causes(&error))?;
            jobs.leads(job, leads, lead.holder());
            if !leads || work.waits(now) || !is_due(last, every, now) {
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
            Err(why) => self.failed(job, &why),
        }
    }
}

/// Runs what blocks, as all work on a directory does: it may be on another machine that does not answer.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| error.to_string())?
}

fn is_due(last: Option<Timestamp>, every: i64, now: Timestamp) -> bool {
    last.is_none_or(|last| now.since(last) >= every)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_done_or_long_ago_is_due() {
        let now = Timestamp::from_microseconds(1_800_000_000 * SECOND);
        assert!(is_due(None, SECOND, now));
        assert!(is_due(Some(now.plus(-SECOND)), SECOND, now));
        assert!(!is_due(Some(now.plus(1 - SECOND)), SECOND, now));
    }
}
