"""A hostile server behind the gateway: it must not get or leak anything, nor disturb other callers."""

import asyncio
import os
import sys
from pathlib import Path

import hostile_disorder
import hostile_leaks
import hostile_tenants
import suite
from canaries import leaks
from checks import Checks
from gateway import DIRECT, Gateway, Program
from hostile import HERE, HTTP, PROGRAMS, Recorder, Owner, settings

FIXTURE = sys.argv[1] if len(sys.argv) > 1 else ""


async def hostile(checks: Checks, folder: Path) -> None:
    recorder = Recorder()
    await recorder.begin()
    command = [sys.executable, str(HERE / "over_http.py"), "$PORT", str(recorder.port)]
    program = Program(command, folder / "hostile.log")
    fixture = Program([FIXTURE, "http", "127.0.0.1:$PORT"], folder / "fixture.log")
    gateway = None
    try:
        await hostile_leaks.control(checks, program)
        if os.environ.get(DIRECT):
            return
        gateway = Gateway(folder / "gateway", settings(program, fixture), log="debug")
        await gateway.begin()
        ada, bob = [Owner(await gateway.user(name)) for name in ("ada", "bob")]
        stranger = await gateway.user("stranger")
        for owner in (ada, bob):
            await owner.bind(HTTP, PROGRAMS)
        owned = [*ada.canaries, *bob.canaries]
        await hostile_leaks.nothing_leaks(checks, gateway, ada)
        await hostile_tenants.apart(checks, gateway, ada, bob)
        await hostile_tenants.lists(checks, gateway, ada, stranger)
        await hostile_tenants.odd_lists(checks, gateway, ada)
        await hostile_disorder.redirected(checks, gateway, ada, recorder)
        await hostile_disorder.wrong(checks, gateway, ada)
        await hostile_disorder.missing(checks, gateway, ada)
        await hostile_disorder.endless(checks, gateway, ada)
        await hostile_disorder.large(checks, gateway, ada)
        await hostile_tenants.rotation(checks, gateway, ada)
        await hostile_tenants.endings(checks, gateway, bob)
        hostile_disorder.has_not_fallen(checks, gateway)
        owned += [*ada.canaries, *bob.canaries]
        log = await asyncio.to_thread(gateway.log.read_bytes)
        checks.none(
            "no value is in the log, standard error of the programs included", leaks(owned, "the log", log)[:10]
        )
        checks.that("standard error of the programs is there", b"[secret:the-key]" in log)
        done = await gateway.command("audit", "verify", "--json")
        checks.that("the audit trail verifies", done.returncode == 0, done.stdout)
    finally:
        program.end()
        fixture.end()
        if gateway:
            gateway.kill()


if __name__ == "__main__":
    suite.run(hostile)
