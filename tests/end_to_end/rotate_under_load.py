"""Kills of servers and commands at random instants of a rotation of user keys, while clients use and change secrets."""

import argparse
import asyncio
import json
import os
import random
import sqlite3
import time
from pathlib import Path

import suite
from checks import Checks, quantile, spread
from client import Client, Lost, Unreachable
from crash import now
from journal import SECRETS, Entry, judge, missing_uses, observe, tool_of
from postgres import Postgres
from replicas import Pair
from server import Toolvault
from writers import WRITERS, Burst

WITHOUT = 5.0
LONGEST_WAIT = 0.25
LONGEST_PAUSE = 3.0
AT_ONCE = 100
VERIFY_WITHIN = 600
VERIFICATIONS = 10
LEFT = """
SELECT (SELECT COUNT(*) FROM ledgers l JOIN secrets s ON s.user_id = l.user_id JOIN secret_versions v
ON v.secret_id = s.secret_id WHERE substr(v.data_key, 3, 4) <> substr(l.sealed, 3, 4)) + (SELECT COUNT(*) FROM ledgers l
JOIN idempotent_answers a ON a.user_id = l.user_id WHERE substr(a.sealed, 3, 4) <> substr(l.sealed, 3, 4))
"""
OPEN = "SELECT COUNT(*) FROM installation WHERE user_keys_before IS NOT NULL"


class Holder:
    """A user with many secrets, whose values are known."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.tools: list[str] = []

    async def fill(self, server: Toolvault, count: int) -> None:
        client = server.client(self.key)
        for number in range(count):
            tool = f"held__{number}"
            body = {"secret_name": tool, "secret_value": value_of(tool), "tool_name": tool}
            body |= {"tool_arg": "token", "is_default_for_tool": True}
            answer = await client.request("POST", SECRETS, body)
            assert answer.status == 200, answer.body
            self.tools.append(tool)
        client.close()

    async def unreadable(self, server: Toolvault) -> list[str]:
        """The tools that do not get their value."""
        client, faults = server.client(self.key), []
        for start in range(0, len(self.tools), AT_ONCE):
            some = self.tools[start : start + AT_ONCE]
            calls = [{"tool_name": tool, "args": {}} for tool in some]
            results = (await client.request("POST", "/v1/resolve", {"calls": calls})).json()["results"]
            for tool, result in zip(some, results, strict=True):
                is_right = result["status"] == 200 and result["result"]["args"] == {"token": value_of(tool)}
                faults += [] if is_right else [f"{tool}: {result['status']}"]
        client.close()
        return faults


def value_of(tool: str) -> str:
    return f"value of {tool}"


class Users:
    """Clients that use the secrets of all holders, and ask again only what was cut off or answered 503."""

    def __init__(self, holders: list[Holder], servers: list[Toolvault], count: int, chance: random.Random) -> None:
        self.holders, self.chance = holders, chance
        self.took: list[float] = []
        self.refused = self.cut = 0
        self.is_over = False
        self.faults: list[str] = []
        places = [servers[number % len(servers)] for number in range(count)]
        self.tasks = [asyncio.create_task(self.use(server)) for server in places]

    async def use(self, server: Toolvault) -> None:
        holder = self.chance.choice(self.holders)
        client = server.client(holder.key)
        while not self.is_over:
            tool = self.chance.choice(holder.tools)
            while not await self.is_used(client, tool) and not self.is_over:
                await asyncio.sleep(0.02)
        client.close()

    async def is_used(self, client: Client, tool: str) -> bool:
        began = time.monotonic()
        try:
            answer = await client.request("POST", f"/v1/tools/{tool}/resolve", {"args": {}})
        except (Lost, Unreachable):
            self.cut += 1
            return False
        if answer.status == 503:
            self.refused += 1
            return False
        self.took.append(time.monotonic() - began)
        if answer.status != 200 or answer.json()["args"] != {"token": value_of(tool)}:
            self.faults.append(f"{tool}: {answer.status} {answer.body[:200]!r}")
        return True

    def taken(self) -> list[float]:
        """How long the uses took since the last call."""
        took, self.took = self.took, []
        return took

    async def finished(self) -> list[str]:
        self.is_over = True
        await asyncio.gather(*self.tasks)
        return self.faults


class Command:
    """`toolvault rotate` in its own process."""

    def __init__(self, server: Toolvault, *words: str) -> None:
        self.server, self.words = server, words

    async def begin(self) -> "Command":
        self.process = await asyncio.create_subprocess_exec(
            os.environ["TOOLVAULT_BINARY"], "rotate", *self.words, "--json", env=self.server.environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )
        return self

    async def ended(self) -> tuple[int, dict]:
        output, _ = await self.process.communicate()
        return self.process.returncode, json.loads(output or b"{}")

    async def killed(self) -> bool:
        """kill -9; returns whether it had succeeded before."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()
        return self.process.returncode == 0


