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
