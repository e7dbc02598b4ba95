//! Ways to what is concealed. None may lead there.

use std::process::Command;

use super::{CANARY, has, with_all_means};

/// Runs each attempt by itself; that all were made is shown by the last word.
fn none_succeeds(attempts: &[&str]) {
    with_all_means(|grounds, means| {
        let outside = grounds.as_user(Command::new("sleep").arg("1000")).spawn();
        let mut outside = outside.unwrap();
        let attempts: Vec<String> = attempts
            .iter()
            .map(|attempt| format!("( {attempt} )\n"))
            .collect();
        let script = attempts.concat();
        let script = script.replace("$OUTSIDE", &outside.id().to_string());
        let said = grounds.script(means, &format!("{script}cat free/file"));
        outside.kill().unwrap();
        outside.wait().unwrap();
        assert!(!said.contains(CANARY), "{means}: {said}");
        assert!(said.contains("readable"), "{means}: {said}");
    });
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
        "rm -rf root.key data",
    ]);
    with_all_means(|grounds, means| {
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
        "nsenter -t $OUTSIDE -U -m cat $PWD/root.key",
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
        let mut shut_in = grounds.shut_in(means);
        let text = "cd \"$0\"; cat again/toolvault.db part/wal free/file";
        shut_in
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
        command.arg(shut_in.get_program()).args(shut_in.get_args());
        let said = super::said(&super::run(&mut command));
        assert!(!said.contains(CANARY), "{means}: {said}");
        assert!(said.starts_with("toolvault: shut in\n"), "{means}: {said}");
        assert!(said.contains("readable"), "{means}: {said}");
    });
}
