"""An older server beside this one on one PostgreSQL database, as during an upgrade."""

import os
import random
import sys
from pathlib import Path

import suite
from checks import Checks
from client import Client
from postgres import Postgres
from replicas import Pair, revocations_spread, secrets_spread
from writers import Burst

ENOUGH = 50


async def both_write(checks: Checks, pair: Pair, chance: random.Random) -> None:
    ports = [server.port for server in pair.servers] * 8
    burst = Burst(lambda: Client(ports.pop(), pair.key), pair.journal, chance)
    await burst.until(lambda: all(len(burst.answered(server.port, 0)) >= ENOUGH for server in pair.servers))
    faults = await burst.stopped()
    print(f"{pair.journal.acknowledged} changes acknowledged by both, {burst.refused()} answers 503")
    checks.none("both make changes at once, and each serves what the other stored", faults + await pair.judged())


async def older(checks: Checks, folder: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    pair = Pair(folder, Postgres().new_database("older"))
    # The first server of a pair also runs the commands.
    newer, before = pair.servers
    before.binary = os.environ["TOOLVAULT_OLDER_BINARY"]
    try:
        await before.serve()
        pair.take_keys()
        await newer.serve()
        await both_write(checks, pair, chance)
        await secrets_spread(checks, pair)
        await revocations_spread(checks, pair)
        checks.none("the trail of both verifies", await pair.verified())
        before.kill()
        before.binary = newer.binary
        await before.serve()
        await both_write(checks, pair, chance)
        checks.none("after the upgrade of the other server the trail verifies", await pair.verified())
    finally:
        pair.kill()


if __name__ == "__main__":
    if not os.access(os.environ.get("TOOLVAULT_OLDER_BINARY", ""), os.X_OK):
        sys.exit("TOOLVAULT_OLDER_BINARY must name the older binary: run scripts/older")
    suite.run(older)
