//! Alarms: people get each once it matters, signed, and whatever happens to the receiver or the server meanwhile.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::full_disk::request;
use crate::installation::{Installation, Server};
use crate::postgres::Schema;
use crate::ship::receiver::{Receiver, Request};

const VALUE: &str = "the value of a canary, which goes nowhere";
const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

struct World {
    installation: Installation,
    file: String,
}

impl World {
    /// A store whose server has these settings of alarms.
    fn new(settings: &str) -> Self {
        let installation = Installation::empty();
        let key = installation.path().join("alarms-key");
        std::fs::write(&key, KEY).unwrap();
        let settings = settings.replace("KEY_FILE", key.to_str().unwrap());
        let file = installation.path().join("toolvault.toml");
        std::fs::write(&file, format!("[alarms]\n{settings}")).unwrap();
        Self {
            file: file.to_str().unwrap().to_owned(),
            installation,
        }
    }

    fn hooked(receiver: &Receiver) -> Self {
        Self::hooked_with(receiver, "")
    }

    fn hooked_with(receiver: &Receiver, settings: &str) -> Self {
        let address = receiver.address;
        Self::new(&format!(
            "url = 'http://{address}/hook'\nsecret_file = 'KEY_FILE'\nallow_private_network = true\n{settings}"
        ))
    }

    fn serve(&self) -> Server {
        self.installation.serve(&["--config", &self.file])
    }

    fn run(&self, arguments: &[&str]) -> String {
        let arguments = [arguments, &["--config", &self.file]].concat();
        self.installation.run(&arguments)
    }
}

