//! Checkpoints that the server writes to an S3-compatible store.

mod settings;
mod store;

use self::store::{ACCESS_KEY_ID, PLACE, REGION, SECRET_ACCESS_KEY, Store};
use crate::installation::{Installation, Server};
use crate::ship::receiver::Receiver;

/// A store whose server writes checkpoints to a bucket at `receiver`.
struct World {
    installation: Installation,
    receiver: Receiver,
    file: String,
}

impl World {
    fn new(settings: &str) -> Self {
        let (installation, receiver) = (Installation::empty(), Receiver::new());
        let secret = installation.path().join("secret");
        std::fs::write(&secret, format!("{SECRET_ACCESS_KEY}\n")).unwrap();
        let (secret, address) = (secret.display(), receiver.address);
        let text = format!(
            "[audit.checkpoints]\nevery = '1s'\n{settings}\n[audit.checkpoints.s3]\n\
             url = 'http://{address}{PLACE}'\nregion = '{REGION}'\naccess_key_id = '{ACCESS_KEY_ID}'\n\
             secret_access_key_file = '{secret}'\nallow_private_network = true\n"
        );
        let file = installation.path().join("toolvault.toml");
        std::fs::write(&file, text).unwrap();
        Self {
            file: file.to_str().unwrap().to_owned(),
            installation,
            receiver,
        }
    }

    fn serve(&self) -> Server {
        self.installation.serve(&["--config", &self.file])
    }

    fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(&self.file).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&self.file, text.replace(from, to)).unwrap();
    }
}

#[test]
fn each_checkpoint_is_a_new_object_that_verifies() {
    let world = World::new("");
    let server = world.serve();
    let mut store = Store::default();
    for _ in 0..2 {
        assert_eq!(store.serve(world.receiver.next()), ("200 OK", ""));
    }
    assert_eq!(server.stop(), Some(0));
    // The clock has not moved a second, perhaps.
    let server = world.serve();
    assert_eq!(store.serve(world.receiver.next()), ("200 OK", ""));
    assert!(!server.stop_and_read_log().contains(SECRET_ACCESS_KEY));

    assert_eq!(store.objects.len(), 3);
    let downloaded = world.installation.path().join("downloaded");
    std::fs::create_dir(&downloaded).unwrap();
    let mut times = Vec::new();
    for (path, body) in &store.objects {
        let name = path.strip_prefix(PLACE).unwrap();
        assert!(name.starts_with("toolvault-") && name.ends_with(".checkpoint"));
        std::fs::write(downloaded.join(name), body).unwrap();
        let checkpoint: serde_json::Value = serde_json::from_str(body).unwrap();
        times.push(checkpoint["at"].as_str().unwrap().to_owned());
    }
    assert!(times.is_sorted(), "{times:?}");
    let directory = downloaded.to_str().unwrap();
    let verify = ["audit", "verify", "--checkpoint", directory];
    let verified = world.installation.run(&verify);
    assert!(verified.starts_with("exit status 0"), "{verified}");
    let (path, body) = store.objects.first_key_value().unwrap();
    let name = downloaded.join(path.strip_prefix(PLACE).unwrap());
    std::fs::write(name, body.replace("\"page\":", "\"page\":9")).unwrap();
    let verified = world.installation.run(&verify);
    assert!(verified.starts_with("exit status 1"), "{verified}");
}

#[test]
fn a_bucket_that_refuses_is_told_and_the_directory_gets_nothing() {
    let world = World::new("directory = 'CHECKPOINTS'");
    let directory = world.installation.path().join("checkpoints");
    std::fs::create_dir(&directory).unwrap();
    world.edit("CHECKPOINTS", directory.to_str().unwrap());
    let mut server = world.serve();
    let request = world.receiver.next();
    request.answer("503 Slow Down", "<Error><Code>SlowDown</Code></Error>");
    let line = server.wait_for("a job of the server failed");
    assert!(line.contains("(SlowDown)"), "{line}");
    // Tried again, with a checkpoint of its own time.
    let held = world.receiver.next();
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0);
    let mut store = Store::default();
    assert_eq!(store.serve(held), ("200 OK", ""));
    server.wait_for("a job of the server is done");
    let log = server.stop_and_read_log();
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
    assert!(!log.contains(SECRET_ACCESS_KEY), "{log}");
}

#[test]
fn a_wrong_key_is_refused_and_a_new_one_needs_no_restart() {
    let world = World::new("");
    let secret = world.installation.path().join("secret");
    std::fs::write(&secret, "another-secret-access-key").unwrap();
    let mut server = world.serve();
    let mut store = Store::default();
    let refused = ("403 Forbidden", "SignatureDoesNotMatch");
    assert_eq!(store.serve(world.receiver.next()), refused);
    let line = server.wait_for("a job of the server failed");
    assert!(line.contains("(SignatureDoesNotMatch)"), "{line}");
    assert!(!line.contains(SECRET_ACCESS_KEY), "{line}");
    std::fs::write(&secret, SECRET_ACCESS_KEY).unwrap();
    // One more may have been signed already.
    while store.serve(world.receiver.next()) == refused {}
    assert_eq!(store.objects.len(), 1);
    let log = server.stop_and_read_log();
    assert!(!log.contains("another-secret-access-key"), "{log}");
}
