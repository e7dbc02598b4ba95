//! Properties of a sandboxed program, and the messages if it cannot start.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Grounds, MEANS, run, said, with_all_means};

#[test]
fn it_is_the_same_user_with_no_way_to_more_rights() {
    with_all_means(|grounds, means| {
        let said = grounds.script(means, "id -u; grep NoNewPrivs /proc/self/status; echo $$; ps -o sid= -p $$ || cut -d' ' -f6 /proc/$$/stat");
        let lines: Vec<&str> = said.lines().map(str::trim).collect();
        let [user, privileges, process, session] = lines.as_slice() else {
            panic!("{said}");
        };
        assert_eq!(*user, grounds.user.to_string());
        assert_eq!(*privileges, "NoNewPrivs:\t1");
        assert_eq!(process, session, "{means}: it has a session of its own");
    });
}

#[test]
fn what_is_not_concealed_stays_as_it_was() {
    with_all_means(|grounds, means| {
        let text = "echo new > free/new && cat free/new; mkdir free/d && mv free/new free/d/new && cat free/d/new && rm -r free/d; cat < /dev/null; echo x > /dev/null; head -c 3 /dev/zero | wc -c; ls free";
        assert_eq!(
            grounds.script(means, text),
            "new\nnew\n3\nfile\n",
            "{means}"
        );
    });
}

#[test]
fn files_can_be_made_beside_what_is_concealed_in_a_shared_directory() {
    with_all_means(|grounds, means| {
        // With Landlock, no program can add files to the directories above a concealed one.
        if means != "mount-namespace" {
            return;
        }
        let text = "echo new > new && cat new; mkdir .cache && ls -d .cache; rm -r new .cache";
        assert_eq!(grounds.script(means, text), "new\n.cache\n");
    });
}

#[test]
fn root_keeps_its_ways_with_the_files_of_others() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root has such ways");
        return;
    }
    with_all_means(|grounds, means| {
        if grounds.user != 0 {
            return;
        }
        let text = "echo private > free/theirs; chmod 600 free/theirs; chown 1234:1234 free/theirs; cat free/theirs; stat -c %u free/theirs; rm free/theirs";
        assert_eq!(grounds.script(means, text), "private\n1234\n", "{means}");
    });
}

#[test]
fn it_has_no_files_but_the_standard_streams() {
    with_all_means(|grounds, means| {
        let sandbox = grounds.sandbox(means);
        let mut command = Command::new("sh");
        let text = "exec 7< /etc/passwd 8< \"$0\"; exec \"$@\" -- /bin/ls /proc/self/fd";
        command
            .args(["-c", text])
            .arg(grounds.path("root.key"))
            .arg(sandbox.get_program())
            .args(sandbox.get_args());
        // The last is the directory that it lists.
        assert_eq!(
            said(&run(&mut command)),
            "toolvault: sandboxed\n0\n1\n2\n3\n",
            "{means}"
        );
    });
}

#[test]
fn it_ends_with_whoever_started_it() {
    with_all_means(|grounds, means| {
        let sandbox = grounds.sandbox(means);
        let mut command = Command::new("sh");
        let text = "\"$@\" -- /bin/sh -c 'echo ready; exec sleep 120' & wait";
        let mut parent = command
            .args(["-c", text, "sh"])
            .arg(sandbox.get_program())
            .args(sandbox.get_args())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(parent.stdout.take().unwrap());
        let mut line = String::new();
        while line != "ready\n" {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "{means}");
        }
        let before = Instant::now();
        parent.kill().unwrap();
        parent.wait().unwrap();
        // The program holds the other end of the pipe as long as it lives.
        output.read_to_end(&mut Vec::new()).unwrap();
        assert!(before.elapsed() < Duration::from_secs(100), "{means}");
    });
}

#[test]
fn it_does_not_start_in_what_is_concealed() {
    with_all_means(|grounds, means| {
        if means != "mount-namespace" {
            return;
        }
        let mut command = grounds.sandbox(means);
        command.current_dir(grounds.path("data/inner"));
        let output = run(command.args(["--", "/bin/cat", "wal", "../toolvault.db"]));
        let place = grounds.path("data/inner");
        let expected = format!(
            "toolvault: not sandboxed: cannot start in {}: No such file",
            place.display()
        );
        assert!(said(&output).starts_with(&expected), "{}", said(&output));
        assert_eq!(output.status.code(), Some(2));
    });
}

#[test]
fn why_nothing_was_started_is_said_on_the_first_line() {
    let grounds = Grounds::new(rustix::process::geteuid().as_raw());
    for means in MEANS {
        let mut command = grounds.sandbox(means);
        let output = run(command.args(["--conceal", "/tmp/..", "--", "/bin/true"]));
        let expected = "toolvault: not sandboxed: the root directory cannot be concealed\n";
        assert!(said(&output).starts_with(expected), "{}", said(&output));
        let output = run(&mut grounds.sandbox(means));
        let expected = "toolvault: not sandboxed: there is no program to start\n";
        assert!(said(&output).starts_with(expected), "{}", said(&output));
    }
    let output = run(grounds.sandbox("prayer").args(["--", "/bin/true"]));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_program_that_cannot_begin_is_told_by_its_end() {
    with_all_means(|grounds, means| {
        let output = run(grounds.sandbox(means).args(["--", "/nowhere/program"]));
        let said = said(&output);
        assert!(
            said.contains("cannot start '/nowhere/program': No such file"),
            "{said}"
        );
        assert_eq!(output.status.code(), Some(2));
    });
}
