"""What users with many secrets cost: memory while they are cached, and the first request of one who is not."""

import os
import subprocess
import time
from pathlib import Path

from bench_aims import MEMORY, USERS, Figure
from client import Client
from gateway import SECRETS, Gateway, User

# Users by how many secrets each has.
SIZES = {20: 50, 1000: int(os.environ.get("TOOLVAULT_BENCH_USERS", "100"))}
# The longest time of a first request that is aimed at, at p99 in microseconds, and the most bytes of memory for each
# secret where a user has many: 45 MB for 100,000.
AIMS, MOST_BYTES = {20: 1_000, 1000: 5_000}, 450


def fill(gateway: Gateway, users: list[User], each: int) -> None:
    """Stores so many secrets of each user."""
    script = Path(__file__).with_name("bench_fill.lua")
    words = ["wrk", "-t1", "-c64", "-d3600s", "-s", str(script), f"http://127.0.0.1:{gateway.port}{SECRETS}"]
    environment = os.environ | {"BENCH_KEYS": " ".join(user.manager for user in users), "BENCH_EACH": str(each)}
    subprocess.run(words, env=environment, stdout=subprocess.DEVNULL, check=True)


async def first_request(client: Client) -> float:
    """Microseconds of a request that needs all secrets of its user."""
    await client.connect()
    began = time.perf_counter()
    answer = await client.request("GET", f"{SECRETS}?limit=1")
    took = time.perf_counter() - began
    assert answer.status == 200, answer
    return took * 1e6


def quantiles(times: list[float]) -> tuple[float, float]:
    """p50 and p99."""
    times.sort()
    return times[len(times) // 2], times[min(len(times) - 1, len(times) * 99 // 100)]


async def users(folder: Path) -> tuple[str, list[Figure]]:
    """The table, and its figures with their aims."""
    gateway = Gateway(folder, {})
    await gateway.begin()
    try:
        everyone: dict[int, list[User]] = {}
        for size, count in SIZES.items():
            everyone[size] = [await gateway.user(f"user {size} {number}") for number in range(count)]
            fill(gateway, everyone[size], size)
        # A new process: its caches are empty, and the system has the database in memory.
        await gateway.stop()
        await gateway.begin()
        # So that what every first request needs is there.
        await everyone[20].pop().ask("GET", f"{SECRETS}?limit=1")
        lines = [
            f"{USERS}:\n",
            "| secrets | users | p50 µs | p99 µs | bytes of memory for each secret |",
            "| --: | --: | --: | --: | --: |",
        ]
        figures = []
        for size, those in everyone.items():
            before, times = gateway.resident(), []
            for user in those:
                client = gateway.client(user.manager)
                times.append(await first_request(client))
                client.close()
            each = (gateway.resident() - before) / (size * len(those))
            p50, p99 = quantiles(times)
            lines.append(f"| {size:,} | {len(those)} | {p50:,.0f} | {p99:,.0f} | {each:,.0f} |")
            what = f"First request of a user with {size:,} secrets, p99 in µs"
            figures.append(Figure(what, p99, AIMS[size], at_most=True, reason=USERS))
        what = "Memory for each secret of such users, bytes"
        figures.append(Figure(what, each, MOST_BYTES, at_most=True, reason=MEMORY))
        return "\n".join([*lines, ""]), figures
    finally:
        gateway.kill()
