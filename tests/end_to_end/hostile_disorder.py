"""Wrong, endless, enormous and missing answers: the caller gets an error, and other callers are not affected."""

import asyncio
import contextlib
import sys
import time
from pathlib import Path

import http_stream
from checks import Checks, quantile
from gateway import Gateway
from hostile import HERE, Owner, Recorder, found, of, peers
from canaries import leaks
from rpc import Legacy, Modern, Peer, Refused

sys.path.insert(0, str(HERE))
import disorder  # noqa: E402

WRONG = tuple(disorder.wrong(1))
DROPS = ("body", "stream", "status", "nonsense", "end", "now")
STATUSES = (301, 302, 303, 307, 308)
LARGE = {"hostile-plain": ("json", "event", "headers", "notifications"), "program-large": ("line", "notifications")}
# The gateway reads up to 16 MiB of each of these answers, in both eras. If it kept them, memory would grow by so much.
READ = 2 * sum(map(len, LARGE.values())) * (16 << 20)
SERVER_FAILED = "error 1002"
LIMIT = "message_bytes"
# Errors come soon, and an honest server answers as usual.
WITHIN = 30
# So long may it take to pass on, or to refuse, 100 MiB on a machine that is busy.
PATIENCE = 120
# Of resident memory. The largest message is 16 MiB.
TAKEN, GROWTH = 256 << 20, 48 << 20
SLOWEST = 2.0
# How long the restart of a program may be delayed after it has exited a few times.
PAUSE = 45


async def outcome(peer: Peer, tool: str, place: str, within: float = WITHIN) -> object:
    """The result of one call, or the exception that came in its place."""
    try:
        return await peer.call(tool, within, place=place)
    except (Refused, TimeoutError, OSError, asyncio.IncompleteReadError) as error:
        return error


def told(result: object, tool: str) -> str:
    """What a client hears: `the answer` of the tool, `taken` and `empty` for what only looks like one, or the error."""
    if isinstance(result, Refused):
        return f"error {result.code}"
    if not isinstance(result, dict):
        return repr(result)
    if "arguments" in result.get("structuredContent", {}) and f"{tool}: " in str(result["content"]):
        return "the answer"
    if result.get("content") == []:
        return "empty"
    return "taken" if "taken for an answer" in str(result.get("content")) else f"something else: {result}"


async def is_well(peer: Peer, server: str) -> bool:
    """Whether the session, or the next one, still answers. A program that exits often is restarted with pauses."""
    began = time.monotonic()
    patience = PAUSE if server.startswith("program") else 1
    while time.monotonic() < began + patience:
        try:
            return "arguments" in (await peer.call("echo", 10, place="x"))["structuredContent"]
        except Refused:
            # A client may open a new session after one has ended.
            if isinstance(peer, Legacy):
                peer.session, peer.is_open = None, False
            with contextlib.suppress(Refused):
                await peer.open()
            await asyncio.sleep(0.1)
    return False


class Watch:
    """An honest server's answers while others misbehave."""

    def __init__(self, gateway: Gateway, owner: Owner) -> None:
        self.peer = Modern(gateway.url("good"), owner.user.headers)
        self.latencies: list[float] = []
        self.faults: list[str] = []

    async def __aenter__(self) -> "Watch":
        self.task = asyncio.create_task(self._ask())
        return self

    async def _ask(self) -> None:
        while True:
            began = time.monotonic()
            try:
                await self.peer.call("test_simple_text", 10)
            except (Refused, TimeoutError, OSError, asyncio.IncompleteReadError) as error:
                self.faults.append(repr(error))
            self.latencies.append(time.monotonic() - began)
            await asyncio.sleep(0.02)

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.peer.close()


def owed(kind: str, server: str) -> str:
    """What a client hears after a line that is not quite an answer. The answer itself follows."""
    # A program's line that is cut cannot be seen to answer anything; an event of HTTP can only be meant as a message.
    if kind == "cut" and server.startswith("hostile"):
        return SERVER_FAILED
    # The official SDKs accept a number that comes back as text, and one with a fraction.
    return {"an id as a string": "taken", "an id as a fraction": "empty"}.get(kind, "the answer")


async def wrong(checks: Checks, gateway: Gateway, owner: Owner, kinds: tuple[str, ...]) -> None:
    for server in of(kinds, "hostile-plain", "program-plain"):
        for era, peer in peers(gateway, owner.user, server):
            async with peer:
                for kind in WRONG:
                    heard = told(await outcome(peer, "disorder", kind), "disorder")
                    label = f"{server}, {era}: {kind}"
                    checks.that(f"{label}: ends in {heard}", heard == owed(kind, server), owed(kind, server))
                    checks.that(f"{label}: the next call is answered", await is_well(peer, server))
                result = await outcome(peer, "twice", "x")
                checks.that(f"{server}, {era}: an answer that comes twice counts once", "first" in str(result), result)
                checks.none(f"{server}, {era}: no value in all that", found(owner.canaries, server, peer))


