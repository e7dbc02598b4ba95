//! Several servers on one database.

use serde_json::Value;

use super::receiver::Receiver;
use super::{World, acknowledge_until, upto};
use crate::installation::Server;
use crate::postgres::Schema;

#[test]
fn of_two_servers_on_one_database_one_ships_and_the_other_takes_over() {
    let receiver = Receiver::new();
    let world = World::new(receiver.address);
    let Some(schema) = Schema::new(&world.installation) else {
        return;
    };
    let command = |arguments: &[&str]| {
        let mut command = world.installation.command(arguments);
        command.env("TOOLVAULT_DATABASE_URL", schema.url());
        command
    };
    let create = |name: &str| {
        let done = command(&["user", "create", name]).output().unwrap();
        assert!(done.status.success());
    };
    let records = || -> i64 {
        let output = command(&["audit", "verify", "--json"]).output().unwrap();
        let verified: Value = serde_json::from_slice(&output.stdout).unwrap();
        verified["records"].as_i64().unwrap()
    };
    let serve = || {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--config", &world.file];
        Server::start(&mut command(&arguments))
    };
    let one = serve();
    let other = serve();
    for name in ["a", "b", "c"] {
        create(name);
    }
    let all = records();
    assert_eq!(acknowledge_until(&receiver, all, Vec::new()), upto(all));
    create("d");
    assert_eq!(acknowledge_until(&receiver, all + 1, Vec::new()), [all + 1]);
    drop(one);
    create("e");
    let more = acknowledge_until(&receiver, all + 2, Vec::new());
    // The killed one may not have noted its last record.
    assert!(more == [all + 2] || more == [all + 1, all + 2], "{more:?}");
    assert_eq!(other.stop(), Some(0));
}
