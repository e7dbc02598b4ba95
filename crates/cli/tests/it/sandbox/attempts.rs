//! Attempts to reach concealed files. None may succeed.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::process::{Child, Command, Stdio};

use super::{CANARY, Grounds, has, users, with_all_means};

/// A process outside the sandbox, in the directory of the canary, with the key open.
struct Outside(Child);

impl Outside {
    fn of(grounds: &Grounds) -> Self {
        let mut command = Command::new("sleep");
        let command = command
            .arg("1000")
            .current_dir(grounds.path(""))
            .stdin(File::open(grounds.path("root.key")).unwrap());
        Self(grounds.as_user(command).spawn().unwrap())
    }

    fn named_in(&self, script: &str) -> String {
        script.replace("$OUTSIDE", &self.0.id().to_string())
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Runs all attempts in a sandbox; the last word of the output shows that all were run. As a control, each reaches the
/// canary without a sandbox, at least as root.
fn none_succeeds(attempts: &[&str]) {
    with_all_means(|grounds, means| {
        let outside = Outside::of(grounds);
        let script: Vec<String> = attempts
            .iter()
            .map(|attempt| format!("( {attempt} )\n"))
            .collect();
        let script = script.concat();
        let script = outside.named_in(&format!("{script}cat free/file"));
        let said = grounds.script(means, &script);
        assert!(!said.contains(CANARY), "{means}: {said}");
        assert!(said.contains("readable"), "{means}: {said}");
    });
    for attempt in attempts {
        let mut outcomes = Vec::new();
        for user in users() {
            let grounds = Grounds::new(user);
            let outside = Outside::of(&grounds);
            outcomes.push(grounds.unconfined(&outside.named_in(attempt)));
        }
        if outcomes.iter().any(|said| said.contains(CANARY)) {
            continue;
        }
        let is_first = attempt.contains("/proc/1/") || attempt.contains("-t 1 ");
        let is_out_of_reach = is_first && std::fs::read_link("/proc/1/root").is_err();
        assert!(
            !rustix::process::geteuid().is_root() || is_out_of_reach,
            "never reaches the canary: {attempt}: {outcomes:?}"
        );
        eprintln!("no control on this machine: {attempt}");
    }
}

#[test]
fn by_no_path() {
    none_succeeds(&[
        "cat root.key",
        "cat < root.key",
        "cat data/toolvault.db",
        "cat data/inner/wal",
        "grep -r . data",
        "cat free/../root.key",
        "cat links/key",
        "cat links/data/toolvault.db",
        "cd data; cat toolvault.db",
        "cd data/inner; cat wal ../toolvault.db",
        "cat /proc/self/root$PWD/root.key",
        "cat /proc/self/cwd/root.key",
        "cat /proc/thread-self/root$PWD/data/toolvault.db",
        "tar cf - .",
    ]);
}

#[test]
fn not_through_other_processes() {
    none_succeeds(&[
        "cat /proc/1/root$PWD/root.key",
        "cat /proc/$PPID/root$PWD/root.key",
        "cat /proc/$OUTSIDE/root$PWD/root.key",
        "cat /proc/$OUTSIDE/cwd/root.key",
        "for process in /proc/[0-9]*; do cat $process/root$PWD/root.key; done 2>/dev/null",
        "for file in /proc/[0-9]*/fd/*; do case $(readlink $file) in *root.key) cat $file;; esac; done 2>/dev/null",
    ]);
}

#[test]
fn not_by_another_name() {
    none_succeeds(&[
        "ln root.key free/linked; cat free/linked",
        "ln -s ../root.key free/symlinked; cat free/symlinked",
        "mv root.key free/moved; cat free/moved",
        "mv root.key renamed; cat renamed",
        "mv data free/data; cat free/data/toolvault.db",
        "mv data elsewhere; cat elsewhere/toolvault.db",
        "cp -r data free/copy; cat free/copy/toolvault.db",
    ]);
    with_all_means(|grounds, means| {
        grounds.script(means, "rm -rf root.key data");
        let key = std::fs::read_to_string(grounds.path("root.key")).unwrap();
        assert!(key.contains(CANARY), "{means} let it be changed");
        assert!(grounds.path("data/toolvault.db").exists());
    });
}

#[test]
fn not_by_mounting() {
    if !has("unshare") || !has("nsenter") {
        return;
    }
    none_succeeds(&[
        "umount root.key; umount data; cat root.key data/toolvault.db",
        "umount -l $PWD/root.key; umount -l $PWD/data; cat root.key",
        "mkdir free/b; mount --bind . free/b; cat free/b/root.key",
        "nsenter -t 1 -m cat $PWD/root.key",
        "nsenter -t $OUTSIDE -m cat $PWD/root.key",
        "unshare -Ur nsenter -t $OUTSIDE -m cat $PWD/root.key || nsenter -t $OUTSIDE -m cat $PWD/root.key",
        "unshare -Urm sh -c 'umount root.key data; umount -l $PWD/root.key $PWD/data; cat root.key data/toolvault.db'",
        "unshare -Urm sh -c 'mkdir free/n; mount --bind . free/n; cat free/n/root.key free/n/data/toolvault.db'",
        "unshare -Urm sh -c 'mkdir free/r; mount --rbind . free/r; umount -R free/r/root.key free/r/data; cat free/r/root.key free/r/data/toolvault.db'",
        "unshare -Urm sh -c 'mkdir free/t; mount -t tmpfs t free/t; mkdir free/t/u free/t/w free/t/m; mount -t overlay o -o lowerdir=.,upperdir=free/t/u,workdir=free/t/w,userxattr free/t/m; cat free/t/m/root.key free/t/m/data/toolvault.db'",
        "unshare -Urmpf --mount-proc sh -c 'cat /proc/1/root/$PWD/root.key root.key'",
        "unshare -Urm sh -c 'mount -o remount,rw data; mount --move data free; cat data/toolvault.db free/toolvault.db root.key'",
        "unshare -Ur chroot / cat $PWD/root.key",
    ]);
}

#[test]
fn not_what_takes_the_place_of_a_concealed_file_later() {
    with_all_means(|grounds, means| {
        let keys = grounds.path("keys");
        std::fs::create_dir_all(&keys).unwrap();
        for (name, text) in [("tls.key", CANARY), ("tls.crt", "readable\n")] {
            std::fs::write(keys.join(name), text).unwrap();
        }
        let text =
            "cd \"$0\"; echo ready; read -r line; cat tls.key later; echo x > own; cat tls.crt";
        let attempt = |mut command: Command| {
            let mut running = command
                .args(["/bin/sh", "-c", text])
                .arg(&keys)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut output = BufReader::new(running.stdout.take().unwrap());
            let mut line = String::new();
            while line != "ready\n" {
                line.clear();
                assert!(output.read_line(&mut line).unwrap() > 0, "{means}");
            }
            for name in ["tls.key", "later"] {
                let new = grounds.path("new");
                std::fs::write(&new, CANARY).unwrap();
                std::fs::rename(&new, keys.join(name)).unwrap();
            }
            running.stdin.take().unwrap().write_all(b"go\n").unwrap();
            let mut said = String::new();
            output.read_to_string(&mut said).unwrap();
            running.wait().unwrap();
            std::fs::remove_file(keys.join("later")).unwrap();
            assert!(said.ends_with("readable\n"), "{means}: {said}");
            said
        };
        let mut sandboxed = grounds.sandbox(means);
        sandboxed
            .arg("--conceal")
            .arg(keys.join("tls.key"))
            .arg("--");
        let said = attempt(sandboxed);
        assert!(!said.contains(CANARY), "{means}: {said}");
        let mut control = Command::new("env");
        grounds.as_user(&mut control);
        assert_eq!(attempt(control).matches(CANARY).count(), 2);
    });
}

#[test]
fn nothing_starts_if_a_path_leads_elsewhere() {
    with_all_means(|grounds, means| {
        let key = grounds.path("root.key");
        let found = std::fs::metadata(&key).unwrap();
        let known = |inode: u64| {
            let mut command = grounds.sandbox(means);
            let argument = format!("{}:{inode}:{}", found.dev(), key.display());
            command.args(["--conceal", &argument, "--", "/bin/echo", "started"]);
            super::said(&super::run(&mut command))
        };
        assert_eq!(
            known(found.ino()),
            "toolvault: sandboxed\nstarted\n",
            "{means}"
        );
        let moved = format!(
            "toolvault: not sandboxed: {} was moved or replaced just now\n",
            key.display()
        );
        assert!(known(found.ino() + 1).starts_with(&moved), "{means}");
        let away = grounds.path("away");
        std::fs::rename(&key, &away).unwrap();
        assert!(known(found.ino()).starts_with(&moved), "{means}");
        std::fs::rename(&away, &key).unwrap();
    });
}

#[test]
fn root_cannot_have_the_kernel_start_a_program_outside() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root could");
        return;
    }
    // Opens it for appending and closes it, which changes nothing.
    let text = "for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe; do ( exec 3>>$file ) 2>/dev/null && echo $file; done; cat /proc/sys/kernel/ostype";
    let control = Grounds::new(0).unconfined(text);
    assert!(
        control.starts_with("/proc/sys/kernel/core_pattern\n"),
        "{control}"
    );
    with_all_means(|grounds, means| {
        assert_eq!(grounds.script(means, text), "Linux\n", "{means}");
    });
}

