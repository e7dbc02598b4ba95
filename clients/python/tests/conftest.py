"""A real server, a fake provider that records the credentials it receives, and values that must not leak."""

from __future__ import annotations

import io
import logging
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[3]
sys.path += [str(ROOT / "tests" / "end_to_end"), str(Path(__file__).parent)]

from canaries import Canary, leaks  # noqa: E402
from server import Toolvault as Server  # noqa: E402

from linear import ARGUMENT, PATTERN  # noqa: E402
from toolvault import Toolvault  # noqa: E402


class Provider(ThreadingHTTPServer):
    """Answers any GET with its path, and records the credentials of the requests."""

    def __init__(self) -> None:
        self.received: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Provider)
        self.server.received.append(self.headers.get("authorization", ""))
        body = f"issue {self.path.rsplit('/', 1)[-1]}: open".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class Witness:
    """Searches for values in the objects that a test passes, and in all logs."""

    def __init__(self) -> None:
        self.canaries: list[Canary] = []
        self.logs = io.StringIO()

    def canary(self, purpose: str) -> str:
        """A new value."""
        canary = Canary(purpose)
        canary.value = f"lin_api_{canary.token}"
        self.canaries.append(canary)
        return canary.value

    def watch(self, purpose: str, value: str) -> None:
        """A value that the test cannot choose."""
        self.canaries.append(Canary.of(purpose, value))

    def clean(self, place: str, *shown: object) -> None:
        """Fails if a value occurs in any form."""
        for one in shown:
            content = one if isinstance(one, bytes) else str(one).encode("utf-8", "backslashreplace")
            assert leaks(self.canaries, place, content) == []

    def clean_logs(self) -> None:
        """Fails if a value was logged, or if nothing was logged."""
        assert self.logs.getvalue()
        self.clean("logs", self.logs.getvalue())


def is_ready(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("server"))
    running.start()
    # Not with the harness's own client, which needs Python 3.11.
    ready = f"{running.environment['TOOLVAULT_URL']}/readyz"
    until = time.monotonic() + 60
    while not is_ready(ready):
        assert running.process.poll() is None, running.tail()
        assert time.monotonic() < until, running.tail()
        time.sleep(0.01)
    yield running
    running.kill()


@pytest.fixture(scope="session")
def operator_key(server: Server) -> str:
    return server.first_keys()["operator_key"]


@pytest.fixture
def vault(server: Server, operator_key: str) -> Iterator[Toolvault]:
    """A client with all rights. The store is empty after the test."""
    with Toolvault(server.environment["TOOLVAULT_URL"], operator_key) as client:
        yield client
        for one in client.secrets.iterate():
            client.secrets.delete(one.secret_id)


@pytest.fixture
def runtime(server: Server, vault: Toolvault) -> Iterator[Toolvault]:
    """A client with the scope `resolve` only, as for a runtime."""
    key = vault.keys.create(scopes=["resolve"], name="runtime").key
    with Toolvault(server.environment["TOOLVAULT_URL"], key) as client:
        yield client


@pytest.fixture
def key(vault: Toolvault, witness: Witness) -> tuple[str, str]:
    """The value and the ID of a default for the tools of the tests."""
    value = witness.canary("token")
    made = vault.secrets.create("linear", value, tool_name=PATTERN, tool_arg=ARGUMENT, is_default_for_tool=True)
    return value, made.secret_id


@pytest.fixture
def provider() -> Iterator[Provider]:
    running = Provider()
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def witness(operator_key: str) -> Iterator[Witness]:
    """All loggers write to it at DEBUG."""
    watching = Witness()
    watching.watch("operator key", operator_key)
    handler = logging.StreamHandler(watching.logs)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s %(args)s"))
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    before = [(one, one.level, one.propagate) for one in loggers]
    for one in loggers:
        one.setLevel(logging.DEBUG)
        one.propagate = True
    logging.getLogger().addHandler(handler)
    yield watching
    logging.getLogger().removeHandler(handler)
    for one, level, propagate in before:
        one.setLevel(level)
        one.propagate = propagate
