//! Files of clients as people have them, with every detail made up: each is declined once, accepted once, and each
//! server that was taken over is started as its client starts it then.
//!
//! The files are in `tests/clients`. `@PROJECT@` and `@BIN@` in them are folders of the test. Keys are between `⟦` and
//! `⟧`, with a `·` in them so that nothing takes them for real ones. What becomes of each server is in
//! `expected.txt` beside them; a test that finds something else prints what it found.

mod file;
mod http;
mod room;
mod started;

use std::fmt::Write as _;
use std::path::Path;

use self::file::ClientFile;
use self::room::Room;

/// What is counted for a client.
#[derive(Default)]
struct Tally {
    files: usize,
    taken: usize,
    left: usize,
    started: usize,
}

fn try_all(client: &str) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/clients")
        .join(client);
    let files = file::all(&data);
    let room = Room::new();
    let (mut tally, mut found) = (Tally::default(), String::new());
    for name in &files {
        let file = ClientFile::read(client, &data, name, &room);
        let _ = writeln!(found, "{name}");
        try_one(&room, &file, &mut tally, &mut found);
        tally.files += 1;
    }
    println!(
        "{client}: {} files, {} servers taken over, {} left with the reason, {} started",
        tally.files, tally.taken, tally.left, tally.started
    );
    let expected = std::fs::read_to_string(data.join("expected.txt")).unwrap_or_default();
    assert!(
        found == expected,
        "{client}: expected\n{expected}\nfound\n{found}"
    );
    assert_eq!(tally.started, tally.taken, "{client}");
}

fn try_one(room: &Room, file: &ClientFile, tally: &mut Tally, found: &mut String) {
    let person = room.newcomer();
    std::fs::create_dir_all(file.path.parent().unwrap()).unwrap();
    std::fs::write(&file.path, &file.text).unwrap();
    let arguments = ["mcp", "import", file.path.to_str().unwrap()];

    let declined = room.run(&person, &arguments);
    assert!(declined.starts_with("exit status 1\n"), "{declined}");
    assert_eq!(
        std::fs::read(&file.path).unwrap(),
        file.text.as_bytes(),
        "{declined}"
    );
    assert_eq!(room.configuration(), "");
    assert_eq!(room.secrets(&person), 0, "{declined}");

    let accepted = room.run(&person, &[&arguments[..], &["--yes"]].concat());
    for key in &file.keys {
        assert!(!accepted.contains(key.as_str()), "{accepted}");
    }
    let (taken, left) = outcome(&accepted);
    let after = ClientFile::again(file);
    for server in &taken {
        let _ = writeln!(found, "  {server}: taken over");
        file.assert_no_key_of(server, &after.text, &room.configuration());
    }
    for (server, reason) in &left {
        let _ = writeln!(found, "  {server}: {reason}");
        // It is as it was.
        assert_eq!(
            after.server(server),
            file.server(server),
            "{server}: {}",
            after.text
        );
    }
    for key in &file.keys {
        assert!(
            !room.configuration().contains(key.as_str()),
            "{}",
            room.configuration()
        );
    }
    assert_eq!(after.comments(), file.comments(), "{}", after.text);
    tally.taken += taken.len();
    tally.left += left.len();
    if taken.is_empty() {
        assert_eq!(after.text, file.text);
        return;
    }
    room.reload();
    for server in &taken {
        started::as_its_client_would(room, file, &after, server);
        tally.started += 1;
    }
    room.forget();
}

/// The servers that were taken over, and the others with the reason.
fn outcome(transcript: &str) -> (Vec<String>, Vec<(String, String)>) {
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    for line in transcript.lines() {
        if let Some((name, _)) = line.split_once(" becomes the server ") {
            taken.push(name.to_owned());
        } else if let Some(told) = line.strip_prefix("warning: ")
            && let Some((name, reason)) = told.split_once(" stays as it is: ")
        {
            left.push((name.to_owned(), reason.to_owned()));
        }
    }
    (taken, left)
}

#[test]
fn claude_code() {
    try_all("claude-code");
}

#[test]
fn claude_desktop() {
    try_all("claude-desktop");
}

#[test]
fn codex() {
    try_all("codex");
}

#[test]
fn cursor() {
    try_all("cursor");
}

#[test]
fn gemini_cli() {
    try_all("gemini");
}

#[test]
fn opencode() {
    try_all("opencode");
}

#[test]
fn visual_studio_code() {
    try_all("vscode");
}

#[test]
fn windsurf() {
    try_all("windsurf");
}

#[test]
fn zed() {
    try_all("zed");
}
