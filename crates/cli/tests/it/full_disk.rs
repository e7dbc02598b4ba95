//! A data directory on a disk that fills up, and then has free space again; and one that refuses writes otherwise.

mod refused;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::installation::{Installation, Server};

/// More time than any test needs.
const PATIENCE: Duration = Duration::from_mins(1);
/// The time from free space on the disk to a working server.
const SOON: Duration = Duration::from_secs(10);
/// Mounts a small disk at the first argument and runs the others on it. As long as the file `fill` is in the working
/// directory the disk is full.
const SMALL_DISK: &str = "mount -t tmpfs -o size=16m,mode=0700 none \"$0\" || exit 99
    while kill -0 $$; do
        if [ -e fill ]; then cat /dev/zero >> \"$0/filler\"; else rm -f \"$0/filler\"; fi
        sleep 0.05
    done 2>/dev/null >/dev/null &
    exec \"$@\"";

/// One request over HTTP/1.0, where the end of the connection ends the answer.
pub(crate) fn request(
    server: &Server,
    key: &str,
    method: &str,
    path: &str,
    body: &str,
) -> (u16, Value) {
    request_with(server, &[("x-api-key", key)], method, path, body)
}

/// The same with these headers.
pub(crate) fn request_with(
    server: &Server,
    headers: &[(&str, &str)],
    method: &str,
    path: &str,
    body: &str,
) -> (u16, Value) {
    let (status, body) = exchange(server, headers, method, path, body);
    (status, serde_json::from_str(&body).unwrap_or_default())
}

/// What a path has.
pub(crate) fn text(server: &Server, key: &str, path: &str) -> String {
    let (status, body) = exchange(server, &[("x-api-key", key)], "GET", path, "");
    assert_eq!(status, 200, "{body}");
    body
}

fn exchange(
    server: &Server,
    headers: &[(&str, &str)],
    method: &str,
    path: &str,
    body: &str,
) -> (u16, String) {
    let address = server.url.strip_prefix("http://").unwrap();
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let headers = headers.concat();
    let head = format!(
        "{method} {path} HTTP/1.0\r\nhost: {address}\r\n{headers}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    connection.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    (status, body.to_owned())
}

fn store(server: &Server, key: &str, name: &str) -> u16 {
    // Large, so that it is the first file that does not fit.
    let body = json!({
        "secret_name": name,
        "secret_value": "v".repeat(1_000),
        "tool_name": format!("tool_{name}"),
        "tool_arg": "key",
        "is_default_for_tool": true,
    });
    request(server, key, "POST", "/v1/secrets/", &body.to_string()).0
}

fn resolve(server: &Server, key: &str, name: &str) -> u16 {
    let path = format!("/v1/tools/tool_{name}/resolve");
    request(server, key, "POST", &path, r#"{"args": {}}"#).0
}

fn ready(server: &Server) -> u16 {
    request(server, "", "GET", "/readyz", "").0
}

fn wait(within: Duration, what: &str, is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < within, "{what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Starts a server whose data directory is a disk of 16 MiB.
fn on_small_disk(installation: &Installation, namespaces: &str) -> Server {
    let data = installation.data_dir();
    std::fs::create_dir(&data).unwrap();
    let inner = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut command = Command::new("unshare");
    command
        .args([namespaces, "sh", "-c", SMALL_DISK])
        .arg(&data)
        .arg(inner.get_program())
        .args(inner.get_args())
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", installation.path().join("home"))
        .env("TOOLVAULT_DATA_DIR", &data)
        .current_dir(installation.path());
    Server::start(&mut command)
}

#[test]
fn it_is_well_again_by_itself_once_the_disk_has_room() {
    let is_root = rustix::process::geteuid().is_root();
    let namespaces = if is_root { "-m" } else { "-Urm" };
    let can_mount = Command::new("unshare")
        .args([namespaces, "mount", "-t", "tmpfs", "none", "/mnt"])
        .stderr(Stdio::null())
        .status();
    if !can_mount.is_ok_and(|status| status.success()) {
        eprintln!("skipped: this machine cannot mount a small disk here");
        return;
    }
    let installation = Installation::empty();
    let mut server = on_small_disk(&installation, namespaces);
    let key = installation.first_key("operator_key");

    let fill = installation.path().join("fill");
    let mut stored = Vec::new();
    for round in 0..3 {
        assert_eq!(ready(&server), 200);
        for number in 0..5 {
            let name = format!("s{round}_{number}");
            assert_eq!(store(&server, &key, &name), 200);
            stored.push(name);
        }
        std::fs::write(&fill, "").unwrap();
        let since = Instant::now();
        for number in 5.. {
            let name = format!("s{round}_{number}");
            match store(&server, &key, &name) {
                200 => stored.push(name),
                503 => break,
                other => panic!("{other}"),
            }
            assert!(since.elapsed() < PATIENCE, "the disk does not fill up");
        }
        wait(PATIENCE, "uses are not recorded, yet answered", || {
            resolve(&server, &key, "s0_0") == 503
        });
        wait(PATIENCE, "it says that it is ready", || {
            ready(&server) == 503
        });
        assert_eq!(store(&server, &key, "refused"), 503);
        assert_eq!(ready(&server), 503);

        let logged = server.wait_for("database.code");
        assert!(logged.contains("\"database.code\":\"13\""), "{logged}");
        assert!(logged.contains("database or disk is full"), "{logged}");

        std::fs::remove_file(&fill).unwrap();
        wait(SOON, "it is not ready again", || ready(&server) == 200);
        assert_eq!(resolve(&server, &key, "s0_0"), 200);
    }
    let (status, listed) = request(&server, &key, "GET", "/v1/secrets/?limit=1000", "");
    assert_eq!(status, 200);
    let listed = listed["data"]
        .as_array()
        .unwrap_or_else(|| panic!("{listed}"));
    let names: Vec<&str> = listed
        .iter()
        .map(|secret| secret["secret_name"].as_str().unwrap())
        .collect();
    assert_eq!(names, stored, "what was acknowledged, and nothing else");
    assert_eq!(server.stop(), Some(0));
}
