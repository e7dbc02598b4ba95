//! Audit records on their way to a receiver: none is left out, and no use waits for it.

pub(crate) mod receiver;
mod replicas;
mod settings;
mod syslog;

use serde_json::json;

use self::receiver::{Receiver, Request};
use crate::full_disk::request;
use crate::installation::{Installation, Server};

const VALUE: &str = "sk-the-value-that-stays-here-0123456789";
const TOKEN: &str = "the-token-of-the-collector";

/// A store whose server ships to `receiver`.
struct World {
    installation: Installation,
    file: String,
}

impl World {
    fn new(address: impl std::fmt::Display) -> Self {
        Self::at(
            &format!("http://{address}/v1/logs"),
            "headers_file = 'HEADERS'\n",
        )
    }

    /// One with this receiver, and with more settings.
    fn at(url: &str, settings: &str) -> Self {
        let installation = Installation::empty();
        let headers = installation.path().join("headers");
        std::fs::write(&headers, format!("Authorization: Bearer {TOKEN}\n")).unwrap();
        let settings = settings.replace("HEADERS", headers.to_str().unwrap());
        let text = format!("[audit.ship]\nurl = '{url}'\nallow_private_network = true\n{settings}");
        let file = installation.path().join("toolvault.toml");
        std::fs::write(&file, text).unwrap();
        Self {
            file: file.to_str().unwrap().to_owned(),
            installation,
        }
    }

    fn serve(&self) -> Server {
        self.installation.serve(&["--config", &self.file])
    }

    fn create_user(&self, name: &str) {
        self.installation.output(&["user", "create", name]);
    }

    fn run(&self, command: &str) -> String {
        self.installation.run(&[command, "--config", &self.file])
    }

    /// How many records the trail has.
    fn records(&self) -> i64 {
        let verified = self.installation.json(&["audit", "verify", "--json"]);
        assert_eq!(verified["ok"], true);
        verified["records"].as_i64().unwrap()
    }

    /// Stores a secret and uses it.
    fn use_a_secret(&self, server: &Server) {
        let key = self.installation.first_key("operator_key");
        let secret = json!({
            "secret_name": "s",
            "secret_value": VALUE,
            "tool_name": "tool",
            "tool_arg": "key",
            "is_default_for_tool": true,
        });
        let stored = request(server, &key, "POST", "/v1/secrets/", &secret.to_string());
        assert_eq!(stored.0, 200, "{stored:?}");
        resolve(server, &key);
    }
}

fn resolve(server: &Server, key: &str) {
    let body = r#"{"args": {}}"#;
    let (status, answer) = request(server, key, "POST", "/v1/tools/tool/resolve", body);
    assert_eq!((status, answer["args"]["key"].as_str()), (200, Some(VALUE)));
}

/// Acknowledges requests until one has the record `last`. Returns the sequences of all, after those that arrived before.
fn acknowledge_until(receiver: &Receiver, last: i64, mut sequences: Vec<i64>) -> Vec<i64> {
    while sequences.last() != Some(&last) {
        sequences.extend(acknowledge(receiver.next()));
    }
    sequences
}

fn acknowledge(request: Request) -> Vec<i64> {
    let sequences = request.sequences();
    request.answer("200 OK", "{\"partialSuccess\":{}}");
    sequences
}

fn upto(last: i64) -> Vec<i64> {
    (1..=last).collect()
}

