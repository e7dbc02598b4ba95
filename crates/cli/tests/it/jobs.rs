//! Backups and checkpoints that the server writes by itself.

use std::path::{Path, PathBuf};

use crate::installation::Installation;

const DONE: &str = "a job of the server is done";
const FAILED: &str = "a job of the server failed";

/// A configuration with this text, and directories for backups and checkpoints.
struct World {
    installation: Installation,
    backups: PathBuf,
    checkpoints: PathBuf,
    file: String,
}

impl World {
    fn new(settings: &str) -> Self {
        let installation = Installation::empty();
        let [backups, checkpoints] = ["backups", "checkpoints"].map(|name| {
            let path = installation.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        });
        let text = settings
            .replace("BACKUPS", backups.to_str().unwrap())
            .replace("CHECKPOINTS", checkpoints.to_str().unwrap());
        let file = installation.path().join("toolvault.toml");
        std::fs::write(&file, text).unwrap();
        Self {
            file: file.to_str().unwrap().to_owned(),
            installation,
            backups,
            checkpoints,
        }
    }

    fn doctor(&self) -> String {
        self.installation.run(&["doctor", "--config", &self.file])
    }
}

/// The names in a directory. Hidden ones are of files that are not complete, as when a server stops meanwhile.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}

/// The next line of the log that says that this job is done.
fn wait_for(server: &mut crate::installation::Server, what: &str, job: &str) -> String {
    loop {
        let line = server.wait_for(what);
        if line.contains(&format!("\"job\":\"{job}\"")) {
            return line;
        }
    }
}

#[test]
fn a_server_writes_backups_and_checkpoints_and_keeps_the_newest_backups() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new(
        "[backup]\nevery = '1s'\nkeep = 2\ndirectory = 'BACKUPS'\n\
         [audit.checkpoints]\nevery = '1h'\ndirectory = 'CHECKPOINTS'\n",
    );
    let mut server = world.installation.serve(&["--config", &world.file]);
    std::fs::write(world.backups.join("notes"), "mine").unwrap();
    wait_for(&mut server, DONE, "checkpoint");
    for _ in 0..4 {
        wait_for(&mut server, DONE, "backup");
    }
    let doctor = world.doctor();
    for check in ["backups", "checkpoints"] {
        let good = format!("ok  {check}: the last one was made at [time]");
        assert!(doctor.contains(&good), "{doctor}");
    }
    assert_eq!(server.stop(), Some(0));

    let backups = names(&world.backups);
    // One more if the server stopped between making one and removing the oldest.
    assert!((3..=4).contains(&backups.len()), "{backups:?}");
    assert_eq!(backups[0], "notes");
    for name in &backups[1..] {
        let path = world.backups.join(name);
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let checked = world
            .installation
            .run(&["backup", "--check", path.to_str().unwrap()]);
        assert!(checked.starts_with("exit status 0"), "{checked}");
    }
    assert_eq!(names(&world.checkpoints).len(), 1);
    let directory = world.checkpoints.to_str().unwrap();
    let verified = world
        .installation
        .run(&["audit", "verify", "--checkpoint", directory]);
    assert!(verified.starts_with("exit status 0"), "{verified}");
}

