"""Controls for the crash suite: it must find deliberate losses."""

import asyncio
import copy
import json
import shutil

from checks import Checks
from journal import GONE, Entry, judge, observe

# The number of acknowledged changes that are undone; several may concern one secret.
CHANGES = 100


async def the_harness_can_fail(checks: Checks, store) -> None:
    await false_expectations(checks, store)
    await a_rolled_back_database(checks, store)


async def false_expectations(checks: Checks, store) -> None:
    """The verdict on a journal with false entries."""
    client = store.client()
    observed = await observe(client)
    client.close()
    checks.none("control: the true journal has no fault", judge(copy.deepcopy(store.journal), observed))

    def found(spoil) -> list[str]:
        journal = copy.deepcopy(store.journal)
        spoil(journal.entries)
        return judge(journal, observed)

    def other_value(entries: list[Entry]) -> None:
        entries[0].settle(("another-value", entries[0].acknowledged[1]))

    def other_argument(entries: list[Entry]) -> None:
        entries[0].settle((entries[0].acknowledged[0], "another_argument"))

    def deleted(entries: list[Entry]) -> None:
        entries[0].settle(GONE)

    def lost(entries: list[Entry]) -> None:
        entries.append(Entry("lost", ("a-value", "token"), "00000000-0000-0000-0000-000000000000"))

    def unknown(entries: list[Entry]) -> None:
        del entries[0]

    for spoil in (other_value, other_argument, deleted, lost, unknown):
        claim = f"control: a journal with '{spoil.__name__.replace('_', ' ')}' has one fault"
        faults = found(spoil)
        checks.that(claim, len(faults) == 1, faults)


async def a_rolled_back_database(checks: Checks, store) -> None:
    """The verdict on an older copy of the database with the newer journal."""
    server = store.server
    await server.stop()
    older = server.folder / "older"
    shutil.copytree(server.data, older)
    await server.serve()
    burst, owed = store.burst(), store.journal.acknowledged + CHANGES
    while store.journal.acknowledged < owed:
        await asyncio.sleep(0.01)
    server.kill()
    await burst.finished()
    await server.serve()
    checks.none("control: before the rollback nothing is lost", await store.judged() + await store.verified())
    server.kill()
    shutil.rmtree(server.data)
    shutil.copytree(older, server.data)
    await server.serve()
    faults = await store.judged()
    checks.that("control: the judgement finds a database that was rolled back", len(faults) >= CHANGES // 10, faults)
    done = await server.command("audit", "verify", "--json", "--checkpoint", str(store.checkpoint))
    refused = done.returncode == 1 and json.loads(done.stdout)["ok"] is False
    checks.that("control: audit verify finds it by the checkpoint", refused, done.stdout)