#[test]
fn records_arrive_complete_and_in_order_and_without_any_value() {
    let receiver = Receiver::new();
    let world = World::new(receiver.address);
    let server = world.serve();
    world.use_a_secret(&server);
    world.create_user("one");
    let all = world.records();
    let mut sequences = Vec::new();
    let mut actions = Vec::new();
    while sequences.last() != Some(&all) {
        let request = receiver.next();
        assert!(
            request.head.starts_with("POST /v1/logs HTTP/1.1\r\n"),
            "{}",
            request.head
        );
        assert!(
            request
                .head
                .contains(&format!("authorization: Bearer {TOKEN}\r\n"))
        );
        assert!(request.head.contains("content-type: application/json\r\n"));
        assert!(!request.body.contains(VALUE) && !request.body.contains(TOKEN));
        actions.extend(request.texts("eventName"));
        sequences.extend(acknowledge(request));
    }
    assert_eq!(sequences, upto(all));
    assert!(
        actions.iter().any(|action| action == "secret.used"),
        "{actions:?}"
    );

    // What is acknowledged is known before the next request is made.
    world.create_user("two");
    let request = receiver.next();
    let status = world.run("status");
    assert!(
        status.contains("\naudit shipping  1 records wait; last acknowledged: [time]"),
        "{status}"
    );
    let metrics = metrics(&world, &server);
    assert!(
        metrics.contains("\ntoolvault_audit_unshipped_records 1\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains(&format!("\ntoolvault_audit_shipped_records_total {all}\n")),
        "{metrics}"
    );
    let doctor = world.run("doctor");
    let good = "ok  audit shipping: the receiver last acknowledged records at [time]";
    assert!(doctor.contains(good), "{doctor}");
    acknowledge(request);
    assert!(!server.stop_and_read_log().contains(TOKEN));
}

fn metrics(world: &World, server: &Server) -> String {
    let key = world.installation.first_key("operator_key");
    crate::full_disk::text(server, &key, "/metrics")
}

#[test]
fn a_receiver_that_hangs_blocks_no_use_and_nothing_is_left_out() {
    let receiver = Receiver::new();
    let world = World::new(receiver.address);
    let server = world.serve();
    let held = receiver.next();
    world.use_a_secret(&server);
    world.create_user("one");
    let key = world.installation.first_key("operator_key");
    (0..50).for_each(|_| resolve(&server, &key));
    assert_eq!(server.stop(), Some(0));
    // It was sent and not acknowledged, so it comes again.
    let server = world.serve();
    let first = receiver.next();
    assert_eq!(
        first.sequences()[..held.sequences().len()],
        held.sequences()
    );
    let all = world.records();
    let sequences = acknowledge(first);
    assert_eq!(acknowledge_until(&receiver, all, sequences), upto(all));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_server_that_is_killed_sends_again_what_was_not_acknowledged() {
    let receiver = Receiver::new();
    let world = World::new(receiver.address);
    let server = world.serve();
    let sent = receiver.next();
    drop(server);
    let server = world.serve();
    let again = receiver.next();
    assert_eq!(again.uids()[..sent.uids().len()], sent.uids());
    let mut sequences = acknowledge(again);
    // Whether or not the server noted that, nothing is left out.
    drop(server);
    let server = world.serve();
    world.create_user("one");
    let all = world.records();
    for next in acknowledge_until(&receiver, all, Vec::new()) {
        assert!(
            next <= sequences.last().unwrap() + 1,
            "{next} after {sequences:?}"
        );
        sequences.push(next);
    }
    sequences.sort_unstable();
    sequences.dedup();
    assert_eq!(sequences, upto(all));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_receiver_that_is_dead_blocks_no_use_and_gets_everything_when_it_is_back() {
    let receiver = Receiver::new();
    let address = receiver.address;
    drop(receiver);
    let world = World::new(address);
    let mut server = world.serve();
    let line = server.wait_for("audit records were not shipped");
    assert!(line.contains("the receiver gave no answer"), "{line}");
    world.use_a_secret(&server);
    let status = world.run("status");
    assert!(
        status.contains("last acknowledged: unknown; the receiver gave no answer"),
        "{status}"
    );
    let doctor = world.run("doctor");
    assert!(
        doctor.contains("WRONG  audit shipping: the receiver gave no answer"),
        "{doctor}"
    );
    let metrics = metrics(&world, &server);
    assert!(
        !metrics.contains("\ntoolvault_job_failures_total{job=\"ship\"} 0\n"),
        "{metrics}"
    );
    let receiver = Receiver::at(address);
    let all = world.records();
    assert_eq!(acknowledge_until(&receiver, all, Vec::new()), upto(all));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_the_receiver_cannot_take_now_comes_again_and_what_it_rejects_does_not() {
    let receiver = Receiver::new();
    let world = World::new(receiver.address);
    let mut server = world.serve();
    let all = world.records();
    for status in [
        "429 Too Many Requests",
        "503 Service Unavailable\r\nretry-after: 1",
    ] {
        let request = receiver.next();
        assert_eq!(request.sequences()[0], 1);
        request.answer(status, "");
    }
    let line = server.wait_for("503 Service Unavailable");
    assert!(line.contains("audit records were not shipped"), "{line}");
    let request = receiver.next();
    assert_eq!(request.sequences(), upto(all));
    let said = "{\"partialSuccess\":{\"rejectedLogRecords\":\"2\",\"errorMessage\":\"the-token\"}}";
    request.answer("200 OK", said);
    let line = server.wait_for("rejected 2 records");
    assert!(!line.contains("the-token"), "{line}");
    world.create_user("one");
    let request = receiver.next();
    assert_eq!(request.sequences(), [all + 1]);
    let metrics = metrics(&world, &server);
    assert!(
        metrics.contains("\ntoolvault_audit_rejected_records_total 2\n"),
        "{metrics}"
    );
    acknowledge(request);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_refusal_is_told_clearly_and_acknowledges_nothing() {
    let receiver = Receiver::new();
    for (status, body, told) in [
        (
            "401 Unauthorized",
            "",
            "the receiver refused the records with status 401",
        ),
        (
            "302 Found\r\nlocation: http://127.0.0.1/",
            "",
            "the receiver refused the records with status 302",
        ),
        (
            "200 OK",
            "<html>welcome</html>",
            "the answer is not one of an OTLP receiver",
        ),
    ] {
        let world = World::new(receiver.address);
        let mut server = world.serve();
        receiver.next().answer(status, body);
        let line = server.wait_for("audit records were not shipped");
        assert!(line.contains(told), "{line}");
        let shown = world.run("status");
        assert!(
            shown.contains(&format!("last acknowledged: unknown; {told}")),
            "{shown}"
        );
        assert_eq!(server.stop(), Some(0));
    }
}
