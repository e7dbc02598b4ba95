"""Sixteen writers, each with its own secrets, that record acknowledged changes and stop when the server does."""

import asyncio
import random
import time
import uuid
from collections.abc import Callable

from client import Answer, Client, Lost, Unreachable
from journal import GONE, SECRETS, Entry, Journal, State, call_for, tool_of

WRITERS = 16
FEWEST, MOST = 3, 8
MOST_WAIT = 30.0
ARGUMENTS = ("token", "api_key")


class Writer:
    """One client that changes its own secrets in turn."""

    def __init__(self, number: int, client: Client, journal: Journal, chance: random.Random) -> None:
        self.number = number
        self.client = client
        self.journal = journal
        self.chance = chance
        self.wrong: list[str] = []
        # How many requests got 503, so that their outcome is unknown.
        self.refused = 0
        # Without those that got 503.
        self.answered_at: list[float] = []
        self.is_told_to_stop = False
        # Whether the last request was sent and got no answer.
        self.is_unanswered = False
        prefix = f"w{number}-"
        self.entries = [entry for entry in journal.entries if entry.name.startswith(prefix) and entry.acknowledged != GONE]

    async def work(self) -> None:
        """Writes until it is stopped or the server is gone."""
        try:
            while not self.is_told_to_stop:
                refused = self.refused
                await self.step()
                if self.refused == refused:
                    self.answered_at.append(time.monotonic())
        except Lost:
            self.is_unanswered = True
        except Unreachable:
            pass
        finally:
            self.client.close()

    async def step(self) -> None:
        few, many = len(self.entries) < FEWEST, len(self.entries) >= MOST
        steps, weights = (self.create, self.patch, self.put, self.delete, self.resolve), [2, 5, 1, 2, 3]
        if few:
            weights = [1, 0, 0, 0, 0]
        elif many:
            weights[0] = 0
        await self.chance.choices(steps, weights)[0]()

    def state(self, size: int = 0) -> State:
        return f"value-{self.chance.randbytes(12).hex()}" + "x" * size, self.chance.choice(ARGUMENTS)

    async def create(self) -> None:
        name = f"w{self.number}-{uuid.UUID(bytes=self.chance.randbytes(16))}"
        value, argument = state = self.state()
        body = {"secret_name": name, "secret_value": value, "tool_name": tool_of("*"), "tool_arg": argument}
        headers = {"idempotency-key": name}
        entry = Entry(name, None, in_flight=state, unanswered=(headers, body))
        self.journal.entries.append(entry)
        answer = await self.client.request("POST", SECRETS, body, headers)
        if self.done(entry, answer):
            entry.identifier = answer.json()["secret_id"]
            entry.unanswered = None
            self.entries.append(entry)

    async def patch(self) -> None:
        entry = self.chance.choice(self.entries)
        value, argument = entry.in_flight = self.state()
        self.done(entry, await self.client.request("PATCH", self.path(entry), {"secret_value": value, "tool_arg": argument}))

    async def put(self) -> None:
        entry = self.chance.choice(self.entries)
        value, _ = self.state(size=4000)
        entry.in_flight = (value, entry.acknowledged[1])
        self.done(entry, await self.client.request("PUT", f"{self.path(entry)}/value", value.encode()))

    async def delete(self) -> None:
        entry = self.chance.choice(self.entries)
        entry.in_flight = GONE
        if self.done(entry, await self.client.request("DELETE", self.path(entry))):
            self.entries.remove(entry)

    async def resolve(self) -> None:
        entry = self.chance.choice(self.entries)
        value, argument = entry.acknowledged
        call = call_for(entry.identifier, f"{entry.name}-{self.chance.randbytes(6).hex()}", argument)
        answer = await self.client.request("POST", "/v1/resolve", call)
        if answer.status == 503:
            self.refused += 1
        elif answer.status != 200 or answer.json()["args"] != {argument: value}:
            self.wrong.append(f"resolve {entry.name}: {answer.status}, or not the value that was acknowledged")
        else:
            self.journal.used_tools.add(call["tool_name"])

    def path(self, entry: Entry) -> str:
        return SECRETS + entry.identifier

    def done(self, entry: Entry, answer: Answer) -> bool:
        """Records that the change in flight was acknowledged."""
        if answer.status == 503:
            self.refused += 1
            # Judged with the change in flight; nothing changes it before.
            self.entries = [one for one in self.entries if one is not entry]
            return False
        if answer.status != 200:
            self.wrong.append(f"{entry.name}: {answer.status} {answer.body[:200]!r}")
            entry.in_flight = None
            return False
        entry.settle(entry.in_flight)
        self.journal.acknowledged += 1
        return True


class Burst:
    """All writers on one server."""

    def __init__(self, client_of, journal: Journal, chance: random.Random) -> None:
        self.writers = [Writer(number, client_of(), journal, chance) for number in range(WRITERS)]
        self.tasks = [asyncio.create_task(writer.work()) for writer in self.writers]

    def answered(self, port: int, since: float) -> list[float]:
        """When the server with this port answered after that time."""
        times = (at for writer in self.writers if writer.client.port == port for at in writer.answered_at)
        return sorted(at for at in times if at > since)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(MOST_WAIT):
            while not holds():
                await asyncio.sleep(0.01)

    def waiting(self) -> int:
        """How many requests are in flight."""
        return sum(writer.client.waits for writer in self.writers)

    def unanswered(self) -> int:
        """How many writers have a request without an answer from the stopped server."""
        return sum(writer.is_unanswered for writer in self.writers)

    def refused(self) -> int:
        """How many requests were answered 503."""
        return sum(writer.refused for writer in self.writers)

    async def stopped(self) -> list[str]:
        """Lets every writer finish its request; returns their errors."""
        for writer in self.writers:
            writer.is_told_to_stop = True
        return await self.finished()

    async def finished(self) -> list[str]:
        """Waits until all have stopped; returns their errors."""
        await asyncio.gather(*self.tasks)
        return [fault for writer in self.writers for fault in writer.wrong]
