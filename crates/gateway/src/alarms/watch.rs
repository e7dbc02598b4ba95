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
mod tests {
    use toolvault_core::audit::record::{Action, Actor, Decision};
    use toolvault_vault::SystemEntropy;

    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_microseconds(seconds * SECOND)
    }

    fn record(action: Action, actor: u32) -> Record {
        let mut record = Record::new(at(0), &Actor::Local(actor), None, action, Decision::Denied);
        record.tool = Some("<http://example.com|look> @all".to_owned());
        record.secret_name = Some("bait".to_owned());
        record
    }

    fn watch() -> Watch {
        Watch::new(Kind::ALL.into(), 3)
    }

    /// How many events are counted and not told yet.
    fn untold(watch: &Watch) -> i64 {
        watch.groups.values().map(|repeats| repeats.count).sum()
    }

    #[test]
    fn the_first_is_told_at_once_and_the_others_are_counted() {
        let mut watch = watch();
        let tried = record(Action::CanaryUsed, 1);
        assert_eq!(watch.see("a", &tried, at(0)).unwrap().id, "a");
        for _ in 0..1_000 {
            assert_eq!(watch.see("b", &tried, at(1)), None);
        }
        let other = record(Action::CanaryUsed, 2);
        assert_eq!(watch.see("c", &other, at(1)).unwrap().data["count"], 1);
        assert_eq!(watch.repeated(at(59)), []);
        assert_eq!(untold(&watch), 1_000);
        let told = watch.repeated(at(60));
        assert_eq!((told.len(), told[0].id.as_str()), (1, "b"));
        assert_eq!(told[0].data["count"], 1_000);
        assert!(
            told[0].text.contains("happened 1000 more times"),
            "{}",
            told[0].text
        );
        // The next count is told after twice the time, and what has ended is forgotten.
        assert_eq!(watch.see("d", &tried, at(61)), None);
        assert_eq!(watch.repeated(at(179)), []);
        assert_eq!(watch.repeated(at(180)).len(), 1);
        assert_eq!(watch.repeated(at(180 + 240)), []);
        assert!(watch.see("e", &tried, at(180 + 240)).is_some());
    }

    #[test]
    fn failures_are_an_alarm_when_they_pile_up() {
        let mut watch = watch();
        let failed = |seconds, count| {
            let mut failed = record(Action::SignInFailed, 1);
            failed.at = at(seconds);
            failed.count = count;
            failed
        };
        let mut see = |seconds, count| watch.see("a", &failed(seconds, count), at(seconds));
        assert_eq!(see(0, None), None);
        assert_eq!(see(59, None), None);
        assert_eq!(see(60, None), None, "another minute");
        assert_eq!(see(61, Some(2)).unwrap().data["count"], 3);
        assert_eq!(see(62, None), None, "counted");
        assert_eq!(see(120, None), None, "too few in this minute");
        let told = watch.repeated(at(121));
        assert_eq!((told.len(), &told[0].data["count"]), (1, &1.into()));
        assert!(
            told[0].text.starts_with("1 more attempts"),
            "{}",
            told[0].text
        );
    }

    #[test]
    fn failures_that_go_on_all_day_are_told_as_seldom_as_other_events() {
        let mut watch = watch();
        let (mut told, mut counted) = (0, 0);
        let mut note = |alarm: Alarm| {
            told += 1;
            counted += alarm.data["count"].as_i64().unwrap();
        };
        for second in (0..86_400).step_by(10) {
            watch.repeated(at(second)).into_iter().for_each(&mut note);
            let mut failed = record(Action::SignInFailed, 1);
            failed.at = at(second);
            failed.count = Some(5);
            watch
                .see("a", &failed, at(second))
                .into_iter()
                .for_each(&mut note);
        }
        assert!((24..36).contains(&told), "{told}");
        assert_eq!(counted + untold(&watch), 43_200);
    }

    #[test]
    fn what_one_user_does_hides_nothing_of_another() {
        let mut watch = watch();
        let users = [(); 3].map(|()| UserId::generate(&SystemEntropy, at(0)).ok());
        let of = |user: usize, actor| {
            let mut tried = record(Action::CanaryUsed, actor);
            tried.user_id = users[user];
            tried
        };
        for actor in 0..1_000 {
            watch.see("a", &of(1, actor), at(0));
        }
        for actor in 0..2 {
            let seen = watch.see("b", &of(2, actor), at(0));
            assert!(seen.is_some(), "each is told separately");
        }
        // Further ones of the first user are told together, and another kind is told at once.
        let mut sent = of(1, 5_000);
        assert_eq!(watch.see("c", &sent, at(0)), None);
        sent.action = Action::ValueRepeated;
        assert!(watch.see("d", &sent, at(0)).is_some());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut watch = watch();
        let mut told = 0;
        for actor in 0..10_000 {
            let seen = watch.see("a", &record(Action::ValueRepeated, actor), at(0));
            told += usize::from(seen.is_some());
        }
        assert_eq!(told, MOST_GROUPS + 1);
        assert_eq!(watch.groups.len(), MOST_GROUPS + 1);
        assert_eq!(untold(&watch), 10_000 - i64::try_from(told).unwrap());
        assert_eq!(watch.repeated(at(60)).len(), 1);
    }

    #[test]
    fn only_the_kinds_that_were_chosen_are_told() {
        let mut watch = Watch::new(BTreeSet::from([Kind::Tampering]), 1);
        assert_eq!(watch.see("a", &record(Action::CanaryUsed, 1), at(0)), None);
        assert_eq!(watch.see("a", &record(Action::SecretUsed, 1), at(0)), None);
        assert!(
            watch
                .see("a", &record(Action::TamperingDetected, 1), at(0))
                .is_some()
        );
    }

    #[test]
    fn a_name_that_a_model_chose_is_no_markup() {
        let alarm = watch()
            .see("a", &record(Action::CanaryUsed, 1), at(0))
            .unwrap();
        assert!(
            alarm.text.contains("\"_http:__example_com_look_ _all\""),
            "{}",
            alarm.text
        );
        let message = alarm.message(None);
        let message: serde_json::Value = serde_json::from_str(&message).unwrap();
        assert_eq!(message["type"], "canary.used");
        assert_eq!(message["data"]["tool"], "<http://example.com|look> @all");
        assert!(message["data"].get("state").is_none());
    }
}
