//! Which records are an alarm. What repeats within a while is counted, so that a storm is a few messages.

use std::collections::{BTreeMap, BTreeSet};

use toolvault_core::audit::record::Record;
use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::timestamp::{SECOND, Timestamp};

use super::{Alarm, Kind};

/// For how long equal events are counted after the first one, in microseconds. Then the count is told, and it takes twice
/// as long to the next one.
const WINDOW: i64 = 60 * SECOND;
/// The longest such time, in microseconds.
const LONGEST_WINDOW: i64 = 3_600 * SECOND;
/// Within how many seconds failures of one user are counted.
pub const FAILURES_SECONDS: i64 = 60;
/// How many events of one user are told apart at a time. Further ones of a kind are told together: a user can hide no
/// event of another one, and the operator bounds how many users there are.
const MOST_GROUPS: usize = 32;

/// What makes alarms of records, and remembers those that were made lately.
#[derive(Debug)]
pub struct Watch {
    kinds: BTreeSet<Kind>,
    /// How many failures of one user within [`FAILURES_SECONDS`] are an alarm.
    failures: i64,
    groups: BTreeMap<Group, Repeats>,
    failed: BTreeMap<Option<UserId>, Failed>,
}

/// Events that are told together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    kind: Kind,
    user: Option<UserId>,
    actor: Option<String>,
    secret: Option<SecretId>,
    /// The tool that changed, or what waits for approval.
    object: Option<String>,
}

#[derive(Debug)]
struct Repeats {
    until: Timestamp,
    window: i64,
    /// How many were not told, and the last of them with the ID of its record.
    count: i64,
    last: Option<(String, Record)>,
}

#[derive(Clone, Copy, Debug)]
struct Failed {
    until: Timestamp,
    count: i64,
    is_told: bool,
}

impl Group {
    fn of(kind: Kind, record: &Record) -> Self {
        let object = match kind {
            Kind::ToolChanged => record.tool.clone(),
            Kind::ApprovalRequested => record.subject.clone(),
            _ => None,
        };
        Self {
            kind,
            user: record.user_id,
            actor: Some(record.actor.clone()),
            secret: record.secret_id,
            object,
        }
    }

    /// All events of a kind of one user.
    const fn any(kind: Kind, user: Option<UserId>) -> Self {
        Self {
            kind,
            user,
            actor: None,
            secret: None,
            object: None,
        }
    }
}

impl Watch {
    /// Makes alarms of these kinds; of failures, when one user has so many within a minute.
    pub fn new(kinds: BTreeSet<Kind>, failures: i64) -> Self {
        Self {
            kinds,
            failures,
            groups: BTreeMap::new(),
            failed: BTreeMap::new(),
        }
    }

    /// Whether alarms of this kind are made.
    pub fn has(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    /// The alarm that a record is, if it is one and no equal one was made lately. `id` names the record.
    pub fn see(&mut self, id: &str, record: &Record, now: Timestamp) -> Option<Alarm> {
        let kind = Kind::of(record).filter(|kind| self.has(*kind))?;
        let count = match kind {
            Kind::Failures => self.failures_with(record)?,
            _ => 1,
        };
        let group = self.group(kind, record);
        if let Some(repeats) = self.groups.get_mut(&group) {
            repeats.count += count;
            repeats.last = Some((id.to_owned(), record.clone()));
            return None;
        }
        let repeats = Repeats {
            until: now.plus(WINDOW),
            window: WINDOW,
            count: 0,
            last: None,
        };
        self.groups.insert(group, repeats);
        Some(Alarm::of(kind, id.to_owned(), record, count))
    }

    /// The events that the record is told with.
    fn group(&self, kind: Kind, record: &Record) -> Group {
        let any = Group::any(kind, record.user_id);
        if kind == Kind::Failures {
            return any;
        }
        let group = Group::of(kind, record);
        let of_user = |group: &&Group| group.user == record.user_id;
        let is_full = || self.groups.keys().filter(of_user).count() >= MOST_GROUPS;
        if self.groups.contains_key(&group) || !is_full() {
            group
        } else {
            any
        }
    }

    /// Counts a failure, at its own time: many of the last days may be read at once. Returns how many there were, as soon
    /// as they are enough for an alarm, and then how many the record adds until the minute is over.
    fn failures_with(&mut self, record: &Record) -> Option<i64> {
        let begun = Failed {
            until: record.at.plus(FAILURES_SECONDS * SECOND),
            count: 0,
            is_told: false,
        };
        let failed = self.failed.entry(record.user_id).or_insert(begun);
        if failed.until <= record.at {
            *failed = begun;
        }
        let added = record.count.unwrap_or(1);
        if failed.is_told {
            return Some(added);
        }
        failed.count += added;
        failed.is_told = failed.count >= self.failures;
        failed.is_told.then_some(failed.count)
    }

    /// The alarms of what has repeated since it was last told, where it is time to tell.
    pub fn repeated(&mut self, now: Timestamp) -> Vec<Alarm> {
        self.failed.retain(|_, failed| failed.until > now);
        let mut alarms = Vec::new();
        self.groups.retain(|group, repeats| {
            if repeats.until > now {
                return true;
            }
            let Some((id, record)) = repeats.last.take() else {
                return false;
            };
            alarms.push(Alarm::repeated(group.kind, id, &record, repeats.count));
            repeats.count = 0;
            repeats.window = (repeats.window * 2).min(LONGEST_WINDOW);
            repeats.until = now.plus(repeats.window);
            true
        });
        alarms
    }
}

#[cfg(test)]
mod tests;
