"""Rotations of user keys and root keys under load: nothing fails, nothing is lost, nothing is left under an old key."""

import asyncio
import json
import os
import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import suite
from checks import Checks, spread
from client import Client, Lost, Unreachable
from crash import Store
from journal import SECRETS
from postgres import Postgres
from replicas import Pair
from server import Toolvault
from writers import WRITERS, Burst

KILLS = int(os.environ.get("TOOLVAULT_ROTATION_KILLS", "12"))
ROOT_KILLS = min(KILLS // 2, 16)
SECRETS_THERE = int(os.environ.get("TOOLVAULT_ROTATION_SECRETS", "600"))
MINUTES = float(os.environ.get("TOOLVAULT_ROTATION_MINUTES", "inf"))
SEED = int(os.environ.get("TOOLVAULT_ROTATION_SEED", str(random.SystemRandom().randrange(2**32))))
CLIENTS = 64
WITHOUT = 2.0
ROTATIONS = 3
PER_USER = max(200, SECRETS_THERE // 50)
LEFT = """
SELECT COUNT(*) FROM ledgers l JOIN secrets s ON s.user_id = l.user_id
JOIN secret_versions v ON v.secret_id = s.secret_id WHERE substr(v.data_key, 3, 4) <> substr(l.sealed, 3, 4)
"""
OPEN = "SELECT COUNT(*) FROM installation WHERE user_keys_before IS NOT NULL"
KEYRING = "SELECT wrapped FROM keyring ORDER BY key_id"


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


def value_of(tool: str) -> str:
    return f"value of {tool}"


class Users:
    """Clients that use the secrets of all holders, until they are told to stop or the server is gone."""

    def __init__(self, holders: list[Holder], servers: list[Toolvault], chance: random.Random) -> None:
        self.holders, self.chance = holders, chance
        self.took: list[float] = []
        self.refused, self.is_over = 0, False
        self.faults: list[str] = []
        places = [servers[number % len(servers)] for number in range(CLIENTS - WRITERS)]
        self.tasks = [asyncio.create_task(self.use(server)) for server in places]

    async def use(self, server: Toolvault) -> None:
        holder = self.chance.choice(self.holders)
        client = server.client(holder.key)
        try:
            while not self.is_over:
                await self.use_once(client, self.chance.choice(holder.tools))
        except (Lost, Unreachable):
            pass
        finally:
            client.close()

    async def use_once(self, client: Client, tool: str) -> None:
        began = time.monotonic()
        answer = await client.request("POST", f"/v1/tools/{tool}/resolve", {"args": {}})
        self.took.append(time.monotonic() - began)
        if answer.status == 503:
            self.refused += 1
        elif answer.status != 200 or answer.json()["args"] != {"token": value_of(tool)}:
            self.faults.append(f"{tool}: {answer.status} {answer.body[:200]!r}")

    async def finished(self) -> list[str]:
        self.is_over = True
        await asyncio.gather(*self.tasks)
        return self.faults


async def holders_of(server: Toolvault) -> list[Holder]:
    """Users with the secrets that rotations move."""
    holders = []
    for number in range(-(-SECRETS_THERE // PER_USER)):
        await server.command("user", "create", f"holder-{number}")
        words = ("key", "create", "--user", f"holder-{number}", "--scope", "manage", "--scope", "resolve", "--json")
        holders.append(Holder(json.loads((await server.command(*words)).stdout)["key"]))
    await asyncio.gather(*(holder.fill(server, PER_USER) for holder in holders))
    return holders


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

    async def until(self, is_seen: Callable[[], bool]) -> None:
        """Waits until the store shows something, or the command has ended."""
        while self.process.returncode is None and not is_seen():
            await asyncio.sleep(0)

    async def killed(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()


async def without_rotation(checks: Checks, where: str, burst: Burst, users: Users) -> None:
    """The same work alone: what fails here is not the fault of a rotation."""
    await asyncio.sleep(WITHOUT)
    faults = await burst.stopped() + await users.finished()
    refused = burst.refused() + users.refused
    print(f"{len(users.took)} uses {where} without a rotation, {spread(users.took)}")
    checks.that(f"control: {where}, nothing fails without a rotation", not faults and not refused, (refused, faults))


def found(store: Store, statement: str) -> int | bytes:
    with sqlite3.connect(store.server.data / "toolvault.db") as database:
        return database.execute(statement).fetchone()[0]


async def user_keys(checks: Checks, store: Store, holders: list[Holder]) -> None:
    """Kills of the command, rotations to the end, and kills of the server, whose caches are empty when it is back."""
    await without_rotation(checks, "on SQLite", store.burst(), Users(holders, [store.server], store.chance))
    refused = await killed(checks, store, holders, is_server=False)
    checks.that("no request was answered 503 while the command was killed", not refused, refused)
    await completed(checks, store, holders)
    await killed(checks, store, holders, is_server=True)
    status, report = await (await Command(store.server, "user-keys").begin()).ended()
    left = found(store, LEFT), found(store, OPEN)
    checks.that("the last one ends and leaves nothing under an old key", left == (0, 0) and not status, (left, report))


async def killed(checks: Checks, store: Store, holders: list[Holder], *, is_server: bool) -> int:
    """Half of the kills, each while a rotation is open; returns how many requests got 503."""
    what = "server" if is_server else "command"
    faults: list[str] = []
    wanted = KILLS // 2
    kills = half_done = refused = 0
    began = time.monotonic()
    # A rotation can end between the look and the kill. Such a kill does not count.
    while half_done < wanted and kills < 4 * wanted and time.monotonic() - began < 30 * MINUTES:
        kills += 1
        burst, users = store.burst(), Users(holders, [store.server], store.chance)
        command = await Command(store.server, "user-keys").begin()
        most = store.chance.randrange(SECRETS_THERE // 4, SECRETS_THERE)
        await command.until(lambda: found(store, OPEN) and 0 < found(store, LEFT) <= most)  # noqa: B023
        if is_server:
            store.server.kill()
        await command.killed()
        half_done += found(store, OPEN)
        faults += await (burst.finished() if is_server else burst.stopped()) + await users.finished()
        refused += burst.refused() + users.refused
        if is_server:
            await store.server.serve()
        faults += await store.judged() + await store.verified()
    print(f"{kills} kills of the {what}, {half_done} left a rotation to go on with")
    checks.none(f"kills of the {what} during rotations of user keys lose nothing", faults)
    is_hit = half_done == wanted or (half_done and MINUTES < float("inf"))
    checks.that(f"control: kills of the {what} hit rotations in the middle", is_hit, half_done)
    return refused


async def completed(checks: Checks, store: Store, holders: list[Holder]) -> None:
    """Rotations to the end under load. The first one goes on with one that was stopped."""
    burst, users = store.burst(), Users(holders, [store.server], store.chance)
    faults, seconds, moved = [], [], 0
    for _ in range(ROTATIONS):
        began = time.monotonic()
        status, report = await (await Command(store.server, "user-keys").begin()).ended()
        seconds.append(time.monotonic() - began)
        moved = max(moved, report.get("data_keys", 0))
        faults += [f"rotate: {status} {report}"] if status or report["left"] else []
        left = found(store, LEFT)
        faults += [f"{left} versions are left under an old key"] if left else []
    faults += await burst.stopped() + await users.finished() + await store.judged() + await store.verified()
    refused = burst.refused() + users.refused
    print(f"rotations under {CLIENTS} clients took {spread(seconds)}, for {moved} data keys")
    print(f"{len(users.took)} uses meanwhile, {spread(users.took)}")
    checks.none("user keys rotate under load without a failure", faults)
    checks.that("no request was answered 503", not refused, refused)
    checks.that("control: the secrets were used", len(users.took) > 100, len(users.took))
    checks.that("control: the secrets were moved", moved >= SECRETS_THERE, moved)
    checks.that("no rotation is open", not found(store, OPEN))


async def root_keys(checks: Checks, store: Store) -> None:
    """Exactly one of the two root keys opens the store after kills that follow the new file or the commit."""
    faults: list[str] = []
    changed = 0
    for cycle in range(ROOT_KILLS):
        new = store.server.folder / f"root-{cycle}.key"
        before = found(store, KEYRING)
        burst = store.burst()
        command = await Command(store.server, "root-key", "--new-root-key-file", str(new)).begin()
        is_committed = cycle % 2 == 1
        await command.until(lambda: found(store, KEYRING) != before if is_committed else new.exists())  # noqa: B023
        store.server.kill()
        await command.killed()
        faults += await burst.finished()
        opens = [(await store.server.command("user", "list", root_key_file=str(key))).returncode == 0
                 for key in (store.server.root_key, new)]
        if sum(opens) != 1 or (is_committed and not opens[1]):
            faults.append(f"cycle {cycle}: old and new root key open: {opens}")
        if opens[1]:
            changed += 1
            store.server.root_key = new
            store.server.environment["TOOLVAULT_ROOT_KEY_FILE"] = str(new)
        await store.server.serve()
        faults += await store.judged() + await store.verified()
    print(f"{ROOT_KILLS} kills, {changed} after the commit of a new root key")
    checks.none("of two root keys exactly one opens the store after a kill, and after the commit the new one", faults)


async def replicas(checks: Checks, folder: Path, chance: random.Random) -> None:
    """Two servers on PostgreSQL, with the command beside them; each restarts with the new root key."""
    pair = Pair(folder / "pair", Postgres().new_database("rotation"))
    try:
        await pair.begin()
        pair.take_keys()
        one = pair.servers[0]
        holders = await holders_of(one)
        turn = iter(range(1_000_000))
        client_of = lambda: pair.servers[next(turn) % 2].client(pair.key)  # noqa: E731
        begin = lambda: (Burst(client_of, pair.journal, chance), Users(holders, pair.servers, chance))  # noqa: E731
        await without_rotation(checks, "on two servers", *begin())
        burst, users = begin()
        faults = []
        new = folder / "pair" / "new.key"
        for words in (["user-keys"], ["root-key", "--new-root-key-file", str(new)]):
            status, report = await (await Command(one, *words).begin()).ended()
            faults += [f"{words}: {status} {report}"] if status else []
        for server in pair.servers:
            server.environment["TOOLVAULT_ROOT_KEY_FILE"] = str(new)
        status, report = await (await Command(one, "user-keys").begin()).ended()
        faults += [f"user keys: {status} {report}"] if status else []
        faults += await burst.stopped() + await users.finished() + await pair.judged() + await pair.verified()
        for server in pair.servers:
            faults += [f"exit status {status}"] if (status := await server.stop()) else []
            await server.serve()
        faults += await pair.judged()
        checks.none("two servers go on while user keys and root key rotate, and restart with the new one", faults)
        refused = burst.refused() + users.refused
        print(f"{len(users.took)} uses on two servers, {spread(users.took)}, {refused} requests answered 503")
        checks.that("no request to them was answered 503", not refused, refused)
        checks.that("control: secrets were used on both", len(users.took) > 100, len(users.took))
    finally:
        pair.kill()


async def main(checks: Checks, folder: Path) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    store = Store(folder / "store", chance)
    try:
        await store.begin()
        await user_keys(checks, store, await holders_of(store.server))
        await root_keys(checks, store)
    finally:
        store.server.kill()
    await replicas(checks, folder, chance)


if __name__ == "__main__":
    suite.run(main)