class World:
    """One server on SQLite or two on PostgreSQL, users with secrets, and clients at work."""

    def __init__(self, folder: Path, engine: str, chance: random.Random) -> None:
        self.engine, self.chance = engine, chance
        if engine == "sqlite":
            self.pair = Pair(folder, None, ("one",))
            file = self.pair.servers[0].data / "toolvault.db"
            self.query = lambda statement: sqlite3.connect(file, timeout=30).execute(statement).fetchone()[0]
        else:
            postgres = Postgres()
            url = postgres.new_database("rotation")
            self.pair = Pair(folder, url)
            self.query = lambda statement: int(postgres.query(statement, url))
        self.servers = self.pair.servers
        self.since = now()

    async def begin(self, secrets: int) -> None:
        """Servers, and users with so many secrets in all."""
        await self.pair.begin()
        self.pair.take_keys()
        each = max(100, secrets // 50)
        server, self.holders = self.servers[0], []
        for number in range(max(1, secrets // each - 1)):
            await server.command("user", "create", f"holder-{number}")
            words = ("key", "create", "--user", f"holder-{number}", "--scope", "manage", "--scope", "resolve", "--json")
            self.holders.append(Holder(json.loads((await server.command(*words)).stdout)["key"]))
        await asyncio.gather(self.fill_own(each), *(holder.fill(server, each) for holder in self.holders))

    async def fill_own(self, count: int) -> None:
        """Gives the user of the writers as many, so that changes meet their user's turn."""
        client = self.servers[0].client(self.pair.key)
        for number in range(count):
            state = (f"value {number}", "token")
            name = f"own-{number}"
            body = {"secret_name": name, "secret_value": state[0], "tool_name": tool_of("*"), "tool_arg": state[1]}
            answer = await client.request("POST", SECRETS, body)
            assert answer.status == 200, answer.body
            self.pair.journal.entries.append(Entry(name, state, answer.json()["secret_id"]))
        client.close()

    def burst(self) -> Burst:
        ports = [server.port for server in self.servers] * WRITERS
        return Burst(lambda: Client(ports.pop(), self.pair.key), self.pair.journal, self.chance)

    def users(self, clients: int) -> Users:
        return Users(self.holders, self.servers, clients - WRITERS, self.chance)

    async def rotation(self) -> Command:
        return await Command(self.chance.choice(self.servers), "user-keys").begin()

    async def judged(self) -> list[str]:
        """Every acknowledged change that is lost, and every use without a record."""
        journal, client = self.pair.journal, self.servers[0].client(self.pair.key)
        faults = judge(journal, await observe(client))
        missing = await missing_uses(client, journal.used_tools, self.since)
        client.close()
        journal.used_tools.clear()
        journal.forget_gone()
        self.since = now()
        return faults + [f"no record of the resolve for {tool}" for tool in missing]

    async def verified(self) -> list[str]:
        began = time.monotonic()
        faults = await self.pair.verified(within=VERIFY_WITHIN)
        print(f"audit verify took {time.monotonic() - began:.1f} s")
        return faults

    async def unreadable(self) -> list[str]:
        return sum(await asyncio.gather(*(holder.unreadable(self.servers[-1]) for holder in self.holders)), [])


async def without_rotation(checks: Checks, world: World, clients: int) -> float:
    """The same work alone: what fails or takes long here is not the fault of a rotation. Returns the longest of 999 of
    1,000 uses."""
    users, burst = world.users(clients), world.burst()
    await asyncio.sleep(WITHOUT)
    faults = await burst.stopped() + await users.finished()
    refused = burst.refused() + users.refused
    print(f"without a rotation: {len(users.took) / WITHOUT:.0f} uses/s, {spread(users.took)}")
    checks.that("control: nothing fails without a rotation", not faults and not refused, (refused, faults))
    return quantile(users.took, 0.999)


async def completed(checks: Checks, world: World, clients: int, secrets: int, alone: float) -> float:
    """A rotation to its end under load; returns how long it took."""
    users, burst = world.users(clients), world.burst()
    began = time.monotonic()
    status, report = await (await world.rotation()).ended()
    took = time.monotonic() - began
    faults = await burst.stopped() + await users.finished() + await world.judged()
    moved, refused = report.get("data_keys", 0), burst.refused() + users.refused
    print(f"a rotation took {took:.1f} s for {moved} data keys, {moved / took:.0f}/s")
    print(f"during it: {len(users.took) / took:.0f} uses/s, {spread(users.took)}")
    checks.none("a rotation under load fails no request", faults)
    checks.that("no request was answered 503", not refused, refused)
    checks.that("it ends, leaves no user out and moves every data key", not status and report["left"] == [] and moved >= secrets, report)
    checks.that("nothing is left under an old key", not (left := world.query(LEFT)), left)
    longer = quantile(users.took, 0.999) - alone
    checks.that("999 of 1,000 uses wait at most 250 ms longer than without a rotation", longer < LONGEST_WAIT, longer)
    return took


async def killed(checks: Checks, world: World, clients: int, kills: int, longest: float) -> None:
    """Kills of the command or a server, each while a rotation is open. The clients go on."""
    users = world.users(clients)
    faults: list[str] = []
    hits, tries, ends, refused = {"command": 0, "server": 0}, 0, 0, 0
    # A rotation can end before the kill. Such a kill does not count.
    while sum(hits.values()) < kills and tries < 10 * kills:
        tries += 1
        burst, command = world.burst(), await world.rotation()
        before, victim = users.refused, world.chance.choice(list(hits))
        await asyncio.sleep(world.chance.uniform(0, longest))
        server = world.chance.choice(world.servers)
        if victim == "server":
            server.kill()
        is_complete = await command.killed()
        is_open = bool(world.query(OPEN))
        hits[victim] += is_open
        ends += is_complete
        if is_complete and not is_open and (left := world.query(LEFT)):
            faults.append(f"kill {tries}: {left} rows are left under an old key after a rotation")
        faults += await burst.stopped()
        if victim == "command":
            refused += burst.refused() + users.refused - before
        else:
            await server.serve()
        faults += await world.judged()
        if tries % max(1, kills // VERIFICATIONS) == 0:
            faults += await world.verified()
            print(f"{sum(hits.values())} of {kills} kills, {ends} rotations completed, {len(faults)} faults", flush=True)
    faults += await users.finished()
    print(f"{tries} kills, {hits} while a rotation was open; {ends} rotations were completed in between")
    print(f"{len(users.took)} uses, {spread(users.took)}; asked again: {users.cut} cut off, {users.refused} answered 503")
    checks.none("kills during rotations lose nothing and fail no use", faults)
    checks.that("no request was answered 503 when only the command was killed", not refused, refused)
    checks.that("control: the kills hit open rotations", sum(hits.values()) == kills and min(hits.values()), hits)
    checks.that("control: the secrets were used", len(users.took) > 100, len(users.took))


async def under_load(checks: Checks, world: World, secrets: int, kills: int, clients: int) -> None:
    """A rotation to its end, kills, and another one to its end, after which every value is read."""
    began = time.monotonic()
    await world.begin(secrets)
    print(f"{world.engine}: {secrets} secrets of {len(world.holders) + 1} users, stored in {time.monotonic() - began:.0f} s")
    alone = await without_rotation(checks, world, clients)
    took = await completed(checks, world, clients, secrets, alone)
    await killed(checks, world, clients, kills, min(took, LONGEST_PAUSE))
    status, report = await (await world.rotation()).ended()
    left = world.query(LEFT), world.query(OPEN)
    checks.that("the last one ends and leaves nothing under an old key", left == (0, 0) and not status, (left, report))
    checks.none("every value is read after it", await world.unreadable())
    checks.none("the audit trail verifies", await world.verified())


async def main(checks: Checks, folder: Path, options: argparse.Namespace) -> None:
    print(f"seed {options.seed}")
    engines = ["sqlite", "postgres"] if options.engine == "both" else [options.engine]
    for engine in engines:
        world = World(folder / engine, engine, random.Random(options.seed))
        try:
            await under_load(checks, world, options.secrets, options.kills, options.clients)
        finally:
            world.pair.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Rotates user keys under load, with kills at random instants.")
    parser.add_argument("--secrets", type=int, default=100_000, help="how many (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=200, help="how many, of servers and commands (default: %(default)s)")
    parser.add_argument("--clients", type=int, default=64, help="how many, 16 of which write (default: %(default)s)")
    parser.add_argument("--engine", choices=["sqlite", "postgres", "both"], default="both", help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32), help="repeats an earlier choice")
    arguments = parser.parse_args()
    suite.run(lambda checks, folder: main(checks, folder, arguments))
