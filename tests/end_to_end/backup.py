"""Backups under 64 writers, restored on both databases; damaged files, wrong keys, and restores that are killed."""

import asyncio
import json
import os
import random
import stat
import subprocess
import sys
from pathlib import Path

import server
import suite
from checks import Checks
from client import Client
from journal import SECRETS, observe
from postgres import Postgres
from server import Toolvault

BACKUPS = int(os.environ.get("TOOLVAULT_BACKUPS", "6"))
SEED = int(os.environ.get("TOOLVAULT_BACKUP_SEED", str(random.SystemRandom().randrange(2**32))))
WRITERS = 64
DAMAGED = 12
GONE = "deleted"


class Writer:
    """A client that creates, replaces and deletes its own secrets until it is told to stop."""

    def __init__(self, number: int, client: Client, chance: random.Random) -> None:
        self.number, self.client, self.chance = number, client, chance
        # The values that each secret was to have, in order, and how many of them were acknowledged.
        self.values: dict[str, list[str]] = {}
        self.acknowledged: dict[str, int] = {}
        self.wrong: list[str] = []
        self.is_told_to_stop = False

    async def work(self) -> None:
        while not self.is_told_to_stop:
            await self.step()
        self.client.close()

    async def step(self) -> None:
        live = [one for one, values in self.values.items() if values[-1] != GONE]
        value = f"value-{self.chance.randbytes(12).hex()}"
        if len(live) < 3:
            name = f"w{self.number}-{self.chance.randbytes(8).hex()}"
            body = {"secret_name": name, "secret_value": value, "tool_name": "crash__*", "tool_arg": "token"}
            answer = await self.client.request("POST", SECRETS, body)
            if self.is_answered(answer):
                identifier = answer.json()["secret_id"]
                self.values[identifier], self.acknowledged[identifier] = [value], 1
            return
        identifier = self.chance.choice(live)
        if self.chance.random() < 0.2:
            self.values[identifier].append(GONE)
            answer = await self.client.request("DELETE", SECRETS + identifier)
        else:
            self.values[identifier].append(value)
            answer = await self.client.request("PUT", f"{SECRETS}{identifier}/value", value.encode())
        if self.is_answered(answer):
            self.acknowledged[identifier] = len(self.values[identifier])

    def is_answered(self, answer) -> bool:
        if answer.status != 200:
            self.wrong.append(f"{answer.status} {answer.body[:200]!r}")
        return answer.status == 200


class Load:
    """All writers on one server."""

    def __init__(self, at: Toolvault, key: str, chance: random.Random) -> None:
        self.writers = [Writer(number, at.client(key), chance) for number in range(WRITERS)]
        self.tasks = [asyncio.create_task(writer.work()) for writer in self.writers]

    def acknowledged(self) -> dict[str, int]:
        return {one: count for writer in self.writers for one, count in writer.acknowledged.items()}

    def lost(self, before: dict[str, int], observed: dict) -> list[str]:
        """What was acknowledged before a backup and is not in the store that was made from it."""
        faults = []
        values = {one: values for writer in self.writers for one, values in writer.values.items()}
        for identifier, count in before.items():
            found = observed[identifier][1][0] if identifier in observed else GONE
            # A later change may be in the backup, too.
            if found not in values[identifier][count - 1 :]:
                faults.append(f"{identifier}: {found}, acknowledged: {values[identifier][count - 1]}")
        return faults

    async def stopped(self) -> list[str]:
        for writer in self.writers:
            writer.is_told_to_stop = True
        await asyncio.gather(*self.tasks)
        return [fault for writer in self.writers for fault in writer.wrong]


class Drill:
    """A server with a backup, and the stores that are made from it."""

    def __init__(self, checks: Checks, folder: Path) -> None:
        self.checks, self.folder = checks, folder
        self.origin = Toolvault(folder / "origin")
        self.number = 0

    def new_place(self, **settings: str) -> Toolvault:
        """Somewhere to restore to, with the root key of the origin."""
        self.number += 1
        return Toolvault(self.folder / f"place-{self.number}", root_key_file=str(self.origin.root_key), **settings)

    async def backup(self, of: Toolvault, name: str) -> Path:
        file = self.folder / name
        done = await of.command("backup", str(file), "--json")
        if done.returncode != 0:
            raise RuntimeError(f"backup: {done.stderr!r}")
        self.contents = json.loads(done.stdout)
        return file

    async def restored(self, file: Path, place: Toolvault, *flags: str) -> dict:
        done = await place.command("restore", str(file), "--json", *flags)
        if done.returncode != 0:
            raise RuntimeError(f"restore: {done.returncode} {done.stdout!r} {done.stderr!r}")
        return json.loads(done.stdout)

    async def is_empty(self, place: Toolvault) -> bool:
        done = await place.command("audit", "verify")
        return done.returncode == 1 and b"there is no store" in done.stderr


