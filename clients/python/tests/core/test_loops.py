"""Event loops, deadlines, and what a client knows after its own changes."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

import toolvault
from toolvault import AsyncToolvault, Toolvault
from toolvault._operations.defaults import Defaults

KEY = "tvk_abcdefgh_" + "k" * 49


def test_one_async_client_in_many_loops(vault, operator_key):
    vault.secrets.create("a", "a-value", tool_name="t", tool_arg="k", is_default_for_tool=True)
    client = AsyncToolvault(vault.url, operator_key)
    for _ in range(3):
        assert asyncio.run(client.resolve("t")).args == {"k": "a-value"}
    assert len(client._sender._clients) == 1
    found = []
    threads = [threading.Thread(target=lambda: found.append(asyncio.run(client.resolve("t")))) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [one.args for one in found] == [{"k": "a-value"}] * 8
    asyncio.run(client.aclose())
    assert client._sender._clients == {}


class Slow:
    """A server that answers each connection with `part` again and again, or never."""

    def __init__(self, part: bytes, pause: float) -> None:
        self.part, self.pause = part, pause
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def serve(self) -> None:
        self.listening.settimeout(0.05)
        held = []
        while not self.ended.is_set():
            try:
                connection, _ = self.listening.accept()
            except TimeoutError:
                continue
            held.append(connection)
            threading.Thread(target=self.answer, args=(connection,)).start()
        for one in held:
            one.close()
        self.listening.close()

    def answer(self, connection: socket.socket) -> None:
        try:
            connection.recv(65536)
            if self.part:
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
            while self.part and not self.ended.wait(self.pause):
                connection.sendall(self.part)
        except OSError:
            return


@pytest.fixture(params=["hanging", "dripping"])
def slow(request) -> Iterator[Slow]:
    made = Slow(b"" if request.param == "hanging" else b"x", 0.05)
    yield made
    made.ended.set()
    made.thread.join()


def test_a_deadline_for_everything(slow):
    with Toolvault(slow.url, KEY, timeout=0.4) as client:
        began = time.monotonic()
        with pytest.raises(toolvault.Unavailable, match=r"within 0\.4 s"):
            client.resolve("t")
        assert time.monotonic() - began < 0.8


def test_an_async_deadline_does_not_block_the_loop(slow):
    async def measured() -> tuple[float, int]:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0.01)
                turns += 1

        async with AsyncToolvault(slow.url, KEY, timeout=0.4) as client:
            counting = asyncio.create_task(count())
            began = time.monotonic()
            for call in (client.resolve("t"), client.defaults({"t": ["k"]}), client.secrets.list()):
                with pytest.raises(toolvault.Unavailable, match=r"within 0\.4 s"):
                    await call
            counting.cancel()
            return time.monotonic() - began, turns

    seconds, turns = asyncio.run(measured())
    assert seconds < 2.4
    assert turns > 20


def test_the_deadline_includes_the_retries():
    asked = []

    def unavailable(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(503, json={"detail": "Busy."}, headers={"retry-after": "5"})

    client = Toolvault("http://127.0.0.1:1", KEY, timeout=1, transport=httpx.MockTransport(unavailable))
    with pytest.raises(toolvault.Unavailable, match="Busy"):
        client.me()
    assert len(asked) == 1


def declared(client):
    return client.defaults({"t": ["k", "other"]})["t"]


def test_an_own_change_holds_at_once(vault, operator_key):
    asynchronous = AsyncToolvault(vault.url, operator_key)
    assert declared(vault) == declared(asynchronous.blocking) == set()
    made = vault.secrets.create("a", "a-value", tool_name="t", tool_arg="k", is_default_for_tool=True)
    assert declared(vault) == {"k"}
    vault.secrets.update(made.secret_id, tool_arg="other")
    assert declared(vault) == {"other"}
    vault.secrets.delete(made.secret_id)
    assert declared(vault) == set()
    # Another client sees it when its answer is no longer fresh, or after a change of its own, through either half.
    vault.secrets.create("a", "a-value", tool_name="t", tool_arg="k", is_default_for_tool=True)
    assert declared(asynchronous.blocking) == set()
    asyncio.run(asynchronous.secrets.create("b", "a-value", tool_name="t", tool_arg="other", is_default_for_tool=True))
    assert declared(asynchronous.blocking) == {"k", "other"}


def test_one_request_for_many_tools(runtime, vault, monkeypatch):
    vault.secrets.create("a", "a-value", tool_name="t1*", tool_arg="k", is_default_for_tool=True)
    asked = []
    run = runtime._sender.run
    monkeypatch.setattr(runtime._sender, "run", lambda one: asked.append(one.path) or run(one))
    tools = {f"t{number}": ["k"] for number in range(200)}
    found = runtime.defaults(tools)
    assert {tool for tool, names in found.items() if names == {"k"}} == {one for one in tools if one.startswith("t1")}
    assert runtime.defaults(tools) == found
    assert asked == ["/v1/explain", "/v1/explain"]


def test_answers_are_forgotten_in_time():
    now = [0.0]
    client = Toolvault("http://127.0.0.1:1", KEY)
    known = Defaults(client._sender.settings, lambda: now[0])
    explanation = toolvault.Explanation("t", True, (toolvault.ExplainedArgument("k", "default", None, (), False),))

    def asked(user: str | None = None) -> int:
        steps = known.find({"t": ["k"]}, user)
        operations, answer, found = 0, None, None
        while found is None:
            try:
                steps.send(answer)
            except StopIteration as end:
                found = end.value
            else:
                operations, answer = operations + 1, [explanation]
        assert found == {"t": {"k"}}
        return operations

    assert [asked(), asked(), asked("u"), asked("u")] == [1, 0, 1, 0]
    now[0] = 31.0
    assert [asked(), asked()] == [1, 0]
    assert len(known._known) == 1