#[test]
fn root_cannot_read_the_disks_either() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root could");
        return;
    }
    with_all_means(|grounds, means| {
        let text = "for disk in $(find /dev -type b); do head -c 1 $disk; done 2>/dev/null | wc -c
            mknod free/disk b 7 0 2>/dev/null && ( : < free/disk ) && echo made";
        assert_eq!(grounds.script(means, text), "0\n", "{means}");
    });
}

#[test]
fn not_where_it_is_mounted_as_well() {
    if !rustix::process::geteuid().is_root() || !has("unshare") {
        eprintln!("skipped: only root can mount it elsewhere first");
        return;
    }
    with_all_means(|grounds, means| {
        let mut sandbox = grounds.sandbox(means);
        let text = "cd \"$0\"; cat again/toolvault.db part/wal free/file";
        sandbox
            .args(["--", "/bin/sh", "-c", text])
            .arg(grounds.path(""));
        let mut command = Command::new("unshare");
        let mounts = "set -e; cd \"$0\"; mkdir -p again part; mount --bind data again; mount --bind data/inner part; exec \"$@\"";
        command
            .args(["-m", "sh", "-c", mounts])
            .arg(grounds.path(""));
        if grounds.user != 0 {
            if !has("setpriv") {
                return;
            }
            let user = grounds.user.to_string();
            command.args([
                "setpriv",
                "--clear-groups",
                "--reuid",
                &user,
                "--regid",
                &user,
            ]);
        }
        command.arg(sandbox.get_program()).args(sandbox.get_args());
        let said = super::said(&super::run(&mut command));
        assert!(!said.contains(CANARY), "{means}: {said}");
        assert!(
            said.starts_with("toolvault: sandboxed\n"),
            "{means}: {said}"
        );
        assert!(said.contains("readable"), "{means}: {said}");
    });
}