async def missing(checks: Checks, gateway: Gateway, owner: Owner, kinds: tuple[str, ...]) -> None:
    for server in of(kinds, "hostile-plain", "program-plain"):
        for era, peer in peers(gateway, owner.user, server):
            async with peer:
                for when in DROPS if server.startswith("hostile") else ("body", "now"):
                    began = time.monotonic()
                    result = await outcome(peer, "drop", when)
                    took = time.monotonic() - began
                    label = f"{server}, {era}: a connection that ends ({when})"
                    is_error = told(result, "drop") == SERVER_FAILED
                    checks.that(f"{label} is an error soon", is_error and took < 10, (result, took))
                    checks.that(f"{label}: the next call is answered", await is_well(peer, server))


async def redirected(checks: Checks, gateway: Gateway, owner: Owner, recorder: Recorder) -> None:
    recorder.forget()
    for era, peer in peers(gateway, owner.user, "hostile-plain"):
        async with peer:
            for status in STATUSES:
                result = await outcome(peer, "redirect", str(status))
                heard = told(result, "redirect")
                checks.that(f"{era}: a redirect with {status} is an error", heard == SERVER_FAILED, result)
    print(f"{recorder.connections} connections came where the redirects lead")
    checks.none("no value went where a redirect leads", leaks(owner.canaries, "the recorder", bytes(recorder.heard)))
    checks.that("nothing at all went there", not recorder.connections, bytes(recorder.heard[:200]))
    # The control: it hears whatever comes.
    await http_stream.ask(f"http://127.0.0.1:{recorder.port}/mcp", "POST", {"a": owner.key.token})
    checks.that("control: the recorder hears", leaks(owner.canaries, "the recorder", bytes(recorder.heard)))


async def large(checks: Checks, gateway: Gateway, owner: Owner) -> None:
    before = gateway.resident()
    async with Watch(gateway, owner) as watch:
        await all_large(checks, gateway, owner)
        first = gateway.resident()
        await all_large(checks, gateway, owner)
        second = gateway.resident()
    taken = max(first, second) - before
    checks.that(f"100 MiB at a time, twice, take {taken >> 20} MiB", taken < TAKEN, taken)
    # The allocator keeps memory of threads that are idle, and uses it in the next round.
    grown = second - first
    checks.that(f"memory is flat: {grown >> 20} MiB more after the second round", grown < READ // 2, grown)
    judge(checks, "while others send 100 MiB", watch)


async def all_large(checks: Checks, gateway: Gateway, owner: Owner) -> None:
    for server, kinds in LARGE.items():
        for era, peer in peers(gateway, owner.user, server):
            async with peer:
                for kind in kinds:
                    result = await outcome(peer, "big", kind, PATIENCE)
                    # The notifications are within the limit each, and the answer follows them.
                    is_right = told(result, "big") == ("the answer" if kind == "notifications" else SERVER_FAILED)
                    is_right = is_right and (LIMIT in str(result) or kind not in ("json", "line"))
                    checks.that(f"{server}, {era}: 100 MiB as {kind} end as they should", is_right, str(result)[:200])
                    checks.that(f"{server}, {era}: the next call is answered", await is_well(peer, server))
                    peer.raw.clear()


async def endless(checks: Checks, gateway: Gateway, owner: Owner) -> None:
    before = gateway.resident()
    async with Watch(gateway, owner) as watch:
        for server in ("hostile-plain", "program-plain"):
            for era, peer in peers(gateway, owner.user, server):
                async with peer:
                    calls = [
                        asyncio.create_task(outcome(peer, "endless", kind, 5))
                        for kind in ("silence", "json", "events") * 4
                    ]
                    checks.that(f"{server}, {era}: a call beside endless ones is answered", await is_well(peer, server))
                    slow = told(await outcome(peer, "slow", "1.5"), "slow")
                    checks.that(f"{server}, {era}: a slow one is answered in its time", slow == "the answer", slow)
                    ended = [each for each in await asyncio.gather(*calls) if not isinstance(each, TimeoutError)]
                    checks.none(f"{server}, {era}: what never ends does not end", ended)
    grown = gateway.resident() - before
    checks.that(f"memory is flat: {grown >> 20} MiB more after endless answers", grown < GROWTH, grown)
    judge(checks, "while others never end", watch)


def judge(checks: Checks, when: str, watch: Watch) -> None:
    checks.none(f"a good server answers {when}", watch.faults)
    median, p99 = [1000 * quantile(watch.latencies, share) for share in (0.5, 0.99)]
    print(f"a good server {when}: {len(watch.latencies)} calls, p50 {median:.1f} ms, p99 {p99:.1f} ms")
    slowest = max(watch.latencies)
    checks.that(f"and in time {when}", slowest < SLOWEST, f"{slowest:.2f} s")


def has_not_fallen(checks: Checks, gateway: Gateway) -> None:
    checks.that("the gateway has not fallen", gateway.process.poll() is None, gateway.tail())
    log = Path(gateway.log).read_text(errors="replace")
    checks.that("and did not panic", "panicked" not in log, log[-1000:])
