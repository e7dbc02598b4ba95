"""For whom a call is made, what it is given, and how calls share requests."""

from __future__ import annotations

import asyncio
import contextvars
import json
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

import toolvault
from linear import library_locals, shown
from toolvault import AsyncToolvault, Injected, ToolCall, Toolvault

KEY = "tvk_abcdefgh_" + "k" * 49
VALUE = "a-value-that-shows-nowhere"


class Scripted:
    """Answers as the server does, with a default for every tool but `bad…`; records users and bodies."""

    def __init__(self) -> None:
        self.users: list[str | None] = []
        self.bodies: list[dict] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.users.append(request.headers.get("x-toolvault-user"))
        body = json.loads(request.read())
        self.bodies.append(body)
        assert self.gate.wait(10)
        if "calls" in body:
            names = [one["tool_name"] for one in body["calls"]]
            if "broken" in names:
                return httpx.Response(422, json={"detail": [{"type": "x", "loc": ["body"], "msg": "no"}]})
            return httpx.Response(200, json={"results": [self.result(one) for one in body["calls"]]})
        result = self.result(body)
        if result["status"] == 200:
            return httpx.Response(200, json=result["result"])
        return httpx.Response(result["status"], json={"detail": result["detail"]})

    def result(self, call: dict) -> dict:
        name = call["tool_name"]
        if name.startswith("b"):
            problem = {"type": "secret_missing", "loc": ["require", "key"], "msg": "No usable secret"}
            return {"status": 409, "detail": [problem]}
        applied = {"arg": "key", "secret_id": "i", "secret_name": "s", "version": 1, "source": "default"}
        args = {**(call.get("args") or {}), "key": f"{VALUE} of {name}"}
        return {"status": 200, "result": {"tool_name": name, "args": args, "applied": [applied]}}

    def blocking(self, **options) -> Toolvault:
        return Toolvault("http://127.0.0.1:1", KEY, transport=httpx.MockTransport(self), **options)

    def asynchronous(self, **options) -> AsyncToolvault:
        return AsyncToolvault("http://127.0.0.1:1", KEY, transport=httpx.MockTransport(self), **options)


def test_for_whom_a_blocking_call_is_made():
    script = Scripted()
    client = script.blocking(user="own")
    client.resolve("t")
    with client.acting_for("outer"):
        client.resolve("t")
        with client.acting_for("inner"):
            client.resolve("t")
            client.resolve("t", user="given")
            copied = contextvars.copy_context()
        client.resolve("t")
        assert client.current_user() == "outer"
    copied.run(client.resolve, "t")
    client.resolve("t")
    assert script.users == ["own", "outer", "inner", "given", "outer", "inner", "own"]


def test_a_client_acts_for_its_own_users_only():
    script = Scripted()
    client, other = script.blocking(), script.blocking()
    with client.acting_for("one"), other.acting_for("two"):
        client.resolve("t")
        other.resolve("t")
    assert (script.users, client.current_user()) == (["one", "two"], None)


def test_for_whom_concurrent_tasks_call():
    script = Scripted()
    client = script.asynchronous()

    async def one(user: str) -> str | None:
        with client.acting_for(user):
            await asyncio.sleep(0.001)
            done = await asyncio.gather(*(asyncio.create_task(client.resolve("t", {"n": n})) for n in range(3)))
            assert [each.args["n"] for each in done] == [0, 1, 2]
            return client.current_user()

    async def all_of() -> list[str | None]:
        return await asyncio.gather(*(one(f"u{number}") for number in range(20)))

    assert asyncio.run(all_of()) == [f"u{number}" for number in range(20)]
    assert sorted(script.users) == sorted(f"u{number}" for number in range(20))
    assert all(len(body["calls"]) == 3 for body in script.bodies)


@pytest.mark.parametrize("user", ["", " ", "a b", "ü", "a\r\nx-api-key: k", None, 7])
def test_what_is_no_user_is_not_taken_for_another(user):
    client = Scripted().blocking(user="own")
    with pytest.raises(ValueError, match="ID"), client.acting_for(user):
        pass
    if user is not None:
        with pytest.raises(ValueError, match="ID"):
            client.resolve("t", user=user)


