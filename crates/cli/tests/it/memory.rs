//! Hostile bodies must not use more memory than the body limit.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::installation::{Installation, Server};

/// How many bodies come at once, each of almost the 256 KiB that a body may have.
const AT_ONCE: usize = 64;
/// A server that parsed them into trees would take more than a gigabyte.
const ROOM: u64 = 160 << 20;
/// A body far over the limit, in bytes, and what refusing it may cost.
const ENORMOUS: usize = 64 << 20;
const REFUSAL: u64 = 24 << 20;

/// The most memory that the server has held since it was last reset, in bytes.
fn peak(server: &Server) -> u64 {
    let path = format!("/proc/{}/status", server.id());
    let status = std::fs::read_to_string(path).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

/// By how much `deed` raises the peak (proc(5), `clear_refs`).
fn growth(server: &Server, deed: impl FnOnce()) -> u64 {
    std::fs::write(format!("/proc/{}/clear_refs", server.id()), "5").unwrap();
    let before = peak(server);
    deed();
    peak(server).saturating_sub(before)
}

/// Sends everything while it waits for the answer's head; its status.
fn status(server: &Server, head: &str, rest: &[u8]) -> u16 {
    let address = server.url.strip_prefix("http://").unwrap();
    let mut reader = TcpStream::connect(address).unwrap();
    let mut writer = reader.try_clone().unwrap();
    let head = format!("{head}connection: close\r\nhost: {address}\r\n\r\n");
    std::thread::scope(|scope| {
        // If the server answers and closes early, the rest is not sent.
        scope.spawn(move || {
            writer
                .write_all(head.as_bytes())
                .and(writer.write_all(rest))
        });
        let mut answer = [0; 12];
        reader.read_exact(&mut answer).unwrap();
        let _ = std::io::copy(&mut reader, &mut std::io::sink());
        let answer = String::from_utf8_lossy(&answer);
        answer.strip_prefix("HTTP/1.1 ").unwrap().parse().unwrap()
    })
}

fn post(server: &Server, path: &str, credential: &str, body: &[u8]) -> u16 {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\n{credential}content-type: application/json\r\ncontent-length: {length}\r\n"
    );
    status(server, &head, body)
}

fn credential(installation: &Installation) -> String {
    format!("x-api-key: {}\r\n", installation.first_key("operator_key"))
}

#[test]
fn many_hostile_bodies_at_once_leave_memory_flat() {
    let installation = Installation::empty();
    let server = installation.serve(&[]);
    let credential = credential(&installation);
    let list = |element: &str, count| format!("[{}]", vec![element; count].join(","));
    let shapes = [
        ("[".repeat(260_000), 400),
        (
            format!("{{\"args\":{{\"a\":{}}}}}", list("{\"\":0}", 30_000)),
            200,
        ),
        (
            format!("{{\"args\":{{\"a\":{}}}}}", list("[0]", 60_000)),
            200,
        ),
        (
            format!("{{\"args\":{{\"a\":{}}}}}", list("0", 120_000)),
            200,
        ),
        (format!("{{\"accepts\":{}}}", list("\"a\"", 60_000)), 200),
        (format!("{{\"calls\":{}}}", list("{}", 80_000)), 422),
    ];
    // The first request fills the caches.
    assert_eq!(
        post(&server, "/v1/tools/t/resolve", &credential, b"{}"),
        200
    );
    let grown = growth(&server, || {
        std::thread::scope(|scope| {
            for (body, owed) in shapes.iter().cycle().take(AT_ONCE) {
                let (server, credential) = (&server, &credential);
                scope.spawn(move || {
                    let path = if *owed == 422 {
                        "/v1/resolve"
                    } else {
                        "/v1/tools/t/resolve"
                    };
                    assert_eq!(
                        post(server, path, credential, body.as_bytes()),
                        *owed,
                        "{}",
                        &body[..20]
                    );
                });
            }
        });
    });
    assert!(grown < ROOM, "{} KiB", grown >> 10);
}

#[test]
fn megabytes_are_not_even_taken_in() {
    let installation = Installation::empty();
    let enormous = vec![b'['; ENORMOUS];
    let server = installation.serve(&[]);
    let credential = credential(&installation);
    assert_eq!(post(&server, "/v1/secrets/", &credential, b"{}"), 422);
    let grown = growth(&server, || {
        for (credential, owed) in [(credential.as_str(), 413), ("", 401)] {
            assert_eq!(post(&server, "/v1/secrets/", credential, &enormous), owed);
            let head =
                format!("POST /v1/secrets/ HTTP/1.1\r\n{credential}transfer-encoding: chunked\r\n");
            let chunk = [format!("{ENORMOUS:x}\r\n").as_bytes(), &enormous, b"\r\n"].concat();
            assert_eq!(status(&server, &head, &chunk), owed);
        }
    });
    assert!(grown < REFUSAL, "{} KiB", grown >> 10);
    assert_eq!(server.stop(), Some(0));

    // The same body within the limit is accepted, which shows that the measurement works.
    let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("TOOLVAULT_LIMITS__BODY_BYTES", (ENORMOUS + 1).to_string());
    let server = Server::start(&mut command);
    assert_eq!(post(&server, "/v1/secrets/", &credential, b"{}"), 422);
    let grown = growth(&server, || {
        assert_eq!(post(&server, "/v1/secrets/", &credential, &enormous), 400);
    });
    assert!(grown > REFUSAL, "{} KiB", grown >> 10);
}