#[test]
fn a_server_deletes_old_audit_records() {
    let world = World::new("[audit]\nkeep = '1d'\n");
    let mut server = world.installation.serve(&["--config", &world.file]);
    assert!(
        server
            .wait_for("old audit records were deleted")
            .contains("\"records\":0")
    );
    wait_for(&mut server, DONE, "prune");
    let doctor = world.doctor();
    let good = "ok  audit retention: old records were last deleted at [time]";
    assert!(doctor.contains(good), "{doctor}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn no_checkpoint_is_written_of_a_store_that_was_put_back() {
    let world = World::new("[audit.checkpoints]\nevery = '1s'\ndirectory = 'CHECKPOINTS'\n");
    let mut server = world.installation.serve(&["--config", &world.file]);
    wait_for(&mut server, DONE, "checkpoint");
    assert_eq!(server.stop(), Some(0));
    let database = world.installation.data_dir().join("toolvault.db");
    let kept = std::fs::read(&database).unwrap();
    world.installation.output(&["user", "create", "one"]);
    let newest = world.installation.output(&["audit", "checkpoint"]);
    let name = names(&world.checkpoints).pop().unwrap();
    std::fs::write(world.checkpoints.join(&name), newest).unwrap();
    let before = names(&world.checkpoints);
    std::fs::write(&database, kept).unwrap();
    let mut server = world.installation.serve(&["--config", &world.file]);
    let line = wait_for(&mut server, FAILED, "checkpoint");
    assert!(line.contains("set back to an earlier state"), "{line}");
    let doctor = world.doctor();
    assert!(
        doctor.contains("WRONG  checkpoints: the audit trail does not contain"),
        "{doctor}"
    );
    assert_eq!(server.stop(), Some(0));
    assert_eq!(names(&world.checkpoints), before);
}

#[test]
fn a_directory_that_is_missing_is_told_and_blocks_nothing() {
    let world = World::new(
        "[backup]\nevery = '1d'\ndirectory = 'BACKUPS/missing'\n\
         [audit.checkpoints]\nevery = '1d'\ndirectory = 'CHECKPOINTS/missing'\n",
    );
    let mut server = world.installation.serve(&["--config", &world.file]);
    // In either order: the next failures come a minute later.
    let mut waiting = vec!["\"job\":\"backup\"", "\"job\":\"checkpoint\""];
    while !waiting.is_empty() {
        let line = server.wait_for(FAILED);
        waiting.retain(|job| !line.contains(job));
    }
    world.installation.output(&["user", "create", "one"]);
    let doctor = world.doctor();
    assert!(doctor.starts_with("exit status 1"), "{doctor}");
    for check in ["backups", "checkpoints"] {
        assert!(doctor.contains(&format!("WRONG  {check}: ")), "{doctor}");
    }
    assert_eq!(server.stop(), Some(0));
    // Without the server, too.
    assert!(
        world
            .doctor()
            .contains("WRONG  backups: cannot read its directory")
    );
}

#[test]
fn a_command_gets_each_checkpoint_and_none_of_our_variables() {
    let world = World::new(
        "[audit.checkpoints]\nevery = '1s'\n\
         command = ['sh', '-c', 'test -z \"$TOOLVAULT_DATA_DIR\" && cat >> CHECKPOINTS/all']\n",
    );
    let mut server = world.installation.serve(&["--config", &world.file]);
    for _ in 0..2 {
        wait_for(&mut server, DONE, "checkpoint");
    }
    assert!(
        world
            .doctor()
            .contains("ok  checkpoints: the last one was made at")
    );
    assert_eq!(server.stop(), Some(0));
    assert!(
        world
            .doctor()
            .contains("ok  checkpoints: only the server knows")
    );
    let all = world.checkpoints.join("all");
    let lines = std::fs::read_to_string(&all).unwrap().lines().count();
    assert!(lines >= 2, "{lines}");
    let verified =
        world
            .installation
            .run(&["audit", "verify", "--checkpoint", all.to_str().unwrap()]);
    assert!(verified.starts_with("exit status 0"), "{verified}");

    let text = std::fs::read_to_string(&world.file)
        .unwrap()
        .replace("-z", "-n");
    std::fs::write(&world.file, text).unwrap();
    let mut server = world.installation.serve(&["--config", &world.file]);
    let line = wait_for(&mut server, FAILED, "checkpoint");
    assert!(
        line.contains("the command sh failed: exit status: 1"),
        "{line}"
    );
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_the_command_did_not_get_is_not_in_the_directory() {
    let world = World::new(
        "[audit.checkpoints]\nevery = '1s'\ndirectory = 'CHECKPOINTS'\n\
         command = ['sh', '-c', 'mkdir BACKUPS/tried && exit 1; cat >> BACKUPS/got']\n",
    );
    let mut server = world.installation.serve(&["--config", &world.file]);
    wait_for(&mut server, FAILED, "checkpoint");
    wait_for(&mut server, DONE, "checkpoint");
    assert_eq!(server.stop(), Some(0));
    let got = std::fs::read_to_string(world.backups.join("got")).unwrap();
    let written = names(&world.checkpoints);
    assert!(!written.is_empty());
    for name in written {
        let line = std::fs::read_to_string(world.checkpoints.join(&name)).unwrap();
        assert!(got.contains(&line), "{name}");
    }
}

#[test]
fn settings_that_go_together_are_required_together() {
    for (settings, told) in [
        ("backup.every = '1d'", "backup.every ("),
        ("backup.directory = '/b'", "set backup.every too"),
        (
            "backup.every = 'daily'\nbackup.directory = '/b'",
            "a number and one of",
        ),
        (
            "backup.every = '0s'\nbackup.directory = '/b'",
            "expected at least 1s",
        ),
        (
            "backup.every = '1d'\nbackup.directory = 'b'",
            "expected an absolute path",
        ),
        (
            "backup.every = '1d'\nbackup.directory = '/b'\nbackup.keep = 0",
            "a whole number from 1 on",
        ),
        ("audit.keep = '23h'", "expected at least 1d"),
        (
            "audit.checkpoints.every = '1d'",
            "set audit.checkpoints.directory, audit.checkpoints.command or",
        ),
        (
            "audit.checkpoints.command = ['true']",
            "set audit.checkpoints.every too",
        ),
    ] {
        let world = World::new(settings);
        let refused = world.installation.run(&["serve", "--config", &world.file]);
        assert!(
            refused.starts_with("exit status 1"),
            "{settings}: {refused}"
        );
        assert!(refused.contains(told), "{settings}: {refused}");
    }
}