def test_calls_of_one_turn_share_a_request():
    script = Scripted()
    client = script.asynchronous()

    async def all_of():
        together = await asyncio.gather(
            client.resolve("a", {"x": 1.50}),
            client.inject("c", {"x": 2}),
            client.resolve("bad"),
            client.resolve("d", user="other"),
            client.resolve("e", user="other"),
            return_exceptions=True,
        )
        return together, await client.resolve("alone")

    (a, c, bad, d, e), alone = asyncio.run(all_of())
    assert (a.args, d.args, e.args) == (
        {"x": 1.5, "key": f"{VALUE} of a"},
        {"key": f"{VALUE} of d"},
        {"key": f"{VALUE} of e"},
    )
    assert c.redact(f"<{VALUE} of c>") == "<[secret:s]>"
    assert (type(bad), bad.argument, bad.tool) == (toolvault.SecretMissing, "key", "bad")
    assert alone.args == {"key": f"{VALUE} of alone"}
    assert sorted(len(body.get("calls", [None])) for body in script.bodies) == [1, 2, 3]


def test_one_call_does_not_spoil_the_others():
    client = Scripted().asynchronous()

    async def all_of():
        return await asyncio.gather(
            client.resolve("a"), client.resolve("a", {"x": object()}), client.resolve("broken"), return_exceptions=True
        )

    a, unwritable, broken = asyncio.run(all_of())
    assert a.args == {"key": f"{VALUE} of a"}
    assert isinstance(unwritable, TypeError)
    assert isinstance(broken, toolvault.SecretMissing)


def test_whatever_goes_wrong_is_told_to_each_call():
    client = Scripted().asynchronous()

    def fail(*_: object) -> None:
        raise ValueError("unexpected")

    client._sender._joint._run = fail

    async def all_of():
        calls = asyncio.gather(client.resolve("a"), client.resolve("c"), return_exceptions=True)
        return await asyncio.wait_for(calls, 5)

    assert [type(one) for one in asyncio.run(all_of())] == [ValueError] * 2


def test_a_cancelled_call_does_not_end_the_others():
    client = Scripted().asynchronous()

    async def all_of(which: int, turns: int):
        tasks = [asyncio.create_task(client.resolve(name)) for name in "acd"]
        for _ in range(turns):
            await asyncio.sleep(0)
        is_in_time = tasks[which].cancel()
        return is_in_time, await asyncio.gather(*tasks, return_exceptions=True)

    for which in range(3):
        for turns in range(5):
            is_in_time, done = asyncio.run(all_of(which, turns))
            assert is_in_time or turns > 2
            assert [type(one) for one in done] == [
                asyncio.CancelledError if number == which and is_in_time else toolvault.Completed for number in range(3)
            ]


def test_many_calls_of_one_turn():
    script = Scripted()
    client = script.asynchronous()

    async def all_of():
        return await asyncio.gather(*(client.resolve("t", {"n": number}) for number in range(250)))

    assert [one.args["n"] for one in asyncio.run(all_of())] == list(range(250))
    assert sorted(len(body["calls"]) for body in script.bodies) == [50, 100, 100]


def test_threads_share_requests_on_demand():
    script = Scripted()
    client = script.blocking(batch=True, timeout=5)
    script.gate.clear()
    with ThreadPoolExecutor(30) as pool:
        names = [f"t{number}" for number in range(28)] + ["bad", "broken"]
        futures = [pool.submit(client.resolve, name) for name in names]
        while len(client._sender._joint._queue) < 29:
            time.sleep(0.001)
        script.gate.set()
        done = [one.exception() or one.result() for one in futures]
    assert [one.args for one in done[:28]] == [{"key": f"{VALUE} of t{number}"} for number in range(28)]
    assert [type(one) for one in done[28:]] == [toolvault.SecretMissing] * 2
    sizes = [len(body.get("calls", [None])) for body in script.bodies]
    assert sizes[:2] == [1, 29]
    assert client.resolve("after").args == {"key": f"{VALUE} of after"}


