"""The common frame of all suites."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import server
from checks import Checks

Body = Callable[[Checks, Path], Awaitable[None]]


def run(body: Body) -> None:
    """Runs a suite in its own folder and exits with its outcome."""
    if not os.access(server.BINARY, os.X_OK):
        sys.exit("TOOLVAULT_BINARY must name the built binary")
    if sys.version_info < (3, 11):
        sys.exit("Python 3.11 or later is needed")
    # So that it cleans up: the servers are children of its own.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="toolvault-") as folder:
        try:
            asyncio.run(body(checks, Path(folder)))
        except Exception:
            checks.crashed()
    sys.exit(checks.finish())
