"""Repeated kill -9 during the work of 16 writers; clients that disconnect; SIGTERM under load."""

import asyncio
import json
import os
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import breaking_off
import controls
import suite
from checks import Checks, spread
from journal import SECRETS, Journal, judge, missing_uses, observe
from server import Toolvault
from writers import WRITERS, Burst

CYCLES = int(os.environ.get("TOOLVAULT_CRASH_CYCLES", "100"))
SEED = int(os.environ.get("TOOLVAULT_CRASH_SEED", str(random.SystemRandom().randrange(2**32))))
READY_WITHIN = 2.0
SET_UPS = 15


class Store:
    """A server that is killed and restarted, its journal and its checkpoint."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.server = Toolvault(folder)
        self.chance = chance
        self.journal = Journal()
        self.checkpoint = folder / "checkpoint.json"
        self.since = now()
        self.records = 0

    async def begin(self) -> None:
        await self.server.serve()
        keys = self.server.first_keys()
        self.key, self.public_key = keys["operator_key"], keys["audit_public_key"]

    def client(self):
        return self.server.client(self.key)

    async def judged(self) -> list[str]:
        """Every acknowledged change that is lost."""
        client = self.client()
        try:
            faults = judge(self.journal, await observe(client))
            faults += await self.ask_creates_again(client)
            missing = await missing_uses(client, self.journal.used_tools, self.since)
        finally:
            client.close()
        faults += [f"no record of the resolve for {tool}" for tool in missing]
        self.journal.used_tools.clear()
        self.since = now()
        self.journal.forget_gone()
        return faults

    async def ask_creates_again(self, client) -> list[str]:
        """A create without an answer, repeated with its Idempotency-Key, must create one secret."""
        faults = []
        for entry in self.journal.entries:
            if not entry.unanswered:
                continue
            headers, body = entry.unanswered
            answer = await client.request("POST", SECRETS, body, headers)
            if answer.status != 200 or entry.identifier not in (None, answer.json()["secret_id"]):
                faults.append(f"{entry.name}: asked again, {answer.status} {answer.body[:200]!r}")
                continue
            entry.identifier = answer.json()["secret_id"]
            entry.unanswered = None
            entry.settle((body["secret_value"], body["tool_arg"]))
        return faults

    async def verified(self) -> list[str]:
        """The faults that `audit verify` finds, with the first public key and the previous checkpoint."""
        words = ["audit", "verify", "--json", "--public-key", self.public_key]
        if self.checkpoint.exists():
            words += ["--checkpoint", str(self.checkpoint)]
        done = await self.server.command(*words)
        report = json.loads(done.stdout) if done.stdout else {}
        if done.returncode != 0 or report.get("ok") is not True:
            return [f"audit verify: {done.returncode} {done.stdout[:500]!r} {done.stderr[:500]!r}"]
        self.records = report["records"]
        made = await self.server.command("audit", "checkpoint")
        if made.returncode != 0:
            return [f"audit checkpoint: {made.returncode} {made.stderr[:500]!r}"]
        self.checkpoint.write_bytes(made.stdout)
        return []

    def burst(self) -> Burst:
        return Burst(self.client, self.journal, self.chance)


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


async def cycles(checks: Checks, store: Store) -> None:
    ready, in_flight, refused, verification = [], 0, 0, 0.0
    faults: dict[str, list[str]] = {"writers": [], "state": [], "audit": []}
    for cycle in range(CYCLES):
        burst = store.burst()
        await asyncio.sleep(store.chance.uniform(0.1, 0.5))
        in_flight += burst.waiting()
        store.server.kill()
        faults["writers"] += await burst.finished()
        refused += burst.refused()
        ready.append(await store.server.serve())
        faults["state"] += [f"cycle {cycle}: {fault}" for fault in await store.judged()]
        began = time.monotonic()
        faults["audit"] += [f"cycle {cycle}: {fault}" for fault in await store.verified()]
        verification += time.monotonic() - began
    acknowledged = store.journal.acknowledged
    print(f"{CYCLES} cycles, {acknowledged} changes acknowledged, {in_flight} requests in flight when killed")
    print(f"{store.records} audit records, verified each time in {1000 * verification / CYCLES:.0f} ms on average")
    print(f"ready again after {spread(ready)} from the start of the process")
    checks.that("control: changes were acknowledged and cut off", acknowledged > CYCLES and in_flight, in_flight)
    checks.none("no request of a writer was answered wrongly", faults["writers"])
    checks.that("hardly a request was answered 503", refused <= acknowledged // 100, refused)
    checks.none("every acknowledged change is there and nothing half done", faults["state"])
    checks.none("the audit trail verifies after every kill", faults["audit"])
    checks.that("ready again within 2 s in every cycle", max(ready) <= READY_WITHIN, spread(ready))
    busy = acknowledged >= 5 * CYCLES and in_flight >= CYCLES * WRITERS // 4
    checks.that("the kills hit writers at work", busy, f"{acknowledged} changes, {in_flight} in flight")


async def killed_while_set_up(checks: Checks, folder: Path, chance: random.Random) -> None:
    """If set-up is killed at any point, the next start serves and delivers keys."""
    faults = []
    for attempt in range(SET_UPS):
        server = Toolvault(folder / f"set-up-{attempt}")
        server.start()
        await asyncio.sleep(chance.uniform(0, 0.12))
        server.kill()
        await server.serve()
        done = await server.command("key", "create", "--user", "default", "--scope", "manage", "--json")
        key = json.loads(done.stdout)["key"] if done.returncode == 0 else None
        client = server.client(key)
        if (await client.request("GET", "/v1/me")).status != 200:
            faults.append(f"attempt {attempt}: {done.stderr!r}")
        verify = await server.command("audit", "verify", "--json")
        if verify.returncode != 0:
            faults.append(f"attempt {attempt}: {verify.stdout!r}")
        client.close()
        server.kill()
    checks.none(f"{SET_UPS} set-ups that were killed are completed by the next start", faults)


async def crash(checks: Checks, folder: Path) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    store = Store(folder / "store", chance)
    try:
        await store.begin()
        await cycles(checks, store)
        await breaking_off.clients_that_break_off(checks, store)
        await breaking_off.answers_without_the_body(checks, store)
        await breaking_off.told_to_stop(checks, store)
        await controls.the_harness_can_fail(checks, store)
        await killed_while_set_up(checks, folder, chance)
    finally:
        store.server.kill()


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    suite.run(crash)