def test_a_thread_that_waits_has_a_deadline():
    script = Scripted()
    client = script.blocking(batch=True, timeout=0.2)
    script.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.resolve, "a")
        while not client._sender._joint._is_busy or not script.bodies:
            time.sleep(0.001)
        with pytest.raises(toolvault.Unavailable, match=r"within 0\.2 s"):
            client.resolve("c")
        script.gate.set()
        first.exception()
    assert client.resolve("d").args == {"key": f"{VALUE} of d"}


def queued(client, names):
    """Calls of these tools while the first one's request is under way."""
    joint = client._sender._joint
    pool = ThreadPoolExecutor(len(names))
    futures = []
    for name in names:
        futures.append(pool.submit(client.resolve, name))
        while not joint._is_busy or len(joint._queue) < len(futures) - 1:
            time.sleep(0.001)
    pool.shutdown(wait=False)
    return futures


def test_a_bad_call_fails_alone():
    """Nor do the others wait for it."""
    script = Scripted()
    stuck = threading.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        if json.loads(request.read()).get("tool_name") == "broken":
            assert stuck.wait(10)
        return script(request)

    client = Toolvault("http://127.0.0.1:1", KEY, transport=httpx.MockTransport(answer), batch=True)
    script.gate.clear()
    first, a, broken, c = queued(client, ["first", "a", "broken", "c"])
    script.gate.set()
    assert [one.result(5).args["key"] for one in (first, a, c)] == [
        f"{VALUE} of {name}" for name in ("first", "a", "c")
    ]
    assert not broken.done()
    assert client.resolve("d").args == {"key": f"{VALUE} of d"}
    stuck.set()
    assert isinstance(broken.exception(5), toolvault.SecretMissing)


def test_a_thread_whose_request_another_one_sends_has_its_own_deadline():
    script = Scripted()
    stuck = threading.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        if "calls" in json.loads(request.read()):
            assert stuck.wait(10)
        return script(request)

    client = Toolvault("http://127.0.0.1:1", KEY, transport=httpx.MockTransport(answer), batch=True, timeout=0.3)
    script.gate.clear()
    _, sends, other = queued(client, ["first", "sends", "other"])
    script.gate.set()
    assert isinstance(other.exception(5), toolvault.Unavailable)
    stuck.set()
    sends.exception(5)
    assert client.resolve("d").args == {"key": f"{VALUE} of d"}


def test_the_time_in_the_queue_counts():
    script = Scripted()
    left: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        left.append(request.extensions["timeout"]["read"])
        return script(request)

    client = Toolvault("http://127.0.0.1:1", KEY, transport=httpx.MockTransport(answer), batch=True, timeout=60)
    now = [0.0]
    client._sender._clock = lambda: now[0]
    script.gate.clear()
    first, other = queued(client, ["first", "other"])
    now[0] = 50.0
    script.gate.set()
    assert [first.result(5).tool_name, other.result(5).tool_name] == ["first", "other"]
    assert left == [60.0, 10.0]


def test_a_thread_with_more_time_than_the_one_that_sends_goes_on():
    script = Scripted()
    now = [0.0]

    def answer(request: httpx.Request) -> httpx.Response:
        if "calls" in json.loads(request.read()):
            now[0] = 60.0
            raise httpx.ReadTimeout("late", request=request)
        return script(request)

    client = Toolvault("http://127.0.0.1:1", KEY, transport=httpx.MockTransport(answer), batch=True, timeout=60)
    client._sender._clock = lambda: now[0]
    script.gate.clear()
    first, sends = queued(client, ["first", "sends"])
    now[0] = 30.0
    [waits] = [ThreadPoolExecutor(1).submit(client.resolve, "waits")]
    while len(client._sender._joint._queue) < 2:
        time.sleep(0.001)
    script.gate.set()
    first.result(5)
    assert isinstance(sends.exception(5), toolvault.Unavailable)
    assert waits.result(5).args == {"key": f"{VALUE} of waits"}


