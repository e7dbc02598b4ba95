"""Many sessions of both eras: opened, used once, and ended, dropped or left open."""

import asyncio
import contextlib
import time
from pathlib import Path

import http_stream
from checks import Checks
from echo import Echo
from gateway import Gateway, User
from rpc import Legacy, Modern, Peer, Refused
from vitals import QUIET, VARIES, Growth, Vitals, at_rest

# Each belongs to a user of its own, and has one session at a time in use.
WORKERS = 8
# By then every user has as many sessions as one may have.
WARM_UP = 2_000
# How many sessions of one user are left open with their stream, before the one that is open longest is dropped.
LEFT_OPEN = 20
# The share of sessions that may get no answer.
FEW = 0.01
VALUE = "a value of the sessions"


class Worker:
    """A user who opens sessions, one after the other."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.open: list[tuple[Peer, http_stream.Answer]] = []
        self.faults: list[str] = []
        self.refused = 0

    async def session(self, number: int) -> None:
        try:
            await self.open_and_use(number)
        except (Refused, TimeoutError, OSError, asyncio.IncompleteReadError):
            # A busy machine may keep the database from answering in time.
            self.refused += 1

    async def open_and_use(self, number: int) -> None:
        url, headers = self.user.gateway.url("echo"), self.user.headers
        peer = Legacy(url, headers) if number % 2 else Modern(url, headers)
        await peer.open()
        if number % 16 in (4, 5):
            # Leaves while the call runs.
            calling = asyncio.create_task(peer.call("send", to="x"))
            await asyncio.sleep(0)
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)
        else:
            result = await peer.call("send", to="x")
            if "[secret:the-key]" not in str(result) or VALUE in str(result):
                self.faults.append(f"{number}: {str(result)[:200]}")
        if isinstance(peer, Legacy):
            await self.leave(peer, number)
        else:
            await peer.close()

    async def leave(self, peer: Legacy, number: int) -> None:
        if number % 6 == 1:
            await peer.close()
        elif number % 6 == 3:
            self.open.append((peer, await peer.listen()))
            if len(self.open) > LEFT_OPEN:
                await self.drop(*self.open.pop(0))
        # Otherwise no one says that it is over.

    async def drop(self, peer: Peer, stream: http_stream.Answer) -> None:
        """Leaves without a word."""
        for task in peer.tasks:
            task.cancel()
        await asyncio.gather(*peer.tasks, return_exceptions=True)
        with contextlib.suppress(OSError):
            stream.close()


async def sessions(checks: Checks, folder: Path, count: int) -> None:
    echo = Echo()
    await echo.start(folder)
    server = {"url": f"http://127.0.0.1:{echo.port}/mcp", "allow_private_network": True}
    gateway = Gateway(folder / "gateway", {"echo": server}, log="warn")
    try:
        await gateway.begin()
        at_first = Vitals.of(gateway)
        users = [await gateway.user(f"user-{number}") for number in range(WORKERS)]
        for user in users:
            await user.secret("the-key", VALUE, "echo__send", "api_key")
        workers = [Worker(user) for user in users]
        await many(workers, WARM_UP)
        growth = Growth("sessions", gateway)
        await many(workers, count, growth)
        await at_rest(gateway, growth.is_within)
        growth.note()
        checks.none(f"{count} sessions: no answer shows the value", [one for worker in workers for one in worker.faults])
        refused = sum(worker.refused for worker in workers)
        checks.that("sessions: hardly any is refused", refused <= FEW * count, refused)
        growth.judge(checks, growth.after)
        for worker in workers:
            for left in worker.open:
                await worker.drop(*left)
        await ended(checks, gateway, users, at_first)
    finally:
        gateway.kill()
        echo.close()


async def many(workers: list[Worker], count: int, growth: Growth | None = None) -> None:
    """Opens `count` sessions, as many at a time as there are workers."""
    numbers = iter(range(count))

    async def work(worker: Worker) -> None:
        for number in numbers:
            await worker.session(number)
            if growth and number % 100 == 0:
                growth.note(f"{number} of {count}")

    await asyncio.gather(*map(work, workers))


async def ended(checks: Checks, gateway: Gateway, users: list[User], at_first: Vitals) -> None:
    """Once the users are gone, nothing of all that is left."""
    for user in users:
        done = await gateway.command("user", "delete", user.name, "--yes")
        assert done.returncode == 0, done
    until = time.monotonic() + QUIET
    while (left := await gateway.sessions()) and time.monotonic() < until:
        await asyncio.sleep(0.2)
    await at_rest(gateway, lambda now: now.descriptors <= at_first.descriptors + VARIES)
    now = Vitals.of(gateway)
    print(f"sessions, of users who are gone: {left} sessions, {Growth.line(now)}")
    checks.that("sessions: those of users who are gone are over", not left, left)
    checks.that("sessions: nothing stays open", now.descriptors <= at_first.descriptors + VARIES, (at_first, now))
