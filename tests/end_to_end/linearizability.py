"""Many clients on a few secrets, of one server and of three, and a check that one order explains every answer.

The operations of each run, 10,000 unless another number is given.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import suite
from checks import Checks
from postgres import Postgres
from replicas import Pair
from server import Toolvault

PROGRAM = os.environ["TOOLVAULT_LINEARIZABILITY"]
CLIENTS = 64
OPERATIONS = 10_000


async def run(checks: Checks, what: str, servers: list[Toolvault], key: str, operations: int) -> None:
    addresses = [f"127.0.0.1:{server.port}" for server in servers]
    running = await asyncio.create_subprocess_exec(
        PROGRAM, key, str(CLIENTS), str(operations), *addresses, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await running.communicate()
    found = json.loads(output)
    if "error" in found:
        checks.that(f"{what}: the clients could work", False, found)
        return
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found["of_each_kind"].items())
    print(f"        {what}: {found['operations']:,} operations in {found['seconds']:.1f} s ({kinds})")
    print(f"        {found['secrets']:,} secrets, up to {found['at_the_same_time']} operations on one at the same time")
    checks.that(f"{what}: all operations were answered", found["operations"] == operations, found)
    # Otherwise any order of answers would be right.
    checks.that(f"{what}: operations on one secret met", found["at_the_same_time"] > 4, found)
    checks.that(f"{what}: there are operations of every kind", len(found["of_each_kind"]) == 5, found)
    checks.none(f"{what}: one order explains the answers about each secret", found["unexplained"])


async def client_key(server: Toolvault) -> str:
    """A key that may change secrets and resolve them."""
    words = ["key", "create", "--user", "default", "--scope", "manage", "--scope", "resolve", "--json"]
    made = await server.command(*words)
    return json.loads(made.stdout)["key"]


async def main(checks: Checks, folder: Path) -> None:
    operations = int(sys.argv[1]) if len(sys.argv) > 1 else OPERATIONS
    server = Toolvault(folder / "one")
    try:
        await server.serve()
        await run(checks, "one server, SQLite", [server], await client_key(server), operations)
    finally:
        server.kill()
    postgres = Postgres()
    url = postgres.new_database("linearizability")
    names = ("first", "second", "third")
    three = Pair(folder / "three", url, names, consistency="strict")
    try:
        await three.begin()
        three.take_keys()
        key = await client_key(three.servers[0])
        await run(checks, "three servers, PostgreSQL, strict", three.servers, key, operations)
    finally:
        three.kill()


if __name__ == "__main__":
    suite.run(main)
