"""Runs a command as an ordinary user: `ordinary_user.py [--without-namespaces] -- COMMAND…`.

Root runs it as `nobody`, in a mount namespace in which that user reaches the command, this Python and this repository,
wherever they are. Who is no root stays who they are. Without namespaces, the command and all that it starts can make no
user namespace, so Landlock is the only sandbox.
"""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NOBODY = 65534
SKIPPED = 77
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
TOP = Path(__file__).resolve().parent.parent.parent
# All users and groups, each as itself.
EVERYONE = "0 0 4294967295\n"


def unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags):
        code = ctypes.get_errno()
        raise OSError(code, f"unshare: {os.strerror(code)}")


def mount(*words: object) -> None:
    subprocess.run(["mount", *map(str, words)], check=True)


def closed_ancestor(path: Path) -> Path | None:
    """The highest directory above the path that others cannot enter."""
    return next((one for one in reversed(path.parents) if not one.stat().st_mode & 0o001), None)


def make_reachable(paths: set[Path]) -> None:
    """In a mount namespace of its own, hides closed directories but for these paths below them."""
    unshare(CLONE_NEWNS)
    mount("--make-rprivate", "/")
    closed: dict[Path, list[Path]] = {}
    for path in sorted(paths):
        if above := closed_ancestor(path):
            closed.setdefault(above, []).append(path)
    for above, below in closed.items():
        stage = Path(tempfile.mkdtemp(prefix="toolvault-"))
        for number, path in enumerate(below):
            (stage / str(number)).mkdir()
            mount("--rbind", path, stage / str(number))
        mount("-t", "tmpfs", "-o", "mode=0755", "none", above)
        for number, path in enumerate(below):
            path.mkdir(parents=True, exist_ok=True)
            mount("--rbind", stage / str(number), path)
            subprocess.run(["umount", "--lazy", stage / str(number)], check=True)
        shutil.rmtree(stage)


def give_up_namespaces() -> None:
    """Enters a user namespace in which all users are who they were, and below which there can be none."""
    if os.geteuid() == 0:
        ours, theirs = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            # Only root outside may map more than one user.
            os.read(ours[0], 1)
            for name in ("uid_map", "gid_map"):
                Path(f"/proc/{os.getppid()}/{name}").write_text(EVERYONE)
            os.write(theirs[1], b"x")
            os._exit(0)
        unshare(CLONE_NEWUSER)
        os.write(ours[1], b"x")
        os.read(theirs[0], 1)
        os.waitpid(child, 0)
        for end in (*ours, *theirs):
            os.close(end)
    else:
        user, group = os.geteuid(), os.getegid()
        unshare(CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1\n")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1\n")
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


def needed() -> set[Path]:
    """The folders of this Python, of this repository, and of what was built."""
    places = [TOP, Path(sys.base_prefix), Path(sys.prefix)]
    places += [Path(os.environ[name]).resolve().parent for name in ("TOOLVAULT_BINARY",) if name in os.environ]
    places += [Path(os.environ[name]).resolve() for name in ("CARGO_TARGET_DIR",) if name in os.environ]
    return {place for place in places if place.exists()}


def main(words: list[str]) -> None:
    has_namespaces = words[0] != "--without-namespaces"
    command = words[words.index("--") + 1 :]
    is_root = os.geteuid() == 0
    if is_root:
        make_reachable(needed())
    if not has_namespaces:
        try:
            give_up_namespaces()
        except OSError as error:
            print(f"skipped: user namespaces cannot be given up here: {error}")
            sys.exit(SKIPPED)
    if is_root:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