async def under_load(drill: Drill, load: Load, key: str, public_key: str) -> Path:
    lost, unsound, changes = [], [], 0
    for number in range(BACKUPS):
        # So that something is acknowledged before each backup.
        count = sum(load.acknowledged().values())
        while sum(load.acknowledged().values()) < count + 2 * WRITERS:
            await asyncio.sleep(0.01)
        before = load.acknowledged()
        file = await drill.backup(drill.origin, f"backup-{number}")
        changes += sum(load.acknowledged().values()) - sum(before.values())
        place = drill.new_place()
        report = await drill.restored(file, place, "--keep-keys")
        if report["verification"]["ok"] is not True or report["audit_head"] != drill.contents["audit_head"]:
            unsound.append(f"{number}: {report}")
        await place.serve()
        client = place.client(key)
        lost += [f"{number}: {fault}" for fault in load.lost(before, await observe(client))]
        client.close()
        verify = await place.command("audit", "verify", "--public-key", public_key)
        if verify.returncode != 0:
            unsound.append(f"{number}: {verify.stdout!r} {verify.stderr!r}")
        await place.stop()
    drill.checks.that("control: writers were at work during the backups", changes > BACKUPS, changes)
    drill.checks.none(f"{BACKUPS} backups hold everything that was acknowledged before", lost)
    drill.checks.none("each restored trail verifies with the first public key", unsound)
    return file


async def to_postgres_and_back(drill: Drill, file: Path, key: str, expected: dict) -> None:
    there = drill.new_place(database_url=Postgres().new_database("backup"))
    await drill.restored(file, there, "--keep-keys")
    await there.serve()
    client = there.client(key)
    drill.checks.that("a backup of SQLite is restored to PostgreSQL with every value", await observe(client) == expected)
    client.close()
    second = await drill.backup(there, "from-postgres")
    refused = await there.command("restore", str(second))
    is_refused = refused.returncode == 1 and b"there is a store already" in refused.stderr
    drill.checks.that("a store is not replaced", is_refused, refused.stderr)
    await there.stop()
    back = drill.new_place()
    await drill.restored(second, back, "--keep-keys")
    await back.serve()
    client = back.client(key)
    drill.checks.that("and back to SQLite", await observe(client) == expected)
    client.close()
    await back.stop()


async def keys_are_revoked(drill: Drill, file: Path, key: str, expected: dict) -> None:
    place = drill.new_place()
    report = await drill.restored(file, place)
    await place.serve()
    client = place.client(key)
    status = (await client.request("GET", "/v1/me")).status
    drill.checks.that("the keys of a backup are refused", status == 401 and report["revoked_keys"] == 2, (status, report))
    client.close()
    words = ["key", "create", "--user", "default", "--scope", "manage", "--scope", "resolve", "--json"]
    new = json.loads((await place.command(*words)).stdout)["key"]
    client = place.client(new)
    drill.checks.that("a new key reaches every value", await observe(client) == expected)
    client.close()
    beside = await place.command("restore", str(file))
    is_refused = beside.returncode == 1 and b"in use" in beside.stderr
    drill.checks.that("nothing is restored beside a running server", is_refused, beside.stderr)
    await place.stop()


