//! Conditions are exact to the microsecond, and unreadable values are never allowed.

use super::*;
use crate::json;

const fn at(microseconds: i64) -> Timestamp {
    Timestamp::from_microseconds(microseconds)
}

fn arguments(document: &str) -> Arguments {
    Arguments::from_object(json::parse_text(document).unwrap().as_object().unwrap()).unwrap()
}

fn when(argument: &str, patterns: &[&str]) -> Policy {
    let patterns = patterns
        .iter()
        .map(|pattern| (*pattern).to_owned())
        .collect();
    Policy {
        when: BTreeMap::from([(argument.to_owned(), patterns)]),
        ..Policy::default()
    }
}

#[test]
fn a_secret_expires_at_its_moment_and_not_before() {
    let policy = Policy {
        expires_at: Some(at(100)),
        ..Policy::default()
    };
    assert!(!policy.is_expired(at(99)));
    assert!(policy.is_expired(at(100)));
    assert!(policy.is_expired(at(101)));
    assert!(!Policy::default().is_expired(at(i64::MAX)));
}

#[test]
fn rotation_is_due_after_whole_days_and_never_overflows() {
    let policy = |days| Policy {
        rotate_after_days: Some(days),
        ..Policy::default()
    };
    let day = 86_400 * SECOND;
    assert!(!policy(2).is_rotation_due(at(5), at(5 + 2 * day - 1)));
    assert!(policy(2).is_rotation_due(at(5), at(5 + 2 * day)));
    assert!(!policy(u32::MAX).is_rotation_due(at(5), at(i64::MAX - 1)));
    assert!(!policy(u32::MAX).is_rotation_due(at(i64::MAX), at(0)));
    assert!(!Policy::default().is_rotation_due(at(0), at(i64::MAX)));
}

#[test]
fn a_companion_argument_is_absent_or_allowed_by_a_pattern() {
    let policy = when("owner", &["acme", "example"]);
    assert!(policy.allows(&arguments(r#"{"repository":"x"}"#)));
    assert!(policy.allows(&arguments(r#"{"owner":null}"#)));
    assert!(policy.allows(&arguments(r#"{"owner":"example"}"#)));
    for refused in [
        r#"{"owner":"evil"}"#,
        r#"{"owner":""}"#,
        r#"{"owner":7}"#,
        r#"{"owner":["acme"]}"#,
    ] {
        assert!(!policy.allows(&arguments(refused)), "{refused}");
    }
}

#[test]
fn an_argument_without_patterns_may_only_be_absent() {
    let policy = when("owner", &[]);
    assert!(policy.allows(&arguments("{}")));
    assert!(!policy.allows(&arguments(r#"{"owner":"acme"}"#)));
}

#[test]
fn an_unknown_condition_is_not_read() {
    assert!(serde_json::from_str::<Policy>(r#"{"expire_at":null}"#).is_err());
    assert_eq!(
        serde_json::from_str::<Policy>("{}").unwrap(),
        Policy::default()
    );
    let json = serde_json::to_string(&when("owner", &["acme"])).unwrap();
    assert_eq!(
        serde_json::from_str::<Policy>(&json).unwrap(),
        when("owner", &["acme"])
    );
}

#[test]
fn a_policy_without_later_conditions_is_written_as_before_they_existed() {
    let written =
        r#"{"expires_at":null,"rotate_after_days":null,"when":{},"protected":false,"redact":true}"#;
    let policy = Policy::default();
    assert_eq!(serde_json::to_string(&policy).unwrap(), written);
    let canary = Policy {
        canary: true,
        ..policy.clone()
    };
    assert_ne!(canary.entity_tag(), policy.entity_tag());
    let json = serde_json::to_string(&canary).unwrap();
    assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), canary);
}
