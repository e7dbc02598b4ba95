"""The real binary: start, wait until ready, stop, and local commands."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from client import Client, Lost, Unreachable

BINARY = os.environ.get("TOOLVAULT_BINARY", "")
COMMAND_TIMEOUT = 60


def free_port() -> int:
    """A port below the kernel's ephemeral range, so that only a listener can occupy it."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


class Toolvault:
    """One server with its data directory, root key and logs in `folder`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        """`settings` are variables without their prefix, as in `database_url="postgres://…"`."""
        self.folder, self.binary = folder, BINARY
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = folder / "data"
        self.root_key = Path(settings.pop("root_key_file", folder / "data.root.key"))
        self.first_keys_file = Path(settings.get("first_keys_file", f"{self.data}.first-keys"))
        # Of its own, so that what is left there is seen.
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        self.port = free_port()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TOOLVAULT_")}
        # The configuration of this machine must not matter.
        self.environment = inherited | {
            "HOME": str(folder),
            "TMPDIR": str(self.temporary),
            "XDG_CONFIG_HOME": str(folder / "configuration"),
            "TOOLVAULT_DATA_DIR": str(self.data),
            "TOOLVAULT_ROOT_KEY_FILE": str(self.root_key),
            "TOOLVAULT_LISTEN": f"127.0.0.1:{self.port}",
            "TOOLVAULT_URL": f"http://127.0.0.1:{self.port}",
        }
        self.environment |= {f"TOOLVAULT_{name.upper()}": value for name, value in settings.items()}
        # A command that runs the server, such as a profiler with its options.
        self.under: list[str] = []
        self.process: subprocess.Popen | None = None
        self.output, self.log = folder / "stdout", folder / "stderr"

    def start(self, *flags: str) -> float:
        """Starts the process; returns the time."""
        with ExitStack() as files:
            output, log = (files.enter_context(path.open("ab")) for path in (self.output, self.log))
            began = time.monotonic()
            self.process = subprocess.Popen(
                [*self.under, self.binary, "serve", *flags], env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=log
            )
        return began

    async def until_ready(self, began: float, within: float = 30) -> float:
        """Waits until /readyz answers 200; returns the seconds since `began`."""
        client = Client(self.port)
        try:
            while time.monotonic() < began + within:
                if self.process.poll() is not None:
                    raise RuntimeError(f"the server ended with {self.process.returncode}: {self.tail()}")
                try:
                    if (await client.request("GET", "/readyz")).status == 200:
                        return time.monotonic() - began
                except (Lost, Unreachable):
                    pass
                await asyncio.sleep(0.003)
        finally:
            client.close()
        raise RuntimeError(f"not ready within {within} s: {self.tail()}")

    async def serve(self, *flags: str) -> float:
        """Starts and waits until ready; returns how long that took."""
        return await self.until_ready(self.start(*flags))

    def kill(self) -> None:
        """kill -9, and waits until the process is gone."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()

    async def stop(self, within: float = 60) -> int:
        """SIGTERM; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.process.wait, within)

    def first_keys(self) -> dict[str, str]:
        """The first keys: `operator_key`, `agent_key` and `audit_public_key`."""
        lines = self.first_keys_file.read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if not line.startswith("#"))

    def client(self, key: str | None = None, **headers: str) -> Client:
        return Client(self.port, key, headers)

    async def command(
        self, *words: str, stdin: bytes = b"", within: float = COMMAND_TIMEOUT, **settings: str
    ) -> subprocess.CompletedProcess:
        """Runs a local command while the server is running."""
        environment = self.environment | {f"TOOLVAULT_{name.upper()}": value for name, value in settings.items()}
        run = lambda: subprocess.run(  # noqa: E731
            [self.binary, *words], env=environment, input=stdin, capture_output=True, timeout=within
        )
        return await asyncio.to_thread(run)

    def tail(self) -> str:
        """The end of the log."""
        return self.log.read_text(errors="replace")[-1500:]
