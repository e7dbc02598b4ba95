//! Failed sign-ins, aggregated for one second before they are recorded, so that they cannot fill the disk.

use std::collections::HashMap;

use parking_lot::Mutex;
use toolvault_core::audit::record::{Action, Actor, Decision, Record};
use toolvault_core::timestamp::Timestamp;

/// How many different pairs of source and reason are counted separately. Further sources are counted together.
const DISTINCT: usize = 1_024;
/// With so many counts, which an outage of the database leaves, further seconds are also counted together.
const MOST: usize = 4_096;
/// Stands for all further sources.
const OTHERS: &str = "others";

#[derive(Default)]
pub(crate) struct SignInFailures(Mutex<HashMap<Failure, (Timestamp, i64)>>);

#[derive(PartialEq, Eq, Hash)]
struct Failure {
    second: i64,
    source: String,
    reason: String,
}

impl SignInFailures {
    pub(crate) fn note(&self, source: &str, reason: &str, at: Timestamp) {
        self.add(source, reason, at, 1);
    }

    /// Counts records again that were taken but not saved.
    pub(crate) fn put_back(&self, records: Vec<Record>) {
        for record in records {
            if let (Some(source), Some(reason)) = (record.source, record.reason) {
                self.add(&source, &reason, record.at, record.count.unwrap_or(1));
            }
        }
    }

    fn add(&self, source: &str, reason: &str, at: Timestamp, count: i64) {
        let mut failures = self.0.lock();
        let has_seconds = failures.len() < MOST;
        let mut failure = Failure {
            second: if has_seconds { at.seconds() } else { 0 },
            source: source.to_owned(),
            reason: reason.to_owned(),
        };
        if failures.len() >= DISTINCT && !failures.contains_key(&failure) {
            OTHERS.clone_into(&mut failure.source);
        }
        failures.entry(failure).or_insert((at, 0)).1 += count;
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
                record.reason = Some(failure.reason);
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
        failures.note("0", "unknown_key", Timestamp::default());
        let records = failures.take_all();
        assert_eq!(records.len(), DISTINCT + 1);
        let total: i64 = records.iter().map(|record| record.count.unwrap_or(1)).sum();
        assert_eq!(total, 5_001);
        let first = records
            .iter()
            .find(|record| record.source.as_deref() == Some("0"));
        assert_eq!(
            first.unwrap().count,
            Some(2),
            "a source that is counted stays counted"
        );
    }

    #[test]
    fn what_was_not_saved_is_counted_again() {
        let failures = SignInFailures::default();
        let at = Timestamp::from_microseconds(5_000_007);
        failures.note("192.0.2.1", "unknown_key", at);
        failures.note("192.0.2.1", "unknown_key", at);
        failures.note("192.0.2.2", "unknown_key", at);
        let mut taken = failures.take_all();
        taken[0].sequence = 9;
        failures.put_back(taken);
        failures.note("192.0.2.2", "unknown_key", at);
        let records = failures.take_all();
        let counts: Vec<_> = records.iter().map(|record| record.count).collect();
        assert_eq!(counts, [Some(2), Some(2)]);
        assert!(records.iter().all(|record| record.sequence == 0));
    }

    #[test]
    fn an_outage_is_bounded() {
        let failures = SignInFailures::default();
        for second in 0..10_000 {
            let at = Timestamp::from_microseconds(second * 1_000_000);
            failures.note("192.0.2.1", "unknown_key", at);
        }
        let records = failures.take(Timestamp::from_microseconds(10_000_000_000));
        assert_eq!(records.len(), MOST);
        let total: i64 = records.iter().map(|record| record.count.unwrap_or(1)).sum();
        assert_eq!(total, 10_000);
    }
}
