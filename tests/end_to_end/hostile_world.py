"""A gateway with hostile servers, and all attacks on it, once or again and again."""

import asyncio
import sys
import time
from pathlib import Path

import hostile_disorder
import hostile_leaks
import hostile_network
import hostile_tenants
from canaries import leaks
from checks import Checks
from gateway import Gateway, Program, User
from hostile import HERE, HTTP, KINDS, PROGRAMS, Owner, Recorder, settings
from vitals import Growth, at_rest

# Rounds until the caches are full and all that is built once is built.
WARM_UP = 2


class World:
    """One gateway, the hostile servers behind it, an honest one, and where redirects lead."""

    def __init__(self, folder: Path, fixture: str, kinds: tuple[str, ...] = KINDS) -> None:
        self.folder, self.fixture_binary, self.kinds = folder, fixture, kinds
        self.recorder = Recorder()
        self.programs: list[Program] = []
        self.gateway: Gateway | None = None
        self.rounds = 0
        self.log_read = 0

    async def begin(self) -> None:
        await self.recorder.begin()
        command = [sys.executable, str(HERE / "over_http.py"), "$PORT", str(self.recorder.port)]
        self.program = Program(command, self.folder / "hostile.log")
        self.programs.append(self.program)
        honest = Program([self.fixture_binary, "http", "127.0.0.1:$PORT"], self.folder / "fixture.log")
        self.programs.append(honest)
        self.gateway = Gateway(self.folder / "gateway", settings(self.program, honest), {"sandbox": "on"}, log="debug")

    def end(self) -> None:
        for program in self.programs:
            program.end()
        if self.gateway:
            self.gateway.kill()

    async def attack(self, checks: Checks) -> None:
        """All attacks once, with users who are new and gone after it."""
        gateway = self.gateway
        if gateway.process is None:
            await gateway.begin()
        self.rounds += 1
        names = [f"{name}-{self.rounds}" for name in ("ada", "bob", "stranger")]
        ada, bob, stranger = [Owner(await gateway.user(name)) for name in names]
        for owner in (ada, bob):
            await owner.bind(HTTP, PROGRAMS)
        owned = [*ada.canaries, *bob.canaries]
        await hostile_leaks.nothing_leaks(checks, gateway, ada, self.kinds)
        await hostile_tenants.apart(checks, gateway, ada, bob, self.kinds)
        if "hostile" in self.kinds:
            await self.attack_over_http(checks, ada, bob, stranger.user)
        await hostile_disorder.wrong(checks, gateway, ada, self.kinds)
        await hostile_disorder.missing(checks, gateway, ada, self.kinds)
        await hostile_tenants.rotation_of_programs(checks, gateway, ada)
        await hostile_tenants.end_of_programs(checks, gateway, bob)
        hostile_disorder.has_not_fallen(checks, gateway)
        await self.judge_log(checks, [*owned, *ada.canaries, *bob.canaries])
        done = await gateway.command("audit", "verify", "--json")
        checks.that("the audit trail verifies", done.returncode == 0, done.stdout)
        for name in names:
            done = await gateway.command("user", "delete", name, "--yes")
            checks.that(f"{name} is deleted", done.returncode == 0, done.stderr)

    async def attack_over_http(self, checks: Checks, ada: Owner, bob: Owner, stranger: User) -> None:
        """What does not depend on the user and the sandbox of the server."""
        gateway = self.gateway
        await hostile_tenants.lists(checks, gateway, ada, stranger)
        await hostile_tenants.odd_lists(checks, gateway, ada)
        await hostile_network.attacked(checks, gateway, ada)
        await hostile_disorder.redirected(checks, gateway, ada, self.recorder)
        await hostile_disorder.endless(checks, gateway, ada)
        await hostile_disorder.large(checks, gateway, ada)
        await hostile_tenants.rotation(checks, gateway, ada)
        await hostile_tenants.endings(checks, gateway, bob)

    async def judge_log(self, checks: Checks, owned: list) -> None:
        log = (await asyncio.to_thread(self.gateway.log.read_bytes))[self.log_read :]
        self.log_read += len(log)
        found = leaks(owned, "the log", log)[:10]
        checks.none("no value is in the log, standard error of the programs included", found)
        checks.that("standard error of the programs is there", b"[secret:the-key]" in log)

    async def attack_for(self, checks: Checks, seconds: float) -> Growth:
        """All attacks again and again for that long, at least once, on one process that must not grow."""
        for _ in range(WARM_UP):
            await self.attack(checks)
        # What the attacks left is idle by now or never.
        await at_rest(self.gateway, lambda now: not now.programs and not now.temporary)
        growth = Growth("hostile", self.gateway)
        until = time.monotonic() + seconds
        while self.rounds == WARM_UP or time.monotonic() < until:
            await self.attack(checks)
            growth.note(f"{self.rounds - WARM_UP} rounds")
        is_fine = lambda now: growth.is_within(now) and not now.programs and not now.temporary  # noqa: E731
        await at_rest(self.gateway, is_fine)
        growth.note()
        print(f"hostile: {self.rounds - WARM_UP} rounds after {WARM_UP}")
        return growth
