//! What a program is given when it starts, and what is said when it does not.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use toolvault_core::confidential::Wiped;

use super::{in_time, of, started};
use crate::settings::Sandbox;
use crate::stdio::concealed::Identity;
use crate::stdio::{Launch, LaunchError, Process, Support};

async fn refusal(launch: Launch) -> LaunchError {
    match in_time(Process::launch(launch)).await {
        Ok(_) => panic!("it was started"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn its_environment_is_what_is_listed_and_configured() {
    let mut launch = of(&["env"]);
    for (name, value) in [
        ("LANG", "C"),
        ("TOOLVAULT_ROOT_KEY", "canary"),
        ("AWS_SECRET_ACCESS_KEY", "canary"),
    ] {
        launch.inherited.push((name.to_owned(), value.to_owned()));
    }
    for (name, value) in [("API_TOKEN", "t"), ("LANG", "de")] {
        let value = Wiped::new(value.to_owned());
        launch.environment.push((name.to_owned(), value));
    }
    let (_process, mut output) = started(launch).await;
    let mut lines = output.lines().await;
    lines.sort();
    assert_eq!(
        lines,
        [
            "API_TOKEN=t",
            "LANG=de",
            "PATH=/usr/local/bin:/usr/bin:/bin"
        ]
    );
}

#[tokio::test]
async fn its_arguments_go_through_no_shell() {
    let (_process, mut output) = started(of(&["printf", "%s\\n", "$HOME; a b", "*"])).await;
    assert_eq!(output.lines().await, ["$HOME; a b", "*"]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn it_has_none_of_our_files() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let _listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (_other, _its_output) = started(of(&["cat"])).await;
    let (_process, mut output) = started(of(&["ls", "-l", "/proc/self/fd"])).await;
    let lines = output.lines().await.join("\n");
    // What we were started with ourselves, such as a build's pipes, is not ours.
    let ours = [file.path().to_str().unwrap(), "socket:", "anon_inode:"];
    assert!(!ours.iter().any(|name| lines.contains(name)), "{lines}");
    assert!(lines.contains(" 2 -> pipe:"), "{lines}");
}

#[tokio::test]
async fn it_starts_in_an_empty_directory_that_is_removed_with_it() {
    let (process, mut output) = started(of(&["sh", "-c", "pwd; ls -A; echo x > left"])).await;
    let lines = output.lines().await;
    let [place] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    in_time(process.ended()).await;
    assert!(Path::new(place).join("left").exists());
    drop(process);
    assert!(!Path::new(place).exists());
}

#[tokio::test]
async fn it_starts_where_it_is_told_to() {
    let place = tempfile::tempdir().unwrap();
    let mut launch = of(&["pwd", "-P"]);
    launch.directory = Some(place.path().to_owned());
    let (_process, mut output) = started(launch).await;
    let here = place.path().canonicalize().unwrap();
    assert_eq!(output.lines().await, [here.to_str().unwrap()]);

    let mut launch = of(&["pwd"]);
    launch.directory = Some("/nowhere".into());
    let error = refusal(launch).await;
    assert_eq!(error.to_string(), "cannot start 'pwd' in /nowhere");
}

#[tokio::test]
async fn what_is_missing_is_named() {
    for (command, text) in [
        (
            &["no-such-program"][..],
            "cannot start 'no-such-program': not found",
        ),
        (&["./nothing"][..], "cannot start './nothing': not found"),
        (&["/etc"][..], "cannot start '/etc': it is not executable"),
        (&[][..], "cannot start '': not found"),
    ] {
        assert_eq!(refusal(of(command)).await.to_string(), text);
    }
}

#[tokio::test]
async fn nothing_starts_unprotected_where_the_sandbox_is_on() {
    let mut launch = of(&["cat"]);
    launch.sandbox = Sandbox::On;
    let error = refusal(launch).await;
    assert!(matches!(error, LaunchError::NoSandbox { .. }), "{error}");

    let mut launch = of(&["echo", "x"]);
    launch.sandbox = Sandbox::Auto;
    let (_process, mut output) = started(launch).await;
    assert_eq!(output.lines().await, ["x"]);
}

/// A program that goes through this script in place of our binary.
fn through(helper: &str, command: &[&str]) -> (TempDir, Launch) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("helper");
    std::fs::write(&path, format!("#!/bin/sh\n{helper}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut launch = of(command);
    launch.sandbox = Sandbox::On;
    launch.support = Support::MountNamespace;
    launch.helper = path;
    (place, launch)
}

const SANDBOXED: &str = "echo \"$*\" >&2; echo toolvault: sandboxed; while [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\"";

#[tokio::test]
async fn our_binary_goes_before_a_program_in_a_sandbox() {
    let (place, launch) = through(SANDBOXED, &["printf", "%s\\n", "toolvault: sandboxed", "x"]);
    let [data, key] = ["a b", "key"].map(|name| place.path().join(name));
    std::fs::create_dir(&data).unwrap();
    launch.concealed.add(&[data.clone(), key.clone()]);
    let expected = format!(
        "sandbox --with mount-namespace --conceal {}:{} -- /",
        Identity::at(&data).unwrap(),
        data.display()
    );
    let (process, mut output) = started(launch).await;
    assert_eq!(output.lines().await, ["toolvault: sandboxed", "x"]);
    assert!(process.is_confined());
    std::fs::write(key, "").unwrap();
    assert!(!process.is_confined());
    let said = output.chunk().await.unwrap().bytes;
    let said = String::from_utf8(said.to_vec()).unwrap();
    assert!(said.starts_with(&expected), "{said}");
}

#[tokio::test]
async fn nothing_starts_once_what_is_concealed_was_moved() {
    let (place, first) = through(SANDBOXED, &["cat"]);
    let [home, moved] = ["home", "moved"].map(|name| place.path().join(name));
    std::fs::create_dir(&home).unwrap();
    let key = home.join("key");
    std::fs::write(&key, "").unwrap();
    first.concealed.add(std::slice::from_ref(&key));
    let mut again = through(SANDBOXED, &["cat"]).1;
    again.concealed = Arc::clone(&first.concealed);
    again.helper = first.helper.clone();
    let (process, _output) = started(first).await;
    std::fs::rename(&home, moved).unwrap();
    assert!(!process.is_confined());
    let error = refusal(again).await.to_string();
    let reason = "is not what it was when the server started, so it cannot be concealed; put it back, or restart the server";
    assert_eq!(
        error,
        format!("cannot start 'cat': {} {reason}", key.display())
    );
}

#[tokio::test]
async fn a_program_does_not_start_if_its_sandbox_fails() {
    for (helper, reason) in [
        ("echo 'toolvault: not sandboxed: cannot x'", "cannot x"),
        ("exit 0", "the sandbox does not answer"),
        (
            "printf 'toolvault: sandboxed'",
            "the sandbox does not answer",
        ),
        ("tr '\\0' x < /dev/zero", "the sandbox does not answer"),
        ("echo hello", "the sandbox does not answer as expected"),
    ] {
        let (_place, launch) = through(helper, &["cat"]);
        let error = refusal(launch).await.to_string();
        assert_eq!(error, format!("cannot start 'cat': {reason}"));
    }
}
