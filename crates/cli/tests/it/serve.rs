//! `serve`: set-up, refusals, signals, logs.

use std::process::Command;

use insta::assert_snapshot;
use rustix::process::Signal;

use crate::full_disk::request;
use crate::installation::{Installation, Server};

#[test]
fn an_empty_directory_is_set_up_once() {
    use std::os::unix::fs::PermissionsExt as _;
    let installation = Installation::empty();
    let server = installation.serve(&[]);
    let log = server.first_lines.concat();
    assert!(log.contains("data.first-keys"), "{log}");
    let operator = installation.first_key("operator_key");
    let agent = installation.first_key("agent_key");
    assert!(!log.contains(&operator) && !log.contains(&agent));
    assert!(log.contains(&installation.first_key("audit_public_key")));
    for name in ["data.first-keys", "data.root.key", "data/toolvault.db"] {
        let mode = std::fs::metadata(installation.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(server.stop(), Some(0));

    let again = installation.serve(&[]);
    assert!(!again.first_lines.concat().contains("first-keys"));
    assert_eq!(installation.first_key("operator_key"), operator);
    assert!(!installation.path().join("data.first-keys.2").exists());
    assert_eq!(again.stop(), Some(0));
}

/// With the usual limit, fewer connections than `limits.connections` would leave it none for its own files.
#[cfg(target_os = "linux")]
#[test]
fn it_raises_its_limit_of_open_files() {
    let installation = Installation::empty();
    let inner = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -Sn 300 && exec \"$0\" \"$@\""])
        .arg(inner.get_program())
        .args(inner.get_args())
        .env_clear()
        .env("HOME", installation.path().join("home"))
        .env("TOOLVAULT_DATA_DIR", installation.data_dir())
        .current_dir(installation.path());
    let server = Server::start(&mut command);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let mut words = line.unwrap().split_whitespace().skip(3);
    let [soft, hard] =
        [0; 2].map(|_: u64| words.next().unwrap().parse::<u64>().unwrap_or(u64::MAX));
    assert!(hard > 300, "this machine allows only {hard} open files");
    assert_eq!(soft, hard.min(65_536));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn the_first_keys_go_where_they_are_told_to() {
    use std::os::unix::fs::PermissionsExt as _;
    let installation = Installation::empty();
    let file = installation.path().join("elsewhere").join("keys");
    let server = installation.serve(&["--first-keys-file", file.to_str().unwrap()]);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("\noperator_key=tvk_") && text.contains("\nagent_key=tvk_"),
        "{text}"
    );
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!installation.path().join("data.first-keys").exists());
    assert_eq!(server.stop(), Some(0));
    let mut doctor = installation.command(&["doctor"]);
    doctor.env("TOOLVAULT_FIRST_KEYS_FILE", &file);
    let transcript = installation.transcript(&mut doctor, "");
    assert!(
        transcript.contains("elsewhere/keys still holds the first keys"),
        "{transcript}"
    );
}

#[test]
fn a_data_directory_that_others_can_write_to_is_refused_with_the_fix_and_doctor_tells() {
    use std::os::unix::fs::PermissionsExt as _;
    let installation = Installation::set_up();
    let data = installation.data_dir();
    let lock = std::fs::metadata(data.join("lock")).unwrap();
    assert_eq!(lock.permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o777)).unwrap();
    let fix = "run: chmod 700 [directory]/data";
    for command in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["user", "list"],
        &["doctor"],
    ] {
        let refused = installation.run(command);
        assert!(refused.starts_with("exit status 1\n"), "{refused}");
        assert!(
            refused.contains("mode 0777") && refused.contains(fix),
            "{refused}"
        );
    }
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert!(
        installation
            .run(&["user", "list"])
            .starts_with("exit status 0\n")
    );
}

#[test]
fn root_reaches_another_users_store_through_its_server_only() {
    if !rustix::process::geteuid().is_root() {
        // Only root can make such a directory.
        return;
    }
    let installation = Installation::empty();
    let server = installation.serve(&[]);
    let data = installation.data_dir();
    std::os::unix::fs::chown(&data, Some(65_534), None).unwrap();
    assert!(
        installation
            .run(&["user", "list"])
            .starts_with("exit status 0\n")
    );
    assert_eq!(server.stop(), Some(0));
    let refused = installation.run(&["user", "list"]);
    assert!(refused.starts_with("exit status 1\nerror: "), "{refused}");
    assert!(refused.contains("belongs to user 65534"), "{refused}");
}

