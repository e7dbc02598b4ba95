//! How the jobs went that the server does by itself: backups, checkpoints, retention and shipping of the audit
//! trail, and alarms.

mod alarms;
mod shipping;

use std::collections::BTreeMap;

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::LeadHolder;

pub use self::alarms::Alarms;
pub use self::shipping::Shipping;

/// A job of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// A backup of the store.
    Backup,
    /// A checkpoint of the audit trail.
    Checkpoint,
    /// The deletion of the audit trail's oldest records.
    Prune,
    /// The shipping of audit records to a receiver elsewhere.
    Ship,
    /// The sending of alarms.
    Alarms,
}

impl Job {
    /// Its name in metrics and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Checkpoint => "checkpoint",
            Self::Prune => "prune",
            Self::Ship => "ship",
            Self::Alarms => "alarms",
        }
    }
}

/// How a job went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobState {
    /// When it last succeeded, in this server or in another one that writes to the same place.
    pub last: Option<Timestamp>,
    /// Why it failed, if it failed since.
    pub failure: Option<String>,
    /// Who does it in place of this server: another one, or whoever took its lock in the database.
    pub done_by: Option<LeadHolder>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    job: &'static str,
}

/// The jobs of one server. Those that are not configured are not there.
#[derive(Debug, Default)]
pub struct Jobs {
    states: Mutex<BTreeMap<Job, JobState>>,
    last: Family<JobLabels, Gauge>,
    failures: Family<JobLabels, Counter>,
    leads: Family<JobLabels, Gauge>,
    shipping: Shipping,
    alarms: Alarms,
}

impl Jobs {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help =
            "When a job of the server last succeeded, in seconds since 1970; 0 if it never did";
        registry.register("job_last_success_seconds", help, self.last.clone());
        let help = "Failures of a job of the server";
        registry.register("job_failures", help, self.failures.clone());
        let help = "Whether this server does a job: of the servers on one database, one does each";
        registry.register("job_leader", help, self.leads.clone());
        self.shipping.register(registry);
        self.alarms.register(registry);
    }

    /// The counts of the shipping of audit records.
    pub fn shipping(&self) -> &Shipping {
        &self.shipping
    }

    /// The counts of alarms.
    pub fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// Notes when the job last succeeded.
    pub fn found(&self, job: Job, last: Option<Timestamp>) {
        let labels = JobLabels { job: job.name() };
        let seconds = last.map_or(0, Timestamp::seconds);
        self.last.get_or_create(&labels).set(seconds);
        drop(self.failures.get_or_create(&labels));
        self.states.lock().entry(job).or_default().last = last;
    }

    /// Notes whether this server does the job, or who does it in its place.
    pub fn leads(&self, job: Job, is_leader: bool, done_by: Option<&LeadHolder>) {
        let labels = JobLabels { job: job.name() };
        self.leads.get_or_create(&labels).set(is_leader.into());
        self.states.lock().entry(job).or_default().done_by = done_by.cloned();
    }

    /// Notes that the job succeeded.
    pub fn succeeded(&self, job: Job, at: Timestamp) {
        self.found(job, Some(at));
        self.states.lock().entry(job).or_default().failure = None;
    }

    /// Notes that the job failed.
    pub fn failed(&self, job: Job, why: &str) {
        let labels = JobLabels { job: job.name() };
        self.failures.get_or_create(&labels).inc();
        drop(self.last.get_or_create(&labels));
        self.states.lock().entry(job).or_default().failure = Some(why.to_owned());
    }

    /// How each job went.
    pub fn states(&self) -> BTreeMap<Job, JobState> {
        self.states.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use toolvault_core::timestamp::SECOND;

    use super::*;

    fn text(jobs: &Jobs) -> String {
        let mut registry = Registry::default();
        jobs.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let lines = text.lines().filter(|line| line.starts_with("job_"));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_failure_is_told_until_the_next_success() {
        let jobs = Jobs::default();
        assert_eq!(text(&jobs), "");
        jobs.found(Job::Backup, None);
        let zeros =
            "job_last_success_seconds{job=\"backup\"} 0\njob_failures_total{job=\"backup\"} 0";
        assert_eq!(text(&jobs), zeros);
        jobs.failed(Job::Backup, "the disk is full");
        let at = Timestamp::from_microseconds(100 * SECOND);
        jobs.found(Job::Backup, Some(at));
        let state = jobs.states()[&Job::Backup].clone();
        assert_eq!(state.last, Some(at));
        assert_eq!(state.failure.as_deref(), Some("the disk is full"));
        jobs.succeeded(Job::Backup, at.plus(SECOND));
        assert_eq!(jobs.states()[&Job::Backup].failure, None);
        let after =
            "job_last_success_seconds{job=\"backup\"} 101\njob_failures_total{job=\"backup\"} 1";
        assert_eq!(text(&jobs), after);
        assert_eq!(jobs.states().len(), 1);
        let holder = LeadHolder {
            pid: 1,
            role: None,
            application: None,
            address: None,
        };
        for (is_leader, done_by) in [(false, Some(&holder)), (true, None)] {
            jobs.leads(Job::Backup, is_leader, done_by);
            let line = format!("job_leader{{job=\"backup\"}} {}", u8::from(is_leader));
            assert!(text(&jobs).contains(&line));
            assert_eq!(jobs.states()[&Job::Backup].done_by.as_ref(), done_by);
        }
    }
}
