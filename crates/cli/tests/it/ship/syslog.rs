//! Records as syslog messages.

use std::io::Read as _;
use std::net::TcpListener;

use serde_json::Value;

use super::{VALUE, World, upto};

/// The records of the next connection, which gets its acknowledgement.
fn next(listener: &TcpListener) -> Vec<Value> {
    let (mut stream, _) = listener.accept().unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(!text.contains(VALUE));
    let mut rest = text.as_str();
    let mut records = Vec::new();
    while let Some((length, after)) = rest.split_once(' ') {
        let (message, next) = after.split_at(length.parse().unwrap());
        let (_, json) = message.split_once(" - {").unwrap();
        let content: Value = serde_json::from_str(&format!("{{{json}")).unwrap();
        records.push(content["record"].clone());
        rest = next;
    }
    records
}

#[test]
fn records_arrive_complete_and_in_order() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let world = World::at(&format!("syslog+tcp://{address}"), "");
    let server = world.serve();
    world.use_a_secret(&server);
    world.create_user("one");
    let all = world.records();
    let mut records = Vec::new();
    while records
        .last()
        .is_none_or(|last: &Value| last["sequence"] != all)
    {
        records.extend(next(&listener));
    }
    let sequences: Vec<_> = records
        .iter()
        .map(|record| record["sequence"].as_i64().unwrap())
        .collect();
    assert_eq!(sequences, upto(all));
    assert!(
        records
            .iter()
            .any(|record| record["action"] == "secret.used")
    );
    assert_eq!(server.stop(), Some(0));
}
