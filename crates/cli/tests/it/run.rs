//! `run`: secrets in the environment of a command.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};

use crate::installation::{Installation, Server};

const VALUE: &str = "ghp_a-token-of-some-length";

struct World {
    installation: Installation,
    server: Server,
    key: String,
}

impl World {
    /// A server with the secret `github`, which has no binding.
    fn new() -> Self {
        let installation = Installation::empty();
        let server = installation.serve(&[]);
        let key = installation.first_key("operator_key");
        let world = Self {
            installation,
            server,
            key,
        };
        world.store(&["github"], VALUE);
        world
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.installation.command(arguments);
        command
            .env("PATH", "/usr/bin:/bin")
            .env("TOOLVAULT_URL", &self.server.url)
            .env("TOOLVAULT_API_KEY", &self.key);
        command
    }

    fn store(&self, arguments: &[&str], value: &str) {
        let mut command = self.command(&[&["secret", "create"], arguments].concat());
        let transcript = self.installation.transcript(&mut command, value);
        assert!(transcript.starts_with("exit status 0"), "{transcript}");
    }

    /// Starts a shell script with a secret, and returns the lines that it prints.
    fn start(&self, mask: &str, script: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
        let reference = ["--env", "T=secret://github"];
        let run = [&["run", mask][..], &reference, &["--", "sh", "-c", script]].concat();
        let mut command = self.command(&run);
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        (process, lines)
    }

    fn run(&self, arguments: &[&str]) -> String {
        let mut command = self.command(&[&["run"], arguments].concat());
        self.installation.transcript(&mut command, "")
    }
}

