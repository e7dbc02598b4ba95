//! Records and actors have only one written form, and are read back unchanged.

use proptest::prelude::*;

use super::*;

fn full(text: &str) -> Record {
    let moment = Timestamp::from_microseconds(1_767_323_045_000_120);
    let mut record = Record::new(
        moment,
        &Actor::Anonymous,
        None,
        Action::UseRefused,
        Decision::Denied,
    );
    let uuid = uuid::Uuid::from_u128(7);
    record.sequence = 5;
    record.user_id = Some(UserId(uuid));
    record.secret_id = Some(SecretId(uuid));
    record.version = Some(2);
    record.count = Some(3);
    record.arguments = Some(vec![text.to_owned(), String::new()]);
    record.dropped = Some(vec![text.to_owned()]);
    record.duration_ms = Some(i64::MAX);
    for field in [
        &mut record.secret_name,
        &mut record.subject,
        &mut record.tool,
        &mut record.argument,
        &mut record.reason,
        &mut record.request_id,
        &mut record.source,
        &mut record.state,
    ] {
        *field = Some(text.to_owned());
    }
    record
}

proptest! {
    #[test]
    fn whatever_a_record_names_it_stays_one_line_and_is_read_back(text in any::<String>()) {
        let record = full(&text);
        let line = serde_json::to_string(&record).unwrap();
        prop_assert_eq!(line.lines().count(), 1);
        prop_assert!(!line.contains(|character: char| character.is_ascii_control()));
        prop_assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record);
    }
}

#[test]
fn absent_fields_are_left_out() {
    let moment = Timestamp::from_microseconds(0);
    let record = Record::new(
        moment,
        &Actor::Local(1000),
        None,
        Action::StoreCreated,
        Decision::Allowed,
    );
    let line = serde_json::to_string(&record).unwrap();
    assert_eq!(
        line,
        "{\"sequence\":0,\"at\":\"1970-01-01T00:00:00Z\",\"actor\":\"local:1000\",\"user_id\":null,\
         \"action\":\"store.created\",\"decision\":\"allowed\"}"
    );
    assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record);
}

#[test]
fn every_action_has_one_name_everywhere() {
    let mut names: Vec<&str> = Action::ALL.iter().map(|action| action.name()).collect();
    for action in Action::ALL {
        let json = format!("\"{}\"", action.name());
        assert_eq!(serde_json::to_string(action).unwrap(), json);
        assert_eq!(serde_json::from_str::<Action>(&json).unwrap(), *action);
        assert_eq!(action.to_string(), action.name());
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Action::ALL.len());
}

#[test]
fn actors_of_each_kind_are_told_apart() {
    let token = |issuer: &str, subject: &str| {
        let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
        Actor::Token { issuer, subject }.to_string()
    };
    assert_eq!(
        token("https://issuer.example", "ada"),
        "jwt:https://issuer.example ada"
    );
    // A subject cannot make itself another kind of actor, nor another issuer's subject.
    assert!(
        token("https://issuer.example", "\nlocal:0").starts_with("jwt:https://issuer.example ")
    );
    assert_eq!(Actor::Local(0).to_string(), "local:0");
    assert_eq!(Actor::Anonymous.to_string(), "anonymous");
}
