//! Failed sign-ins, aggregated for one second before they are recorded, so that they cannot fill the disk.

use std::collections::HashMap;

use parking_lot::Mutex;
use toolvault_core::audit::record::{Action, Actor, Decision, Record};
use toolvault_core::timestamp::Timestamp;

/// How many different pairs of source and reason are counted separately within a second.
const DISTINCT: usize = 1_024;
/// Stands for all further sources.
const OTHERS: &str = "others";

#[derive(Default)]
pub(crate) struct SignInFailures(Mutex<HashMap<Failure, (Timestamp, i64)>>);

#[derive(PartialEq, Eq, Hash)]
struct Failure {
    second: i64,
    source: String,
    reason: &'static str,
}

impl SignInFailures {
    pub(crate) fn note(&self, source: &str, reason: &'static str, at: Timestamp) {
        let mut failures = self.0.lock();
        let source = if failures.len() < DISTINCT {
            source
        } else {
            OTHERS
        };
        let failure = Failure {
            second: at.seconds(),
            source: source.to_owned(),
            reason,
        };
        failures.entry(failure).or_insert((at, 0)).1 += 1;
    }

    pub(crate) fn is_waiting(&self) -> bool {
        !self.0.lock().is_empty()
    }

    /// The records of the seconds that have ended.
    pub(crate) fn take(&self, now: Timestamp) -> Vec<Record> {
        self.take_if(|failure| failure.second < now.seconds())
    }

    /// The records of everything so far.
    pub(crate) fn take_all(&self) -> Vec<Record> {
        self.take_if(|_| true)
    }

    fn take_if(&self, mut is_due: impl FnMut(&Failure) -> bool) -> Vec<Record> {
        let mut records: Vec<Record> = self
            .0
            .lock()
            .extract_if(|failure, _| is_due(failure))
            .map(|(failure, (at, count))| {
                let mut record = Record::new(
                    at,
                    &Actor::Anonymous,
                    None,
                    Action::SignInFailed,
                    Decision::Denied,
                );
                record.reason = Some(failure.reason.to_owned());
                record.source = Some(failure.source);
                record.count = (count > 1).then_some(count);
                record
            })
            .collect();
        records.sort_by_key(|record| record.at);
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_one_source_reason_and_second_are_one_record() {
        let failures = SignInFailures::default();
        let second = |seconds: i64| Timestamp::from_microseconds(seconds * 1_000_000);
        for _ in 0..3 {
            failures.note("192.0.2.1", "unknown_key", second(5).plus(7));
        }
        failures.note("192.0.2.2", "unknown_key", second(5));
        failures.note("192.0.2.1", "unknown_key", second(6));
        let records = failures.take(second(6));
        let counts: Vec<_> = records.iter().map(|record| record.count).collect();
        assert_eq!(counts, [None, Some(3)]);
        assert_eq!(failures.take_all().len(), 1);
        assert!(!failures.is_waiting());
    }

    #[test]
    fn a_flood_of_sources_is_bounded() {
        let failures = SignInFailures::default();
        for number in 0..5_000 {
            failures.note(&number.to_string(), "unknown_key", Timestamp::default());
        }
        let records = failures.take_all();
        assert_eq!(records.len(), DISTINCT + 1);
        let total: i64 = records.iter().map(|record| record.count.unwrap_or(1)).sum();
        assert_eq!(total, 5_000);
    }
}
