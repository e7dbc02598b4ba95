//! What is sent, and what is made of the answers.

mod syslog;

use serde_json::{Value, json};
use toolvault_core::audit::record::{Action, Actor, Decision, Record};
use toolvault_core::identity::InstallationId;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::RecordedPage;

use super::otlp;

const AT: Timestamp = Timestamp::from_microseconds(1_800_000_000_123_456);
const NOW: Timestamp = Timestamp::from_microseconds(1_800_000_001_000_000);

fn installation() -> InstallationId {
    serde_json::from_str("\"01998000-0000-7000-8000-000000000001\"").unwrap()
}

fn page(number: i64, records: impl IntoIterator<Item = Record>) -> RecordedPage {
    RecordedPage {
        number,
        hash: [u8::try_from(number).unwrap(); 32],
        records: records
            .into_iter()
            .map(|record| (record.clone(), serde_json::to_string(&record).unwrap()))
            .collect(),
    }
}

fn record(sequence: i64) -> Record {
    let actor = Actor::Local(1_000);
    let mut record = Record::new(AT, &actor, None, Action::SecretUsed, Decision::Denied);
    record.sequence = sequence;
    record
}

fn bodies(pages: &[RecordedPage]) -> Vec<Value> {
    let bodies = otlp::requests(installation(), pages, NOW);
    bodies
        .map(|body| serde_json::from_str(&body).unwrap())
        .collect()
}

fn logs(body: &Value) -> &Vec<Value> {
    let logs = &body["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
    logs.as_array().unwrap()
}

fn sequences(body: &Value) -> Vec<i64> {
    let own = |log: &Value| {
        let text = log["body"]["stringValue"].as_str().unwrap();
        serde_json::from_str::<Record>(text).unwrap().sequence
    };
    logs(body).iter().map(own).collect()
}

#[test]
fn a_record_is_a_log_record_with_its_fields_as_attributes() {
    let mut record = record(7);
    record.tool = Some("\"linear__search\"\n".to_owned());
    record.arguments = Some(vec!["query:string".to_owned()]);
    let bodies = bodies(&[page(3, [record.clone()])]);
    let hash = "03".repeat(32);
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let number = |key: &str, value: &str| json!({ "key": key, "value": { "intValue": value } });
    let version = env!("CARGO_PKG_VERSION");
    let expected = json!({ "resourceLogs": [{
        "resource": { "attributes": [
            text("service.name", "toolvault"),
            text("service.version", version),
            text("toolvault.installation", "01998000-0000-7000-8000-000000000001"),
        ] },
        "scopeLogs": [{
            "scope": { "name": "toolvault.audit" },
            "logRecords": [{
                "timeUnixNano": "1800000000123456000",
                "observedTimeUnixNano": "1800000001000000000",
                "severityNumber": 13,
                "severityText": "WARN",
                "eventName": "secret.used",
                "body": { "stringValue": serde_json::to_string(&record).unwrap() },
                "attributes": [
                    text("log.record.uid", &format!("{hash}-7")),
                    number("toolvault.audit.page", "3"),
                    text("toolvault.audit.action", "secret.used"),
                    text("toolvault.audit.actor", "local:1000"),
                    json!({ "key": "toolvault.audit.arguments", "value": { "arrayValue": { "values": [
                        { "stringValue": "query:string" },
                    ] } } }),
                    text("toolvault.audit.at", &AT.to_string()),
                    text("toolvault.audit.decision", "denied"),
                    number("toolvault.audit.sequence", "7"),
                    text("toolvault.audit.tool", "\"linear__search\"\n"),
                ],
            }],
        }],
    }] });
    assert_eq!(bodies, [expected]);
}

#[test]
fn records_are_sent_in_order_in_requests_of_bounded_size() {
    let many = page(1, (1..=600).map(record));
    let few = page(2, (601..=700).map(record));
    let sent = bodies(&[many, few]);
    let counts: Vec<_> = sent.iter().map(|body| logs(body).len()).collect();
    assert_eq!(counts, [512, 188]);
    let order: Vec<_> = sent.iter().flat_map(sequences).collect();
    assert_eq!(order, (1..=700).collect::<Vec<_>>());

    // A record that alone is larger than a request is sent alone.
    let long = |sequence| Record {
        reason: Some("x".repeat(600_000)),
        ..record(sequence)
    };
    let sent = bodies(&[page(1, [record(1), long(2), record(3)])]);
    let order: Vec<_> = sent.iter().map(sequences).collect();
    assert_eq!(order, [vec![1], vec![2], vec![3]]);
    assert!(bodies(&[]).is_empty());
}

#[test]
fn only_an_answer_of_otlp_acknowledges() {
    for (answer, rejected) in [
        ("", Some(0)),
        ("{}", Some(0)),
        (r#"{"partialSuccess":{}}"#, Some(0)),
        // A collector in Rust writes all fields.
        (r#"{"partialSuccess":null}"#, Some(0)),
        (r#"{"partialSuccess":{"rejectedLogRecords":null}}"#, Some(0)),
        (
            r#"{"partialSuccess":{"errorMessage":"slow down"}}"#,
            Some(0),
        ),
        (r#"{"partialSuccess":{"rejectedLogRecords":"3"}}"#, Some(3)),
        (r#"{"partialSuccess":{"rejectedLogRecords":3}}"#, Some(3)),
        (r#"{"partialSuccess":{"rejectedLogRecords":-1}}"#, None),
        (r#"{"partial_success":{"rejected_log_records":3}}"#, Some(3)),
        (r#"{"partialSuccess":"3"}"#, None),
        (r#"{"partialSuccess":{},"more":1}"#, None),
        (r#"{"error":"no such index"}"#, None),
        (r#"{"status":"ok"}"#, None),
        ("<html>welcome</html>", None),
        ("[]", None),
    ] {
        assert_eq!(otlp::rejected(answer.as_bytes()), rejected, "{answer}");
    }
}