/// Makes a secret that is a canary.
fn bait(server: &Server, key: &str) {
    let secret = json!({"secret_name": "bait", "secret_value": VALUE});
    let (status, stored) = request(server, key, "POST", "/v1/secrets/", &secret.to_string());
    assert_eq!(status, 200, "{stored}");
    let id = stored["secret_id"].as_str().unwrap();
    let policy = format!("/v1/secrets/{id}/policy");
    let (status, _) = request(server, key, "PUT", &policy, r#"{"canary":true}"#);
    assert_eq!(status, 200);
}

/// Asks for it, and is told that there is no such secret.
fn take(server: &Server, key: &str) {
    let body = r#"{"args":{},"bindings":{"token":"secret://bait"}}"#;
    let (status, answer) = request(server, key, "POST", "/v1/tools/tool/resolve", body);
    assert_eq!(status, 409, "{answer}");
    assert!(!answer.to_string().contains("canary"), "{answer}");
}

/// Sends its value.
fn leak(server: &Server, key: &str) {
    let sent = json!({"args": {"text": format!("see {VALUE}")}}).to_string();
    let (status, _) = request(server, key, "POST", "/v1/tools/tool/resolve", &sent);
    assert_eq!(status, 200);
}

/// The next alarm and its ID. It is signed as the standard says, and has no value.
fn read(request: &Request) -> (String, Value) {
    let header = |name: &str| {
        let lines = request.head.lines();
        let mut values = lines.filter_map(|line| line.strip_prefix(&format!("{name}: ")));
        values.next().unwrap_or_else(|| panic!("{name}")).to_owned()
    };
    assert!(request.head.starts_with("POST /hook "), "{}", request.head);
    let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
    let key = BASE64_STANDARD.decode(KEY.strip_prefix("whsec_").unwrap());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.unwrap()).unwrap();
    mac.update(format!("{id}.{at}.{}", request.body).as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(header("webhook-signature"), format!("v1,{signature}"));
    assert!(!request.body.contains(VALUE), "{}", request.body);
    (id, serde_json::from_str(&request.body).unwrap())
}

/// Takes the next alarm, which is of this type.
fn receive(receiver: &Receiver, kind: &str) {
    let next = receiver.next();
    assert_eq!(read(&next).1["type"], kind);
    next.answer("200 OK", "");
}

#[test]
fn an_attempt_on_a_canary_reaches_a_person_even_if_the_receiver_is_away_at_first() {
    let receiver = Receiver::new();
    let world = World::hooked(&receiver);
    let server = world.serve();
    let key = world.installation.first_key("operator_key");
    bait(&server, &key);
    take(&server, &key);
    let first = receiver.next();
    let (id, alarm) = read(&first);
    assert_eq!(alarm["type"], "canary.used");
    assert_eq!(alarm["data"]["secret_name"], "bait");
    assert_eq!(alarm["data"]["tool"], "tool");
    assert_eq!(alarm["data"]["argument"], "token");
    assert_eq!(alarm["data"]["count"], 1);
    let actor = alarm["data"]["actor"].as_str().unwrap();
    assert!(actor.starts_with("key:"), "{actor}");
    let text = alarm["text"].as_str().unwrap();
    assert!(text.contains(actor) && text.contains("\"bait\""), "{text}");
    first.answer("503 Service Unavailable", "");
    // It is killed before it is told that the receiver has it, and sends it again.
    let second = receiver.next();
    assert_eq!(read(&second), (id.clone(), alarm.clone()));
    drop(server);
    drop(second);
    let server = world.serve();
    let third = receiver.next();
    assert_eq!(read(&third), (id.clone(), alarm));
    third.answer("204 No Content", "");
    // Equal events are counted; another kind is told at once.
    take(&server, &key);
    leak(&server, &key);
    let other = receiver.next();
    let (next, alarm) = read(&other);
    assert_ne!(next, id);
    assert_eq!(
        (&alarm["type"], &alarm["data"]["reason"]),
        (&json!("value.repeated"), &json!("canary"))
    );
    other.answer("200 OK", "ok");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_is_sent_again_is_not_counted_again() {
    let receiver = Receiver::new();
    let world = World::hooked_with(&receiver, "failures = 2\n");
    let server = world.serve();
    let key = world.installation.first_key("operator_key");
    bait(&server, &key);
    // One failure, and one attempt on a canary.
    take(&server, &key);
    let first = receiver.next();
    first.answer("503 Service Unavailable", "");
    receive(&receiver, "canary.used");
    leak(&server, &key);
    receive(&receiver, "value.repeated");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn an_alarm_that_is_always_refused_does_not_hold_up_the_next_one() {
    let receiver = Receiver::new();
    let world = World::hooked(&receiver);
    let server = world.serve();
    let key = world.installation.first_key("operator_key");
    bait(&server, &key);
    take(&server, &key);
    let refused = receiver.next();
    let (id, alarm) = read(&refused);
    assert_eq!(alarm["data"]["tool"], "tool");
    leak(&server, &key);
    refused.answer("403 Forbidden", "");
    for _ in 1..5 {
        let again = receiver.next();
        assert_eq!(read(&again), (id.clone(), alarm.clone()));
        again.answer("403 Forbidden", "");
    }
    let bare = receiver.next();
    let (bare_id, told) = read(&bare);
    assert_eq!((bare_id, &told["type"]), (id, &alarm["type"]));
    assert_eq!(told["data"]["sequence"], alarm["data"]["sequence"]);
    assert!(told["data"].get("tool").is_none(), "{told}");
    bare.answer("200 OK", "");
    receive(&receiver, "value.repeated");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn failures_that_pile_up_are_one_alarm() {
    let receiver = Receiver::new();
    let world = World::hooked(&receiver);
    let server = world.serve();
    for _ in 0..25 {
        let (status, _) = request(&server, "no-key", "GET", "/v1/secrets/", "");
        assert_eq!(status, 401);
    }
    let alarm = receiver.next();
    let (_, told) = read(&alarm);
    assert_eq!(told["type"], "failures");
    assert!(told["data"]["count"].as_i64().unwrap() >= 20, "{told}");
    alarm.answer("200 OK", "");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn of_two_servers_on_one_database_one_sends_and_the_other_takes_over() {
    let receiver = Receiver::new();
    let world = World::hooked(&receiver);
    let Some(schema) = Schema::new(&world.installation) else {
        return;
    };
    let serve = || {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--config", &world.file];
        let mut command = world.installation.command(&arguments);
        command.env("TOOLVAULT_DATABASE_URL", schema.url());
        Server::start(&mut command)
    };
    let one = serve();
    let key = world.installation.first_key("operator_key");
    bait(&one, &key);
    leak(&one, &key);
    let request = receiver.next();
    let (first, _) = read(&request);
    // The first one sends alarms now, so the other one must not.
    let other = serve();
    take(&other, &key);
    request.answer("200 OK", "");
    // Once it sends the next one, it has noted the first.
    let request = receiver.next();
    let (second, alarm) = read(&request);
    assert_eq!(alarm["type"], "canary.used");
    drop(one);
    drop(request);
    let request = receiver.next();
    assert_eq!(read(&request), (second, alarm));
    request.answer("200 OK", "");
    // The other one does not know that there was an equal one lately.
    leak(&other, &key);
    let request = receiver.next();
    let (third, alarm) = read(&request);
    assert_ne!(third, first);
    assert_eq!(alarm["type"], "value.repeated");
    request.answer("200 OK", "");
    assert_eq!(other.stop(), Some(0));
}

#[test]
fn a_test_says_whether_the_receiver_takes_alarms() {
    let receiver = Receiver::new();
    let world = World::hooked(&receiver);
    for (status, expected) in [
        ("200 OK", "the test was taken"),
        (
            "403 Forbidden",
            "the test was not taken: the receiver answered with status 403",
        ),
    ] {
        let printed = std::thread::scope(|scope| {
            let command = scope.spawn(|| world.run(&["alarms", "test"]));
            let request = receiver.next();
            assert_eq!(read(&request).1["type"], "test");
            request.answer(status, "");
            command.join().unwrap()
        });
        assert!(printed.contains(expected), "{printed}");
    }
}

#[test]
fn a_command_gets_each_alarm_and_none_of_our_variables() {
    let script = "cat > DIR/got; env > DIR/variables";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let script = script.replace("DIR", path);
    let world = World::new(&format!("command = ['sh', '-c', '{script}']\n"));
    assert!(
        world
            .run(&["alarms", "test"])
            .contains("the test was taken")
    );
    let got = std::fs::read_to_string(directory.path().join("got")).unwrap();
    let got: Value = serde_json::from_str(&got).unwrap();
    assert_eq!(got["type"], "test");
    let variables = std::fs::read_to_string(directory.path().join("variables")).unwrap();
    assert!(!variables.contains("TOOLVAULT_"), "{variables}");
    let world = World::new("command = ['false']\n");
    let failed = world.run(&["alarms", "test"]);
    assert!(failed.contains("the command false failed"), "{failed}");
}

#[test]
fn settings_that_cannot_work_are_refused() {
    for (settings, why) in [
        ("url = 'http://example.com/'", "alarms.url"),
        (
            "url = 'https://example.com/'\ncommand = ['true']",
            "not both",
        ),
        ("secret_file = 'KEY_FILE'", "set alarms.url too"),
        (
            "command = ['true']\nevents = ['everything']",
            "expected some of canary.used",
        ),
        (
            "url = 'https://example.com/'\nsecret_file = '/missing'",
            "cannot read /missing",
        ),
        ("command = ['true']\nfailures = 0", "alarms.failures"),
    ] {
        let world = World::new(settings);
        let refused = world.run(&["alarms", "test"]);
        assert!(refused.contains(why), "{settings}: {refused}");
    }
    let refused = World::new("").run(&["alarms", "test"]);
    assert!(refused.contains("no alarms are configured"), "{refused}");
}
