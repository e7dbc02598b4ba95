"""What many secrets cost: how fast a call is resolved among them, and how soon a server that has them can do that."""

import asyncio
import json
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from bench_aims import AMONG, EMPTY, INSIDE, MANY, OWN, PATTERNS, START, STORE, Figure
from bench_users import fill
from bench_ways import ROUNDS, Http, Way
from client import Lost, Unreachable
from gateway import Gateway

# How many secrets a smaller store has, and each of the users to whom they belong.
FEW = 10_000
EACH = 1_000
# How many patterns the users have who are compared.
SIZES = (10, 1_000, 100_000)
# What `bench_fill.lua` stores for the tool that is called.
VALUE = "lin_api_8fK2mQ9xWz4Lr7TpNc3Yh00000005"
# Requests at a time.
AT_ONCE = 16
# The most milliseconds from the start of a process to its first answer, by secrets in the store.
START_AIMS = {FEW: 100, MANY: 300}
# The most microseconds of a call of a user with 100 patterns in one process, and how much longer one may take with
# 100,000 patterns than with 10.
INSIDE_AIM, INSIDE_GROWTH = 2.5, 3
# The most megabytes of a server without secrets.
EMPTY_AIM = 25

Compare = Callable[[str, list[Way], tuple[int, ...]], None]


class Full:
    """A server with one user who is measured, and with so many secrets of others."""

    def __init__(self, folder: Path, secrets: int) -> None:
        self.gateway = Gateway(folder, {}, limits__secrets="1000000", limits__bytes="1000000000")
        self.secrets = secrets

    async def begin(self) -> float:
        """Starts and fills it; returns the megabytes of memory that it took before."""
        await self.gateway.begin()
        empty = self.gateway.resident() / 1e6
        self.key = await self.patterns(SIZES[0])
        others = [await self.gateway.user(f"other {number}") for number in range(self.secrets // EACH)]
        if others:
            fill(self.gateway, others, EACH)
        return empty

    async def patterns(self, count: int) -> str:
        """A key of a new user who has so many patterns."""
        user = await self.gateway.user(f"patterns {count}")
        fill(self.gateway, [user], count)
        created = await self.gateway.spoken("key", "create", "--user", user.name, "--scope", "resolve")
        return created["key"]

    def resolve(self, key: str) -> Http:
        url = f"http://127.0.0.1:{self.gateway.port}/v1/tools/server_5__get/resolve"
        return Http(url, self.gateway.process.pid, "POST", '{"args": {"issue_id": "ENG-0001"}}', {"x-api-key": key})

    async def start(self) -> float:
        """Stops it, and returns the milliseconds from its next start to the first completed call."""
        await self.gateway.stop()
        began = time.perf_counter()
        self.gateway.start("--config", str(self.gateway.configuration))
        while True:
            client = self.gateway.client(self.key)
            try:
                answer = await client.request("POST", "/v1/tools/server_5__get/resolve", {"args": {}})
                if answer.status == 200:
                    assert answer.json()["args"] == {"api_token": VALUE}, answer
                    return (time.perf_counter() - began) * 1e3
            except (Lost, Unreachable):
                await asyncio.sleep(0.001)
            finally:
                client.close()


def inside() -> tuple[str, list[Figure]]:
    """What a call takes in one process, by patterns of its user."""
    words = ["cargo", "bench", "--quiet", "--locked", "--package", "toolvault", "--bench", "resolve"]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    times = json.loads(done.stdout.splitlines()[-1])
    lines = [f"{INSIDE}:\n", "| patterns of its user | µs |", "| --: | --: |"]
    lines += [f"| {int(patterns):,} | {took:.1f} |" for patterns, took in times.items()]
    figures = [
        Figure(f"{INSIDE}, µs", times["100"], INSIDE_AIM, at_most=True, reason=INSIDE),
        Figure("The same with 100,000 patterns, of 10", times["100000"] / times["10"], INSIDE_GROWTH, at_most=True, reason=INSIDE),
    ]
    return "\n".join([*lines, ""]), figures


async def growth(folder: Path, compare: Compare) -> tuple[list[str], list[Figure]]:
    """Texts, and figures with their aims, beside the tables that `compare` makes."""
    stores = {secrets: Full(folder / str(secrets), secrets) for secrets in (0, FEW, MANY)}
    try:
        empty = [await store.begin() for store in stores.values()]
        ways = [Way(AMONG.format(secrets), store.resolve(store.key)) for secrets, store in stores.items()]
        compare(STORE, ways, (AT_ONCE,))
        full = stores[MANY]
        keys = {SIZES[0]: full.key} | {size: await full.patterns(size) for size in SIZES[1:]}
        ways = [Way(OWN.format(size), full.resolve(key)) for size, key in keys.items()]
        compare(PATTERNS, ways, (AT_ONCE,))
        text, figures = inside()
        texts = [text]
        lines = [f"{START}:\n", "| secrets | ms | at most |", "| --: | --: | --: |"]
        for secrets, aim in START_AIMS.items():
            times = [await stores[secrets].start() for _ in range(ROUNDS)]
            median = statistics.median(times)
            lines.append(f"| {secrets:,} | {median:,.0f} | {max(times):,.0f} |")
            what = f"Start to the first completed call with {secrets:,} secrets, ms"
            figures.append(Figure(what, median, aim, at_most=True, reason=START))
        memory = statistics.median(empty)
        figures.append(Figure("Memory of a server without secrets, MB", memory, EMPTY_AIM, at_most=True, reason=EMPTY))
        texts.append("\n".join([*lines, ""]))
        texts.append(f"A server without secrets has {memory:,.0f} MB of resident memory, its program included.\n")
        return texts, figures
    finally:
        for store in stores.values():
            store.gateway.kill()
