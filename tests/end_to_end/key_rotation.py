"""Rotations of user keys and root keys under load: nothing fails, nothing is lost, nothing is left under an old key."""

import argparse
import asyncio
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import suite
from checks import Checks
from crash import Store
from rotate_under_load import Command, World, under_load

SECRETS, KILLS, CLIENTS = 600, 12, 64
ROOT_KILLS = 6
KEYRING = "SELECT wrapped FROM keyring ORDER BY key_id"


async def user_keys(checks: Checks, folder: Path, engine: str, chance: random.Random) -> None:
    world = World(folder / engine, engine, chance)
    try:
        await under_load(checks, world, SECRETS, KILLS, CLIENTS)
        if engine == "postgres":
            await new_root_key(checks, world, folder / "new.key")
    finally:
        world.pair.kill()


async def new_root_key(checks: Checks, world: World, new: Path) -> None:
    """Two servers go on with the old root key while the command replaces it, and start with the new one."""
    users, burst = world.users(CLIENTS), world.burst()
    status, report = await (await Command(world.servers[0], "root-key", "--new-root-key-file", str(new)).begin()).ended()
    faults = [f"root key: {status} {report}"] if status else []
    faults += await burst.stopped() + await users.finished()
    for server in world.servers:
        server.environment["TOOLVAULT_ROOT_KEY_FILE"] = str(new)
        faults += [f"exit status {status}"] if (status := await server.stop()) else []
        await server.serve()
    faults += await world.judged() + await world.unreadable() + await world.verified()
    checks.none("two servers go on while the root key rotates, and restart with the new one", faults)
    refused = burst.refused() + users.refused
    checks.that("no request to them was answered 503", not refused, refused)
    checks.that("control: secrets were used on both", len(users.took) > 100, len(users.took))


async def until(command: Command, is_seen: Callable[[], bool]) -> None:
    """Waits until the store shows something, or the command has ended."""
    while command.process.returncode is None and not is_seen():
        await asyncio.sleep(0)


def keyring(store: Store) -> bytes:
    with sqlite3.connect(store.server.data / "toolvault.db") as database:
        return database.execute(KEYRING).fetchone()[0]


async def root_keys(checks: Checks, store: Store) -> None:
    """Exactly one of the two root keys opens the store after kills that follow the new file or the commit."""
    faults: list[str] = []
    changed = 0
    for cycle in range(ROOT_KILLS):
        new = store.server.folder / f"root-{cycle}.key"
        before = keyring(store)
        burst = store.burst()
        command = await Command(store.server, "root-key", "--new-root-key-file", str(new)).begin()
        is_committed = cycle % 2 == 1
        await until(command, lambda: keyring(store) != before if is_committed else new.exists())  # noqa: B023
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


async def main(checks: Checks, folder: Path, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    for engine in ("sqlite", "postgres"):
        await user_keys(checks, folder, engine, chance)
    store = Store(folder / "store", chance)
    try:
        await store.begin()
        await root_keys(checks, store)
    finally:
        store.server.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Rotations of user keys and root keys under load.")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32), help="repeats an earlier choice")
    arguments = parser.parse_args()
    suite.run(lambda checks, folder: main(checks, folder, arguments.seed))