#[test]
fn a_command_gets_what_references_name_and_nothing_of_ours() {
    let world = World::new();
    let script =
        r#"test "$GITHUB_TOKEN" = "$1" && echo the value; env | grep -c TOOLVAULT; exit 7"#;
    let run = [
        "--env",
        "GITHUB_TOKEN=secret://github",
        "--no-mask",
        "--",
        "sh",
        "-c",
        script,
        "x",
        VALUE,
    ];
    assert_snapshot!(world.run(&run), @"
    exit status 7
    the value
    0
    ");
    // The use is recorded for the tool of the program.
    let tail = world
        .installation
        .output(&["audit", "tail", "--action", "secret.used"]);
    assert!(
        tail.contains("tool=run__sh argument=GITHUB_TOKEN"),
        "{tail}"
    );
}

#[test]
fn values_are_replaced_in_what_is_printed_unless_that_is_refused() {
    let world = World::new();
    let script = "printf 'out '; printf $T | cut -c1-9 | tr -d '\\n'; printf $T | cut -c10-; echo err $T >&2; printf $T | base64";
    let shown = |options: &[&str]| {
        let run = [
            options,
            &["--env", "T=secret://github", "--", "sh", "-c", script],
        ]
        .concat();
        world.run(&run)
    };
    for options in [&[][..], &["--mask"]] {
        let masked = shown(options);
        assert_eq!(masked.matches("[secret:github]").count(), 3, "{masked}");
        assert!(!masked.contains(VALUE), "{masked}");
    }
    assert_eq!(shown(&["--no-mask"]).matches(VALUE).count(), 2);
}

#[test]
fn a_tool_brings_its_defaults_and_a_file_its_lines() {
    let world = World::new();
    world.store(
        &[
            "linear",
            "--tool",
            "agno__linear__*",
            "--arg",
            "LINEAR_KEY",
            "--default",
        ],
        "lin_key_of_some_length",
    );
    world.store(
        &[
            "member",
            "--tool",
            "deep__*",
            "--arg",
            "/params/key",
            "--default",
        ],
        "another_value",
    );
    let file = world.installation.path().join("variables");
    std::fs::write(&file, "REGION=eu-1\nTOKEN=secret://github\n").unwrap();
    let file = file.to_str().unwrap();
    let script = "echo ${LINEAR_KEY:-none} ${TOKEN:-none} ${REGION:-none}";
    let rest = ["--env-file", file, "--no-mask", "--", "sh", "-c", script];
    let with_tool = world.run(&[&["--tool", "agno__linear__get"], &rest[..]].concat());
    assert_eq!(
        with_tool,
        format!("exit status 0\nlin_key_of_some_length {VALUE} eu-1")
    );
    assert_eq!(
        world.run(&rest),
        format!("exit status 0\nnone {VALUE} eu-1")
    );
    assert_snapshot!(world.run(&["--tool", "deep__tool", "--", "true"]), @r"
    exit status 125
    error: the secret for params fills a member of an argument, not a whole one
    hint: use a default whose argument is the variable's name, or --env without --tool
    ");
}

#[test]
fn nothing_is_started_unless_everything_is_there() {
    let world = World::new();
    let started = world.installation.path().join("started");
    let touch = ["--", "touch", started.to_str().unwrap()];
    assert_snapshot!(world.run(&[&["--env", "A=secret://github", "--env", "B=secret://absent"], &touch[..]].concat()), @r"
    exit status 125
    error: B: No usable secret for argument 'B' of tool 'run__touch'. Run: toolvault explain 'run__touch'
    ");
    assert_snapshot!(world.run(&[&["--env", "LD_PRELOAD=secret://github"], &touch[..]].concat()), @r"
    exit status 125
    error: --env: LD_PRELOAD decides which code a program runs or where it connects to; no secret is set there
    ");
    assert!(!started.exists());
    assert_snapshot!(world.run(&["--env", "A=secret://github", "--", "no-such-program"]), @"
    exit status 127
    error: cannot run no-such-program: No such file or directory (os error 2)
    ");
    assert_snapshot!(world.run(&["--env", "A=secret://github", "--", "/etc/passwd"]), @"
    exit status 126
    error: cannot run /etc/passwd: Permission denied (os error 13)
    ");
    // Before the command starts, the status is neither its own nor one of those.
    for refused in [
        &["--env", "A=secret://none", "--", "true"][..],
        &["--env-file", "none", "--", "true"],
        &["--only", "A", "--", "true"],
        &["--no-such-option", "--", "true"],
        &["true"],
        &["--"],
    ] {
        let refused = world.run(refused);
        assert!(refused.starts_with("exit status 125\nerror: "), "{refused}");
    }
}

#[test]
fn a_tool_without_defaults_is_told() {
    let world = World::new();
    let mut command = world.command(&["run", "--tool", "linear__get", "--", "true"]);
    assert_snapshot!(world.installation.transcript(&mut command, ""), @r"
    exit status 0
    note: the command gets no secret, because none is a default for 'linear__get'; see toolvault explain
    ");
}

#[test]
fn only_some_variables_are_set_and_a_pristine_command_has_no_others() {
    let world = World::new();
    world.store(
        &[
            "linear",
            "--tool",
            "linear__*",
            "--arg",
            "LINEAR_KEY",
            "--default",
        ],
        "lin_key_of_some_length",
    );
    world.store(
        &[
            "other",
            "--tool",
            "linear__*",
            "--arg",
            "OTHER_KEY",
            "--default",
        ],
        "other_key_of_some_length",
    );
    let file = world.installation.path().join("variables");
    std::fs::write(&file, "REGION=eu-1\nABSENT=secret://absent\n").unwrap();
    let file = ["--env-file", file.to_str().unwrap()];
    let script = "echo ${LINEAR_KEY:-none} ${OTHER_KEY:-none} ${REGION:-none}";
    let rest = ["--no-mask", "--", "sh", "-c", script];
    let tool = ["--tool", "linear__get"];
    // What is not wanted is not asked for either.
    let run = [&file[..], &tool, &["--only", "REGION,LINEAR_KEY"], &rest].concat();
    assert_eq!(
        world.run(&run),
        "exit status 0\nlin_key_of_some_length none eu-1"
    );
    let run = [&file[..], &["--only", "REGION", "--only", "MISSING"], &rest].concat();
    assert_snapshot!(world.run(&run), @r"
    exit status 125
    error: --only: there is no value for MISSING
    hint: name it in --env or --env-file, or bind a default of the --tool to it
    ");
    let mut command = world.command(&[
        "run",
        "--env",
        "T=secret://github",
        "--pristine",
        "--",
        "env",
    ]);
    command.env("AWS_PROFILE", "production").env("LANG", "C");
    let printed = world.installation.transcript(&mut command, "");
    let names: Vec<&str> = printed
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    assert_eq!(names, ["HOME", "LANG", "PATH", "T"]);
}

#[test]
fn signals_reach_the_command_and_its_death_is_told() {
    let world = World::new();
    let script = "trap 'kill $!; echo ended; exit 3' TERM ALRM; sleep 600 & echo ready; wait";
    for (mask, signal) in [
        ("--mask", Signal::TERM),
        ("--mask", Signal::ALARM),
        ("--no-mask", Signal::TERM),
    ] {
        let (mut process, mut lines) = world.start(mask, script);
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        kill_process(Pid::from_child(&process), signal).unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), "ended", "{mask}");
        assert_eq!(process.wait().unwrap().code(), Some(3), "{mask}");
    }
    let reference = ["--mask", "--env", "T=secret://github"];
    let kill = ["--", "sh", "-c", "kill -9 $$"];
    let transcript = world.run(&[&reference[..], &kill].concat());
    assert!(transcript.starts_with("exit status 137"), "{transcript}");
}

#[test]
fn output_that_cannot_be_printed_is_an_error() {
    let world = World::new();
    let full = || {
        std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    let command = |script| {
        let reference = ["run", "--env", "T=secret://github"];
        world.command(&[&reference[..], &["--", "sh", "-c", script]].concat())
    };
    for (script, status) in [("echo data", 125), ("echo data >&2", 125), ("exit 3", 3)] {
        let mut command = command(script);
        let done = command.stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(done.code(), Some(status), "{script}");
    }
    let done = command("echo data").stdout(full()).output().unwrap();
    assert_eq!(done.status.code(), Some(125));
    let errors = String::from_utf8(done.stderr).unwrap();
    assert_eq!(
        errors,
        "error: cannot print: No space left on device (os error 28)\n"
    );
}

#[test]
fn lines_of_both_streams_stay_in_order_in_one_file() {
    let world = World::new();
    let script = "for i in 1 2 3 4 5 6 7 8 9; do printf o$i; printf \"e$i\\n\" >&2; done";
    let run = [
        "run",
        "--env",
        "T=secret://github",
        "--",
        "sh",
        "-c",
        script,
    ];
    let path = world.installation.path().join("both");
    let file = std::fs::File::create(&path).unwrap();
    let mut command = world.command(&run);
    let done = command
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .status()
        .unwrap();
    assert!(done.success());
    let lines = std::fs::read_to_string(path).unwrap();
    assert_eq!(
        lines.lines().collect::<Vec<&str>>(),
        [
            "o1e1", "o2e2", "o3e3", "o4e4", "o5e5", "o6e6", "o7e7", "o8e8", "o9e9"
        ]
    );
}

#[test]
fn a_program_that_was_left_behind_does_not_hold_up_the_end() {
    let world = World::new();
    let script = "sleep 600 & echo $!";
    let (mut process, mut lines) = world.start("--mask", script);
    let line = lines.next().unwrap().unwrap();
    let mut errors = BufReader::new(process.stderr.take().unwrap()).lines();
    let warning = errors.next().unwrap().unwrap();
    assert!(
        warning.starts_with("warning: the command has ended;"),
        "{warning}"
    );
    kill_process(Pid::from_child(&process), Signal::TERM).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(0));
    let left = Pid::from_raw(line.parse().unwrap()).unwrap();
    kill_process(left, Signal::KILL).unwrap();
}
