"""Wrong, endless, enormous and missing answers: the caller gets an error, and other callers are not affected."""

import asyncio
import contextlib
import sys
import time
from pathlib import Path

from checks import Checks, quantile
from gateway import Gateway
from hostile import HERE, Recorder, Owner, found, peers
from canaries import leaks
from rpc import Legacy, Modern, Peer, Refused

sys.path.insert(0, str(HERE))
import disorder  # noqa: E402

KINDS = tuple(disorder.wrong(1))
DROPS = ("body", "stream", "status", "nonsense", "end", "now")
STATUSES = (301, 302, 303, 307, 308)
LARGE = {"hostile-plain": ("json", "event", "headers", "notifications"), "program-large": ("line", "notifications")}
# Errors come soon, and an honest server answers as usual.
WITHIN = 30
# Of resident memory. The largest message is 16 MiB.
TAKEN, GROWTH = 160 << 20, 48 << 20
SLOWEST = 2.0
# How long the restart of a program may be delayed after it has exited a few times.
PAUSE = 45


async def outcome(peer: Peer, tool: str, place: str, within: float = WITHIN) -> object:
    """The result or the error of one call; an exception if neither came in time."""
    try:
        return await peer.call(tool, within, place=place)
    except Refused as error:
        return error.error
    except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
        return error


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


async def wrong(checks: Checks, gateway: Gateway, owner: Owner) -> None:
    for server in ("hostile-plain", "program-plain"):
        for era, peer in peers(gateway, owner.user, server):
            async with peer:
                for kind in KINDS:
                    result = await outcome(peer, "disorder", kind)
                    label = f"{server}, {era}: {kind}"
                    is_taken = "taken for an answer" in str(result)
                    # The official SDKs accept an ID that comes back as text, and one with a fraction.
                    ends = isinstance(result, dict) and is_taken == (kind == "an id as a string")
                    ends = ends or kind in ("an id as a fraction", "cut") and isinstance(result, dict)
                    checks.that(f"{label}: ends in an answer or an error", ends, result)
                    checks.that(f"{label}: the next call is answered", await is_well(peer, server))
                result = await outcome(peer, "twice", "x")
                checks.that(f"{server}, {era}: an answer that comes twice counts once", "first" in str(result), result)
                checks.none(f"{server}, {era}: no value in all that", found(owner.canaries, server, peer))


async def missing(checks: Checks, gateway: Gateway, owner: Owner) -> None:
    for server in ("hostile-plain", "program-plain"):
        for era, peer in peers(gateway, owner.user, server):
            async with peer:
                for when in DROPS if server.startswith("hostile") else ("body", "now"):
                    began = time.monotonic()
                    result = await outcome(peer, "drop", when)
                    took = time.monotonic() - began
                    label = f"{server}, {era}: a connection that ends ({when})"
                    checks.that(f"{label} is an error soon", isinstance(result, dict) and took < 10, (result, took))
                    checks.that(f"{label}: the next call is answered", await is_well(peer, server))


async def redirected(checks: Checks, gateway: Gateway, owner: Owner, recorder: Recorder) -> None:
    for era, peer in peers(gateway, owner.user, "hostile-plain"):
        async with peer:
            for status in STATUSES:
                result = await outcome(peer, "redirect", str(status))
                checks.that(
                    f"{era}: a redirect with {status} is an error",
                    isinstance(result, dict) and "code" in result or "message" in str(result),
                    result,
                )
    print(f"{recorder.connections} connections came where the redirects lead")
    checks.none("no value went where a redirect leads", leaks(owner.canaries, "the recorder", bytes(recorder.heard)))
    checks.that("nothing at all went there", not recorder.heard, bytes(recorder.heard[:200]))


async def large(checks: Checks, gateway: Gateway, owner: Owner) -> None:
    before = gateway.resident()
    async with Watch(gateway, owner) as watch:
        await all_large(checks, gateway, owner)
        taken = gateway.resident() - before
        # The allocator keeps memory that it needed once, so only a second round shows what is not released.
        before += taken
        await all_large(checks, gateway, owner)
    grown = gateway.resident() - before
    checks.that(f"100 MiB at a time take {taken >> 20} MiB", taken < TAKEN, taken)
    checks.that(f"memory is flat: {grown >> 20} MiB more after a second time", grown < GROWTH, grown)
    judge(checks, "while others send 100 MiB", watch)


async def all_large(checks: Checks, gateway: Gateway, owner: Owner) -> None:
    for server, kinds in LARGE.items():
        for era, peer in peers(gateway, owner.user, server):
            async with peer:
                for kind in kinds:
                    result = await outcome(peer, "big", kind, 40)
                    is_error = isinstance(result, dict) and "content" not in result or kind == "notifications"
                    checks.that(f"{server}, {era}: 100 MiB as {kind} is an error", is_error, str(result)[:200])
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
                    slow = await outcome(peer, "slow", "1.5")
                    checks.that(f"{server}, {era}: a slow one is answered in its time", "content" in str(slow), slow)
                    await asyncio.gather(*calls)
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