#[test]
fn plain_http_elsewhere_is_refused_before_anything_is_made() {
    let installation = Installation::empty();
    assert_snapshot!(installation.run(&["serve", "--listen", "0.0.0.0:0"]), @r"
    exit status 1
    error: refusing plain HTTP on 0.0.0.0:0, which is not loopback: use --tls-cert and --tls-key, or --insecure-http behind a proxy
    ");
    assert!(!installation.data_dir().exists());
}

#[test]
fn no_store_is_set_up_for_a_server_that_cannot_serve() {
    let installation = Installation::empty();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = |arguments: &[&str], metrics: Option<&str>| {
        let mut command = installation.command(arguments);
        command.envs(metrics.map(|address| ("TOOLVAULT_METRICS_LISTEN", address)));
        let refused = installation.transcript(&mut command, "");
        assert!(!installation.data_dir().exists(), "{refused}");
        assert!(!installation.path().join("data.root.key").exists());
        refused
    };
    assert_snapshot!(run(&["serve", "--listen", &address], None), @r"
    exit status 1
    error: cannot listen on [address] Address already in use (os error 98)
    hint: another program, perhaps your own server, listens there: stop it, or choose another address with --listen
    ");
    let free = ["serve", "--listen", "127.0.0.1:0"];
    assert_snapshot!(run(&free, Some(&address)), @r"
    exit status 1
    error: cannot listen on [address] Address already in use (os error 98)
    hint: choose another address in metrics_listen
    ");
    let tls = ["--tls-cert", "none.pem", "--tls-key", "none.pem"];
    assert_snapshot!(run(&[&free[..], &tls[..]].concat(), None), @r"
    exit status 1
    error: cannot read a certificate chain from none.pem: I/O error: No such file or directory (os error 2)
    ");
}

#[test]
fn an_interrupt_ends_the_server_in_order() {
    let installation = Installation::empty();
    let mut server = installation.serve(&[]);
    server.signal(Signal::INT);
    assert!(server.wait_for("\"stopped\"").contains("INFO"));
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    use std::io::Write as _;
    let installation = Installation::empty();
    let mut server = installation.serve(&[]);
    // An incomplete request keeps the server busy until the time limit.
    let address = server.url.strip_prefix("http://").unwrap();
    let mut connection = std::net::TcpStream::connect(address).unwrap();
    let key = installation.first_key("operator_key");
    let head = format!(
        "POST /v1/secrets/ HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-length: 100\r\nexpect: 100-continue\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).unwrap();
    // The server has sent `100 Continue`, so the request is in flight.
    let mut answer = [0; 12];
    std::io::Read::read_exact(&mut connection, &mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");
    server.signal(Signal::TERM);
    server.wait_for("received a signal to stop");
    server.signal(Signal::TERM);
    server.wait_for("received a second signal");
    assert_eq!(server.wait(), Some(2));
}

#[test]
fn with_everything_logged_no_value_and_no_key_is() {
    let installation = Installation::empty();
    let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("TOOLVAULT_LOG", "trace,sqlx=trace,hyper=trace,h2=trace");
    let server = crate::installation::Server::start(&mut command);
    let key = installation.first_key("operator_key");
    let canary = "canary-5f0c1b7e9d";
    let run = |arguments: &[&str], value: &str| {
        let mut command = installation.command(arguments);
        command
            .env("TOOLVAULT_URL", &server.url)
            .env("TOOLVAULT_API_KEY", &key);
        installation.transcript(&mut command, value)
    };
    let made = run(
        &[
            "secret",
            "create",
            "logged",
            "--tool",
            "t",
            "--arg",
            "a",
            "--default",
        ],
        canary,
    );
    assert!(made.starts_with("exit status 0"), "{made}");
    let changed = run(&["secret", "set", "logged"], &format!("{canary}-2"));
    assert!(changed.starts_with("exit status 0"), "{changed}");
    let repeated = canary.repeat(100);
    let with_long_value = run(&["secret", "set", "logged"], &repeated);
    assert!(
        with_long_value.starts_with("exit status 0"),
        "{with_long_value}"
    );
    assert!(!format!("{made}{changed}{with_long_value}").contains(canary));
    installation.output(&["key", "create", "--user", "default", "--scope", "use"]);
    let log = server.stop_and_read_log();
    // Statements must have been logged, or this test shows nothing.
    assert!(
        log.contains("INSERT INTO secrets"),
        "statements are not in the log"
    );
    let hidden_part = key.rsplit('_').next().unwrap();
    for hidden in [canary, hidden_part, &hexadecimal(canary)] {
        assert!(!log.contains(hidden), "{hidden}");
    }
}

#[test]
fn at_trace_the_statements_stay_out_unless_asked_for_by_name() {
    let installation = Installation::empty();
    let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("TOOLVAULT_LOG", "trace");
    let log = crate::installation::Server::start(&mut command).stop_and_read_log();
    assert!(!log.contains("INSERT INTO"), "{log}");
}

fn hexadecimal(text: &str) -> String {
    let digits = text.bytes().map(|byte| format!("{byte:02x}"));
    digits.collect::<Vec<_>>().concat()
}

#[test]
fn a_log_that_cannot_be_written_stops_no_request_and_no_signal() {
    let installation = Installation::empty();
    let mut server = installation.serve(&[]);
    server.close_log();
    for (path, status) in [("/v1/secrets/x", 401), ("/v1/nope", 404), ("/readyz", 200)] {
        assert_eq!(
            request(&server, "none", "GET", path, "").0,
            status,
            "{path}"
        );
    }
    assert_eq!(server.stop(), Some(0));

    let full = std::fs::File::create("/dev/full").unwrap();
    let mut command = installation.command(&["serve", "--listen", "not an address"]);
    let status = command.stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(1));
}
