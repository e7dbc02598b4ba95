//! How the jobs went, as the files show it, and the server if one runs.

use std::collections::BTreeMap;

use serde::Serialize;
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_server::{Job, JobState, Status};
use toolvault_vault::{LeadHolder, ShippingStatus};

use super::series::Series;
use super::{PRUNE_EVERY, retry};
use crate::config::Configuration;

/// How late a job may be, in microseconds, beside the time of one more.
const GRACE: i64 = 300 * SECOND;

/// How a job went that is configured.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct JobReport {
    pub(crate) job: Job,
    pub(crate) every_seconds: i64,
    /// When it was last done.
    pub(crate) last: Option<Timestamp>,
    /// What is wrong.
    pub(crate) fault: Option<String>,
    /// Who does it in place of the server that answered.
    pub(crate) done_by: Option<LeadHolder>,
}

/// How the configured jobs went.
pub(crate) fn report(configuration: &Configuration, of: &Status, now: Timestamp) -> Vec<JobReport> {
    let (installation, states) = (of.store.installation, &of.jobs);
    let backups = configuration.backups.as_ref().map(|settings| {
        let series = Series::backups(&settings.directory, installation);
        (Job::Backup, settings.every, Some(series))
    });
    let checkpoints = configuration.checkpoints.as_ref().map(|settings| {
        let directory = settings.directory.as_deref();
        let series = directory.map(|directory| Series::checkpoints(directory, installation));
        (Job::Checkpoint, settings.every, series)
    });
    let prunes = configuration.audit_keep;
    let prunes = prunes.map(|_| (Job::Prune, PRUNE_EVERY, None));
    let jobs = backups.into_iter().chain(checkpoints).chain(prunes);
    jobs.map(|(job, every, series)| {
        let state = states.get(&job).cloned().unwrap_or_default();
        let found = series.as_ref().map(|series| series.newest(now));
        let (last, unreadable) = match found {
            Some(Ok(newest)) => (newest.map(|(at, _)| at), None),
            Some(Err(error)) => (None, Some(format!("cannot read its directory: {error}"))),
            None => (state.last, None),
        };
        // Only the server that does it knows what became of one that makes no files.
        let is_known = series.is_some() || !states.is_empty() && state.done_by.is_none();
        let late = || is_known.then(|| lateness(last, every, now)).flatten();
        JobReport {
            job,
            every_seconds: every / SECOND,
            last,
            fault: state.failure.or(unreadable).or_else(late),
            done_by: state.done_by,
        }
    })
    .chain(
        of.store
            .shipping
            .map(|shipping| of_shipping(shipping, states, now)),
    )
    .chain(configuration.alarms.as_ref().map(|_| of_alarms(states)))
    .collect()
}

/// The store says how far it is, whichever server does it.
fn of_shipping(
    shipping: ShippingStatus,
    states: &BTreeMap<Job, JobState>,
    now: Timestamp,
) -> JobReport {
    let changed = || {
        let why =
            "the position of shipping was changed, or the store was set back to an earlier state";
        shipping.is_changed.then(|| why.to_owned())
    };
    let late = || {
        let oldest = shipping
            .oldest
            .filter(|oldest| now.since(*oldest) > GRACE)?;
        let waiting = shipping.waiting;
        Some(format!("{waiting} records wait, the oldest since {oldest}"))
    };
    let state = states.get(&Job::Ship).cloned().unwrap_or_default();
    JobReport {
        job: Job::Ship,
        every_seconds: retry::LOOK_EVERY.as_secs().cast_signed(),
        last: shipping.last,
        fault: state.failure.or_else(changed).or_else(late),
        done_by: state.done_by,
    }
}

/// Only the server that sends them knows how it goes.
fn of_alarms(states: &BTreeMap<Job, JobState>) -> JobReport {
    let state = states.get(&Job::Alarms).cloned().unwrap_or_default();
    JobReport {
        job: Job::Alarms,
        every_seconds: retry::LOOK_EVERY.as_secs().cast_signed(),
        last: state.last,
        fault: state.failure,
        done_by: state.done_by,
    }
}

fn lateness(last: Option<Timestamp>, every: i64, now: Timestamp) -> Option<String> {
    match last {
        None => Some("there is none yet".to_owned()),
        Some(last) if now.since(last) > every.saturating_mul(2).saturating_add(GRACE) => {
            Some(format!("the last one is too old: it was made at {last}"))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_missing_or_old_is_a_fault() {
        let now = Timestamp::from_microseconds(1_800_000_000 * SECOND);
        let hour = 3_600 * SECOND;
        assert!(lateness(None, hour, now).is_some());
        for (age, is_late) in [
            (0, false),
            (2 * hour + GRACE, false),
            (2 * hour + GRACE + 1, true),
            // Of another machine, whose clock is ahead.
            (-hour, false),
        ] {
            let last = Some(now.plus(-age));
            assert_eq!(lateness(last, hour, now).is_some(), is_late, "{age}");
        }
    }
}