class Interrupted(BaseException):
    pass


@pytest.mark.parametrize("when", ["while it sends", "while it waits", "as the next one"])
def test_threads_go_on_without_one_that_is_interrupted(when, monkeypatch):
    script = Scripted()
    client = script.blocking(batch=True, timeout=5)
    joint = client._sender._joint
    run, wait = joint._run, joint._wait
    script.gate.clear()

    def interrupted_run(operation, ends):
        done = run(operation, ends)
        if when == "while it sends" and operation.tool == "first":
            raise Interrupted
        return done

    def interrupted_wait(mine):
        if mine.operation.tool == "hit" and when == "while it waits":
            raise Interrupted
        done = wait(mine)
        if mine.operation.tool == "hit" and when == "as the next one":
            assert done
            raise Interrupted
        return done

    monkeypatch.setattr(joint, "_run", interrupted_run)
    monkeypatch.setattr(joint, "_wait", interrupted_wait)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(client.resolve, "first")
        while not script.bodies:
            time.sleep(0.001)
        hit = pool.submit(client.resolve, "hit")
        while when != "while it waits" and len(joint._queue) < 1:
            time.sleep(0.001)
        other = pool.submit(client.resolve, "other", user="other")
        while len(joint._queue) < (1 if when == "while it waits" else 2):
            time.sleep(0.001)
        script.gate.set()
        assert other.result(5).args == {"key": f"{VALUE} of other"}
        assert type(first.exception(5)) is (Interrupted if when == "while it sends" else type(None))
        assert type(hit.exception(5)) is (type(None) if when == "while it sends" else Interrupted)
    assert (joint._is_busy, joint._queue) == (False, [])


def test_injected_arguments():
    client = Scripted().blocking()
    args = {"n": 1.0}
    call = client.inject("t", args)
    assert call.args == {"n": 1.0, "key": f"{VALUE} of t"}
    assert args == {"n": 1.0}
    assert repr(call) == "Injected('t', applied=['key'])"
    assert call.values["key"].reveal() == f"{VALUE} of t"
    stream = call.stream()
    assert stream.feed(f"{VALUE} ") + stream.feed("of t!") + stream.end() == "[secret:s]!"
    with pytest.raises(TypeError):
        pickle.dumps(call)
    assert VALUE not in repr(call) + str(call)
    assert client.inject("t", redact=[]).redact(f"{VALUE} of t") == f"{VALUE} of t"
    with pytest.raises(KeyError) as failure, client.inject("t") as injected:
        raise KeyError(injected.args["key"])
    assert failure.value.args == ("[secret:s]",)
    assert VALUE not in shown(failure.value) + library_locals(failure.value)
    assert isinstance(asyncio.run(Scripted().asynchronous().inject("t")), Injected)


def test_pointers(vault, runtime):
    vault.secrets.create("a", VALUE, tool_name="t", tool_arg="/req/api~1key", is_default_for_tool=True)
    given = {"req": {"n": 10**30, "other": 1.0}, "x": {}}
    call = runtime.inject("t", given)
    assert call.args == {"req": {"n": 10**30, "other": 1.0, "api/key": VALUE}, "x": {}}
    assert type(call.args["req"]["other"]) is float
    assert given == {"req": {"n": 10**30, "other": 1.0}, "x": {}}
    assert call.redact({"said": VALUE}) == {"said": "[secret:a]"}
    assert runtime.resolve("t").args == {"req": {"api/key": VALUE}}
    [many] = runtime.resolve_many([ToolCall("t", {"req": None})])
    assert many.args == {"req": {"api/key": VALUE}}
    assert runtime.defaults({"t": ["req", "/req/api~1key", "x"]}) == {"t": {"/req/api~1key"}}
    vault.secrets.create("k", VALUE, tool_name="u", tool_arg="/k", is_default_for_tool=True)
    assert runtime.defaults({"u": ["k", "x"]}) == {"u": {"k"}}
