"""A machine of its own: a container with systemd on a view of this system's files, which keeps this system unchanged."""

import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

BOOT = 60  # seconds


class Machine(AbstractContextManager):
    """Boots it. `shared` is a directory that it has in the same place."""

    def __init__(self, shared: Path) -> None:
        self.shared = shared

    def __enter__(self) -> "Machine":
        self.folder = Path(tempfile.mkdtemp(prefix="machine-"))
        subprocess.run(["mount", "-t", "tmpfs", "machine", self.folder], check=True)
        changes, work, self.root = (self.folder / name for name in ("changes", "work", "root"))
        for folder in (changes, work, self.root):
            folder.mkdir()
        options = f"lowerdir=/,upperdir={changes},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "machine", "-o", options, self.root], check=True)
        # Images of containers forbid packages to start services.
        (self.root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
        self.console = (self.folder / "console").open("w+b")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
            notified.bind(str(self.folder / "notify"))
            notified.settimeout(BOOT)
            self.process = subprocess.Popen(
                ["systemd-nspawn", "--quiet", f"--directory={self.root}", f"--bind={self.shared}", "--register=no",
                 "--keep-unit", "--private-network", "--notify-ready=yes", "--console=pipe", "--boot",
                 "systemd.unit=basic.target"],
                env=os.environ | {"NOTIFY_SOCKET": str(self.folder / "notify")},
                stdin=subprocess.DEVNULL, stdout=self.console, stderr=subprocess.STDOUT,
            )  # fmt: skip
            self.leader, is_ready = "", False
            while not is_ready:
                for line in notified.recv(4096).decode().splitlines():
                    name, _, value = line.partition("=")
                    if name == "X_NSPAWN_LEADER_PID":
                        self.leader = value
                    is_ready |= line == "READY=1"
        self.init = os.pidfd_open(int(self.leader))
        return self

    def enter(self) -> list[str]:
        """The beginning of a command line that runs in the machine."""
        return ["nsenter", f"--target={self.leader}", "--all"]

    def log(self) -> str:
        return (self.folder / "console").read_text(errors="replace")[-1500:]

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        # It outlives the program that booted it, and ends after all others of the machine, which hold its files.
        signal.pidfd_send_signal(self.init, signal.SIGKILL)
        select.select([self.init], [], [])
        os.close(self.init)
        self.console.close()
        subprocess.run(["umount", self.root], check=True)
        subprocess.run(["umount", self.folder], check=True)
        shutil.rmtree(self.folder)
