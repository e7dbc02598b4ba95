"""Three servers on PostgreSQL with a synchronous standby, through random faults under load."""

import argparse
import asyncio
import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import suite
from checks import Checks, spread
from client import Client
from fault_proxy import FaultProxy
from postgres import Postgres
from replicas import BOUND, Pair, until
from server import free_port
from standby import Standby
from writers import Burst

NAMES = ("one", "two", "three")
ENOUGH = 2
VERIFY_EVERY = 10


class World:
    """The servers and both hosts of the database. A fault returns the servers whose writers go on after it."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder, self.chance = folder, chance
        self.primary = Postgres()
        self.primary.find()
        self.ports = [urlsplit(self.primary.url).port, free_port()]
        self.standby = Standby(self.primary, folder / "host-1", self.ports[1])
        self.hosts = 1
        # Between the servers and each host of the database.
        self.proxies = [FaultProxy(port) for port in self.ports]
        self.pair: Pair | None = None

    async def begin(self) -> None:
        url = self.standby.before(self.primary.new_database("faults"))
        for proxy in self.proxies:
            await proxy.listen()
            url = url.replace(f":{proxy.target}", f":{proxy.port}")
        self.pair = Pair(self.folder, url, NAMES)
        await self.pair.begin()
        self.pair.take_keys()

    async def end(self) -> None:
        if self.pair:
            self.pair.kill()
        for proxy in self.proxies:
            await proxy.end()
        self.standby.stop()

    async def lasts(self) -> None:
        await asyncio.sleep(self.chance.uniform(0.1, 3.0))

    async def server_killed(self) -> list:
        victim = self.chance.choice(self.pair.servers)
        victim.kill()
        await self.lasts()
        await victim.serve()
        return [server for server in self.pair.servers if server is not victim]

    async def server_suspended(self) -> list:
        victim = self.chance.choice(self.pair.servers)
        os.kill(victim.process.pid, signal.SIGSTOP)
        await self.lasts()
        os.kill(victim.process.pid, signal.SIGCONT)
        return self.pair.servers

    async def database_restarted(self) -> list:
        await asyncio.to_thread(self.primary.stop)
        await self.lasts()
        await asyncio.to_thread(self.primary.start)
        return self.pair.servers

    async def database_suspended(self) -> list:
        self.primary.pause()
        await self.lasts()
        self.primary.resume()
        return self.pair.servers

    async def connections_cut(self) -> list:
        for _ in range(self.chance.randrange(1, 6)):
            for proxy in self.proxies:
                proxy.break_all()
            await asyncio.sleep(self.chance.uniform(0.0, 0.3))
        return self.pair.servers

    async def network_cut(self) -> list:
        for proxy in self.proxies:
            proxy.leave()
        await self.lasts()
        for proxy in self.proxies:
            await proxy.listen()
        return self.pair.servers

    async def standby_promoted(self) -> list:
        self.primary.kill()
        await asyncio.to_thread(self.standby.promote)
        if isinstance(self.primary, Standby):
            shutil.rmtree(self.primary.data)
        self.primary = self.standby
        self.ports.reverse()
        self.hosts += 1
        # On the port of the old primary, which the URL names.
        place = self.folder / f"host-{self.hosts}"
        self.standby = await asyncio.to_thread(Standby, self.primary, place, self.ports[1])
        return self.pair.servers

    async def go_through(self, fault) -> list[str]:
        """A burst of changes with a fault in its middle; returns what is wrong afterwards."""
        ports = [server.port for server in self.pair.servers] * 6
        burst = Burst(lambda: Client(ports.pop(), self.pair.key), self.pair.journal, self.chance)
        await asyncio.sleep(self.chance.uniform(0.1, 0.4))
        going = await fault()
        healed = time.monotonic()
        await burst.until(lambda: all(len(burst.answered(server.port, healed)) >= ENOUGH for server in going))
        found = await burst.stopped()
        # A server is ready when its database and its audit trail answer.
        await asyncio.gather(*(server.until_ready(time.monotonic()) for server in self.pair.servers))
        return found + await self.pair.judged()

    async def revoked(self) -> list[float]:
        """Revokes a key at one server; returns after how many seconds each other one refuses it."""
        here, *others = self.chance.sample(self.pair.servers, len(self.pair.servers))
        admin = here.client(self.pair.key)
        key = (await admin.request("POST", "/v1/keys", {"name": "revoked", "scopes": ["manage"]})).json()
        holders = [other.client(key["key"]) for other in others]
        for holder in holders:
            await until(holder, "/v1/me", None, lambda answer: answer.status == 200)
        await admin.request("DELETE", f"/v1/keys/{key['key_id']}")
        refused = [await until(holder, "/v1/me", None, lambda answer: answer.status == 401) for holder in holders]
        for client in (admin, *holders):
            client.close()
        return refused


async def faults(checks: Checks, folder: Path, number: int, seed: int) -> None:
    print(f"seed {seed}")
    folder.chmod(0o711)
    world = await asyncio.to_thread(World, folder, random.Random(seed))
    kinds = [
        world.server_killed,
        world.server_suspended,
        world.database_restarted,
        world.database_suspended,
        world.connections_cut,
        world.network_cut,
        world.standby_promoted,
    ]
    made, wrong, refused = Counter(), [], []
    try:
        await world.begin()
        for turn in range(number):
            fault = world.chance.choice(kinds)
            found = await world.go_through(fault)
            refused += await world.revoked()
            if turn % VERIFY_EVERY == VERIFY_EVERY - 1 or turn + 1 == number:
                found += await world.pair.verified()
            wrong += [f"{turn} {fault.__name__}: {one}" for one in found]
            made[fault.__name__] += 1
            print(f"{turn + 1}/{number} {fault.__name__}: {world.pair.journal.acknowledged} changes, {len(wrong)} faults found")
    finally:
        await world.end()
    print(", ".join(f"{count} × {kind}" for kind, count in sorted(made.items())))
    print(f"a revoked key is refused by each other server after {spread(refused)}")
    checks.that("control: changes were acknowledged", world.pair.journal.acknowledged > number, world.pair.journal.acknowledged)
    checks.none("no acknowledged change is lost or made twice, and the trail verifies", wrong)
    checks.that("a revoked key is refused within 1 s", max(refused) <= BOUND, spread(refused))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Three servers and a standby through random faults under load.")
    parser.add_argument("--faults", type=int, default=300, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32), help="repeats an earlier choice")
    arguments = parser.parse_args()
    suite.run(lambda checks, folder: faults(checks, folder, arguments.faults, arguments.seed))