async def killed(drill: Drill, file: Path, key: str, expected: dict, **settings: str) -> None:
    """A restore that is killed when it has read a half leaves nothing."""
    place = drill.new_place(**settings)
    pipe = place.folder / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen([server.BINARY, "restore", str(pipe)], env=place.environment, stderr=subprocess.DEVNULL)
    content = file.read_bytes()

    def feed() -> None:
        with pipe.open("wb", buffering=0) as end:
            # All of it but what fits into the pipe was read when this returns.
            end.write(content[: len(content) * 3 // 4])
            process.kill()

    await asyncio.to_thread(feed)
    status = process.wait()
    name = "PostgreSQL" if settings else "SQLite"
    is_empty = status == -9 and await drill.is_empty(place)
    drill.checks.that(f"a restore to {name} that is killed leaves no store", is_empty, status)
    await drill.restored(file, place, "--keep-keys")
    await place.serve()
    client = place.client(key)
    drill.checks.that("and is done again", await observe(client) == expected)
    client.close()
    await place.stop()


async def files(drill: Drill, file: Path, chance: random.Random, expected: dict) -> None:
    checks, origin = drill.checks, drill.origin
    mode = stat.S_IMODE(file.stat().st_mode)
    checks.that("a backup is its owner's only", mode == 0o600, oct(mode))
    content = file.read_bytes()
    texts = [text for name, (value, _) in expected.values() for text in (name, value)]
    found = [text for text in [*texts, "operator", "secret.created"] if text.encode() in content]
    checks.that("control: there is text to look for", len(texts) > 100, len(texts))
    checks.none("no value, name or record is in it in clear", found)
    again = await origin.command("backup", str(file))
    is_kept = again.returncode == 1 and b"--replace" in again.stderr and file.read_bytes() == content
    checks.that("a file is not replaced unless told", is_kept, again.stderr)
    good = await origin.command("backup", "--check", str(file), "--json")
    report = json.loads(good.stdout or b"{}")
    is_sound = good.returncode == 0 and report["ok"] and report["secrets"] == len(expected)
    checks.that("a backup is checked", is_sound, (report, good.stderr))
    left = list(origin.temporary.iterdir())
    checks.none("a check leaves nothing behind", left)
    faults = []
    for number in range(DAMAGED):
        damaged = bytearray(content)
        at = chance.randrange(len(content))
        if number % 2:
            damaged[at] ^= 1 << chance.randrange(8)
        else:
            del damaged[at:]
        path = drill.folder / "damaged"
        path.write_bytes(damaged)
        done = await origin.command("backup", "--check", str(path))
        if done.returncode != 1 or b"error: " not in done.stderr:
            faults.append(f"byte {at}: {done.returncode} {done.stdout!r} {done.stderr!r}")
    checks.none(f"{DAMAGED} damaged files are refused", faults)
    other = drill.folder / "other.key"
    other.write_text(chance.randbytes(32).hex())
    other.chmod(0o600)
    place = drill.new_place()
    wrong = await place.command("restore", str(file), root_key_file=str(other))
    is_refused = wrong.returncode == 1 and b"root key" in wrong.stderr and not place.data.exists()
    checks.that("another root key is refused before anything is made", is_refused, wrong.stderr)
    missing = await place.command("restore", str(file), root_key_file=str(drill.folder / "none.key"))
    is_refused = missing.returncode == 1 and not (drill.folder / "none.key").exists()
    checks.that("a missing root key is refused and not made", is_refused, missing.stderr)
    full = await origin.command("backup", "/dev/full/backup")
    checks.that("a file that cannot be written is named", full.returncode == 1 and b"/dev/full" in full.stderr, full.stderr)


async def body(checks: Checks, folder: Path) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    drill = Drill(checks, folder)
    origin = drill.origin
    await origin.serve()
    keys = origin.first_keys()
    key, public_key = keys["operator_key"], keys["audit_public_key"]
    try:
        load = Load(origin, key, chance)
        await under_load(drill, load, key, public_key)
        checks.none("no request of a writer was answered wrongly", await load.stopped())
        client = origin.client(key)
        expected = await observe(client)
        client.close()
        file = await drill.backup(origin, "quiet")
        await files(drill, file, chance, expected)
        await keys_are_revoked(drill, file, key, expected)
        await to_postgres_and_back(drill, file, key, expected)
        await killed(drill, file, key, expected)
        await killed(drill, file, key, expected, database_url=Postgres().new_database("killed"))
        await origin.stop()
        offline = await drill.backup(origin, "offline")
        checked = await origin.command("backup", "--check", str(offline))
        checks.that("a backup is made without a server", checked.returncode == 0, checked.stderr)
    finally:
        origin.kill()


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    suite.run(body)
