"""The temporary PostgreSQL of scripts/with-postgres: new databases, queries, and restarts of the server."""

import contextlib
import os
import pwd
import secrets
import signal
import subprocess
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit


class Postgres:
    """The server in TOOLVAULT_TEST_DATABASE_URL."""

    def __init__(self) -> None:
        self.url = os.environ.get("TOOLVAULT_TEST_DATABASE_URL", "")
        if not self.url:
            raise RuntimeError("TOOLVAULT_TEST_DATABASE_URL is not set: run this by scripts/with-postgres")

    def query(self, statement: str, url: str | None = None, *, before: str = "") -> str:
        """What a statement prints. `before` is run before it in the same session."""
        words = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]
        words += ["--command", before] if before else []
        done = subprocess.run([*words, "--command", statement, url or self.url], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def new_database(self, prefix: str) -> str:
        """Creates an empty database and returns its URL."""
        name = f"{prefix}_{secrets.token_hex(4)}"
        self.query(f"CREATE DATABASE {name}")
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def find(self) -> None:
        """Remembers where the server's files are, to stop and restart it later."""
        self.data = Path(self.query("SHOW data_directory"))
        self.pg_ctl = Path("/proc", self.pid(), "exe").resolve().with_name("pg_ctl")

    def pid(self) -> str:
        return (self.data / "postmaster.pid").read_text().splitlines()[0]

    def stop(self) -> None:
        """Stops the server as a crash would: no checkpoint, connections cut."""
        self._control("stop", "--mode", "immediate")

    def start(self) -> None:
        """Restarts it on its port."""
        options = (self.data / "postmaster.opts").read_text()
        port = options.split('"-p"')[1].split('"')[1]
        self._control("start", "--wait", "--log", str(self.data.parent / "server.log"), "--options", f"-p {port}")

    def kill(self) -> None:
        """Kills every process of the server at once, as when its machine fails."""
        self._signal_all(signal.SIGKILL)

    def set(self, setting: str, value: str) -> None:
        """Changes a setting of the whole server."""
        self.query(f"ALTER SYSTEM SET {setting} = '{value}'")
        self.query("SELECT pg_reload_conf()")
        while self.query(f"SHOW {setting}") != value:
            pass

    def give(self, path: Path) -> None:
        """Makes the server's user the owner."""
        files = self.data.stat()
        os.chown(path, files.st_uid, files.st_gid)

    def run(self, program: str, *words: str) -> None:
        """Runs a program of the server as the owner of its files, because it refuses to run as root."""
        owner = pwd.getpwuid(self.data.stat().st_uid).pw_name
        as_owner = ["runuser", "-u", owner, "--"] if os.geteuid() == 0 else []
        command = [*as_owner, str(self.pg_ctl.with_name(program)), *words]
        subprocess.run(command, cwd="/", check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60)

    def pause(self) -> None:
        """Suspends every process of the server: connections stay open and get no answers."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        postmaster = int(self.pid())
        # The parent is suspended first, so that it creates no child meanwhile.
        os.kill(postmaster, signal.SIGSTOP)
        children = Path("/proc", str(postmaster), "task", str(postmaster), "children").read_text().split()
        os.kill(postmaster, number)
        for child in children:
            # A child whose client has disconnected may exit meanwhile.
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), number)

    def _control(self, action: str, *words: str) -> None:
        self.run("pg_ctl", action, "--silent", "--pgdata", str(self.data), *words)
