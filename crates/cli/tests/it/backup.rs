//! A backup whose stream breaks off leaves no file.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};

use crate::installation::Installation;

/// The next connection on which a request comes. A command that only looks whether there is a server sends none.
fn next_request(listener: &UnixListener) -> UnixStream {
    loop {
        let (mut connection, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4_096];
        loop {
            let count = connection.read(&mut buffer).unwrap();
            if count == 0 {
                break;
            }
            request.extend_from_slice(&buffer[..count]);
            if request.windows(4).any(|window| window == b"\r\n\r\n") {
                return connection;
            }
        }
    }
}

#[test]
fn a_backup_that_breaks_off_leaves_no_file() {
    let installation = Installation::set_up();
    let data = installation.data_dir();
    // A process that has the store open, as a server has.
    let lock = File::options().write(true).open(data.join("lock")).unwrap();
    lock.lock().unwrap();
    std::fs::write(data.join("control.token"), "0".repeat(64)).unwrap();
    let listener = UnixListener::bind(data.join("control.sock")).unwrap();
    let contents = "{\"created_at\":\"2026-01-02T03:04:05Z\",\"version\":\"1\",\"engine\":\"SQLite\",\
         \"schema\":1,\"audit_pages\":1,\"audit_records\":1,\"audit_head\":\"\",\"tables\":[]}";
    let names = || -> Vec<_> {
        let entries = std::fs::read_dir(installation.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let answered = |header: &str, body: &str, words: &[&str]| {
        let answer = format!("HTTP/1.1 200 OK\r\n{header}transfer-encoding: chunked\r\n\r\n{body}");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut connection = next_request(&listener);
                connection.write_all(answer.as_bytes()).unwrap();
            });
            installation.run(&[&["backup", "out.backup"], words].concat())
        })
    };
    let header = format!("toolvault-backup: {contents}\r\n");
    let whole = "7\r\nmembers\r\n0\r\n\r\n";
    let broken = "the server ended the connection";
    for (header, body, told) in [
        (header.as_str(), "7\r\nmembers\r\n", broken),
        (header.as_str(), "7\r\nmem", broken),
        ("", whole, "the server is another version of Toolvault"),
    ] {
        let printed = answered(header, body, &[]);
        assert!(
            printed.starts_with(&format!("exit status 2\nerror: {told}")),
            "{printed}"
        );
        assert_eq!(names(), before);
    }
    // The control: what does not break off is kept.
    let printed = answered(&header, whole, &["--data-dir", data.to_str().unwrap()]);
    assert!(printed.starts_with("exit status 0"), "{printed}");
    let hint = "backup --check out.backup --data-dir [directory]/data";
    assert!(printed.ends_with(hint), "{printed}");
    let written = std::fs::read(installation.path().join("out.backup")).unwrap();
    assert_eq!(written, b"members");
}
