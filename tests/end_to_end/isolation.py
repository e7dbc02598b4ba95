"""What other processes of the same user can read of the server, file modes, and no core dumps."""

import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import server as binary
from checks import Checks
from server import Toolvault

NOBODY = 65534


class Account:
    """An unprivileged account: another one if the test runs as root, who may read everything, else the current one."""

    def __init__(self) -> None:
        self.options = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}

    def start(self, words: list[str], **options) -> subprocess.Popen:
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, **self.options, **options)

    def can_read(self, path: Path) -> bool:
        # Not Python, because the account may not have access to this Python.
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with self.start(["head", "--bytes=1", str(path)], **quiet) as reader:
            return reader.wait() == 0


async def isolated(checks: Checks, folder: Path) -> None:
    # In a folder that the account can access: the folders above are private.
    folder.chmod(0o755)
    home = folder / "isolated"
    home.mkdir()
    program = home / "toolvault"
    shutil.copy(binary.BINARY, program)
    account = Account()
    server = Toolvault(home)
    if account.options:
        for path in (home, server.temporary):
            os.chown(path, NOBODY, NOBODY)
    # The most permissive umask, so that the server itself chooses every mode.
    options = {"env": server.environment, "cwd": home, "umask": 0}
    with server.log.open("ab") as log:
        server.process = account.start([str(program), "serve"], stdout=log, stderr=log, **options)
    try:
        await server.until_ready(time.monotonic())
        modes(checks, server)
        processes(checks, account, server)
        server.process.send_signal(signal.SIGABRT)
        _, status = os.waitpid(server.process.pid, 0)
        cores = [path.name for path in home.iterdir() if path.name.startswith("core")]
        checks.that("a crash leaves no core", os.WIFSIGNALED(status) and not os.WCOREDUMP(status) and not cores, (status, cores))
        server.process.returncode = status
    finally:
        server.kill()


def modes(checks: Checks, server: Toolvault) -> None:
    """Only the owner can reach the store, its keys and its socket, whatever the umask."""
    owed = {
        server.data: 0o700,
        server.data / "toolvault.db": 0o600,
        server.data / "toolvault.db-wal": 0o600,
        server.data / "toolvault.db-shm": 0o600,
        server.data / "uses.journal": 0o600,
        server.data / "control.sock": 0o600,
        server.data / "control.token": 0o600,
        server.root_key: 0o600,
        server.first_keys_file: 0o600,
    }
    for path, mode in owed.items():
        found = stat.S_IMODE(path.lstat().st_mode)
        checks.that(f"{path.name} has mode {mode:04o}", found == mode, f"{found:04o}")


def processes(checks: Checks, account: Account, server: Toolvault) -> None:
    """Another process of the same account reads neither memory nor environment of the server."""
    unprotected = account.start(["sleep", "600"])
    try:
        readable = [account.can_read(Path("/proc", str(unprotected.pid), name)) for name in ("environ", "maps")]
    finally:
        unprotected.kill()
        unprotected.wait()
    checks.that("control: those of an unprotected process are readable", all(readable), readable)
    folder = Path("/proc", str(server.process.pid))
    for name in ("mem", "environ", "maps", "auxv"):
        checks.that(f"another process of the same user cannot read /proc/…/{name}", not account.can_read(folder / name))
    checks.that("the kernel shows it as not dumpable", (folder / "environ").stat().st_uid == 0, "owned by its user")
    limits = next(line for line in (folder / "limits").read_text().splitlines() if line.startswith("Max core file size"))
    checks.that("core files are limited to 0 bytes", limits.split()[4:6] == ["0", "0"], limits)
