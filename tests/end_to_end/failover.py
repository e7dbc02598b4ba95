"""Two servers on a PostgreSQL with a streaming standby: the primary fails under load, and the standby is promoted."""

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import suite
from checks import Checks, spread
from client import Client
from postgres import Postgres
from replicas import Pair
from server import Toolvault, free_port
from standby import Standby
from writers import Burst

WITHIN = 5.0
ENOUGH = 20


async def refuses_unsafe_settings(checks: Checks, folder: Path, postgres: Postgres) -> None:
    """A server does not start on a database that may lose or damage what was acknowledged."""
    url = postgres.new_database("unsafe")
    server = Toolvault(folder / "unsafe", database_url=url, root_key_file=str(folder / "unsafe.key"))
    for setting in ("fsync", "full_page_writes"):
        postgres.set(setting, "off")
        refused = await server.command("serve")
        postgres.set(setting, "on")
        said = refused.stderr.decode()
        checks.that(f"{setting} = off is refused", refused.returncode == 1, refused.returncode)
        checks.that("it says what to do", f"ALTER SYSTEM SET {setting} = on" in said, said)
    left = postgres.query("SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'", url)
    checks.that("a refused start leaves the database empty", left == "0", left)


async def refuses_hosts(checks: Checks, folder: Path, standby: Standby, url: str) -> None:
    """Without a host that accepts changes, a command says why each was refused."""
    unreachable = "127.0.0.1:1"
    hosts = f"{standby.host},{unreachable}"
    refusing = urlunsplit(urlsplit(url)._replace(netloc=f"toolvault:not-this@{hosts}"))
    server = Toolvault(folder / "refused", database_url=refusing, root_key_file=str(folder / "root.key"))
    done = await server.command("user", "list")
    said = done.stderr.decode()
    checks.that("without a host that accepts changes a command fails", done.returncode == 2, done.returncode)
    checks.that("each host is named with its reason", all(f"{host}: " in said for host in hosts.split(",")), said)
    checks.that("the password is not shown", "not-this" not in said, said)


async def fails_over(checks: Checks, folder: Path, primary: Postgres, fail: Callable[[], None], chance: random.Random) -> Standby:
    """The primary fails under load, and the standby is promoted. Returns the new primary."""
    standby = await asyncio.to_thread(Standby, primary, folder, free_port())
    url = standby.before(primary.new_database("failover"))
    pair = Pair(folder, url)
    try:
        await pair.begin()
        pair.take_keys()
        await refuses_hosts(checks, folder, standby, url)
        ports = [server.port for server in pair.servers] * 8
        burst = Burst(lambda: Client(ports.pop(), pair.key), pair.journal, chance)

        def have_both_answered_since(moment: float) -> bool:
            return all(len(burst.answered(server.port, moment)) >= ENOUGH for server in pair.servers)

        began = time.monotonic()
        await burst.until(lambda: have_both_answered_since(began))
        acknowledged = pair.journal.acknowledged
        fail()
        await asyncio.to_thread(standby.promote)
        promoted = time.monotonic()
        await burst.until(lambda: have_both_answered_since(promoted))
        faults = await burst.stopped()
        pauses = [burst.answered(server.port, promoted)[0] - promoted for server in pair.servers]
        how = f"after a primary that {fail.__name__}s"
        print(f"{how}: {acknowledged} changes acknowledged before, {pair.journal.acknowledged - acknowledged} after, "
              f"{burst.refused()} answers 503")  # fmt: skip
        print(f"{how}: each server makes changes again {spread(pauses)} after the promotion")
        checks.that(f"{how}, both make changes within {WITHIN:.0f} s of the promotion", max(pauses) <= WITHIN, spread(pauses))
        checks.none(f"{how}, no acknowledged change is lost, and none is made twice", faults + await pair.judged())
        checks.none(f"{how}, the trail verifies", await pair.verified())
    finally:
        pair.kill()
    return standby


async def failover(checks: Checks, folder: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    first = Postgres()
    first.find()
    await refuses_unsafe_settings(checks, folder, first)
    # For the user of the database servers.
    folder.chmod(0o711)
    # One that hangs keeps its connections open, which is harder to notice than one that ended.
    try:
        second = await fails_over(checks, folder / "hang", first, first.pause, chance)
    finally:
        first.resume()
    third = await fails_over(checks, folder / "kill", second, second.kill, chance)
    third.stop()


if __name__ == "__main__":
    suite.run(failover)
