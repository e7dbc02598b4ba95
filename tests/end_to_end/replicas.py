"""Two servers on one PostgreSQL database: set-up, propagation, the crash of one, and an outage of the database."""

import asyncio
import json
import random
import time
from pathlib import Path

import outages
import suite
from checks import Checks, spread
from client import Answer, Client
from echo import Echo
from journal import SECRETS, Journal, judge, missing_uses, observe
from postgres import Postgres
from rpc import Legacy, Refused
from server import COMMAND_TIMEOUT, Toolvault
from writers import Burst

RACES = 5
TRIES = 50
TRIES_BY_COMMAND = 10
KILLS = 5
BOUND = 1.0
CHANNEL = "/v1/tools/propagated/resolve"


class Pair:
    """The servers, two unless more are named, and the changes acknowledged by any."""

    def __init__(self, folder: Path, url: str | None, names: tuple[str, ...] = ("one", "other"), **settings: str) -> None:
        """Without a URL, one server has the embedded database."""
        settings |= {"root_key_file": str(folder / "root.key")} | ({"database_url": url} if url else {})
        self.servers = [
            Toolvault(folder / name, first_keys_file=str(folder / f"{name}.first-keys"), **settings)
            for name in names
        ]
        self.journal = Journal()
        self.key = self.public_key = ""

    async def begin(self) -> list[float]:
        """Starts all at once; returns when each was ready."""
        began = [server.start() for server in self.servers]
        return await asyncio.gather(*(server.until_ready(at) for server, at in zip(self.servers, began, strict=True)))

    def take_keys(self) -> int:
        """Takes the keys from the server that did the set-up; returns how many servers did."""
        makers = [server for server in self.servers if server.first_keys_file.exists()]
        if makers:
            keys = makers[0].first_keys()
            self.key, self.public_key = keys["operator_key"], keys["audit_public_key"]
        return len(makers)

    def clients(self, key: str | None = None) -> list[Client]:
        return [server.client(key or self.key) for server in self.servers]

    async def verified(self, within: float = COMMAND_TIMEOUT) -> list[str]:
        words = ["audit", "verify", "--json", "--public-key", self.public_key]
        done = await self.servers[0].command(*words, within=within)
        is_sound = done.returncode == 0 and json.loads(done.stdout)["ok"] is True
        return [] if is_sound else [f"audit verify: {done.returncode} {done.stdout[:500]!r} {done.stderr[:500]!r}"]

    async def judged(self) -> list[str]:
        """The differences between each server's state and the acknowledged one."""
        faults = []
        for client in self.clients():
            faults += judge(self.journal, await observe(client))
            missing = await missing_uses(client, self.journal.used_tools, "2000-01-01T00:00:00Z")
            faults += [f"no record of the resolve for {tool}" for tool in missing]
            client.close()
        return faults

    def kill(self) -> None:
        for server in self.servers:
            server.kill()


async def set_up_races(checks: Checks, folder: Path, postgres: Postgres, config: str) -> Pair:
    """Starts two servers at once on an empty database, several times; returns the last two."""
    faults, ready = [], []
    for race in range(RACES):
        pair = Pair(folder / f"race-{race}", postgres.new_database("replicas"), config=config)
        try:
            ready += await pair.begin()
            makers = pair.take_keys()
            if makers != 1:
                faults.append(f"race {race}: {makers} servers set up")
            for client in pair.clients():
                if (await client.request("GET", "/v1/me")).status != 200:
                    faults.append(f"race {race}: the first key is not accepted by both")
                client.close()
            faults += await pair.verified()
        finally:
            if race + 1 < RACES:
                pair.kill()
    print(f"both ready after {spread(ready)}")
    checks.none(f"of two servers on an empty database one sets up and both serve, {RACES} times", faults)
    return pair


async def until(client: Client, path: str, body: object, holds) -> float:
    """The seconds until an answer is as expected; more than the time limit if it never is."""
    began = time.monotonic()
    while time.monotonic() - began < 5 * BOUND:
        if holds(await client.request("POST" if body else "GET", path, body)):
            return time.monotonic() - began
    return time.monotonic() - began


async def secrets_spread(checks: Checks, pair: Pair) -> None:
    """A default that one server creates or changes applies on the other."""
    here, there = pair.clients()
    created, changed, deleted = [], [], []

    def gives(value: str | None):
        return lambda answer: answer.status == 200 and answer.json()["args"].get("token") == value

    for number in range(TRIES):
        # The other server has the index in its cache, without the secret.
        warm = await there.request("POST", CHANNEL, {"args": {}})
        if not gives(None)(warm):
            raise RuntimeError(f"not as expected before the test: {warm}")
        new = {"secret_name": "propagated", "secret_value": f"first-{number}", "tool_name": "propagated"}
        new |= {"tool_arg": "token", "is_default_for_tool": True}
        path = SECRETS + (await here.request("POST", SECRETS, new)).json()["secret_id"]
        created.append(await until(there, CHANNEL, {"args": {}}, gives(f"first-{number}")))
        await here.request("PATCH", path, {"secret_value": f"second-{number}"})
        changed.append(await until(there, CHANNEL, {"args": {}}, gives(f"second-{number}")))
        await here.request("DELETE", path)
        deleted.append(await until(there, CHANNEL, {"args": {}}, gives(None)))
        here, there = there, here
    for what, seconds in (("created", created), ("changed", changed), ("deleted", deleted)):
        print(f"a secret {what} on one server holds on the other after {spread(seconds)}, {TRIES} tries")
        checks.that(f"a secret {what} on one holds on the other within 1 s", max(seconds) <= BOUND, spread(seconds))
    here.close()
    there.close()


async def revocations_spread(checks: Checks, pair: Pair) -> None:
    """A key that is revoked through one server, or by command, is refused by the other."""
    here, there = pair.clients()
    over_http, by_command = [], []

    def is_refused(answer: Answer) -> bool:
        return answer.status == 401

    for number in range(TRIES + TRIES_BY_COMMAND):
        new = {"name": f"short-{number}", "scopes": ["manage"]}
        key = (await here.request("POST", "/v1/keys", new)).json()
        holder = Client(there.port, key["key"])
        began = time.monotonic()
        while (await holder.request("GET", "/v1/me")).status != 200:
            if time.monotonic() - began > BOUND:
                raise RuntimeError("a new key is not accepted by the other server within 1 s")
        if number < TRIES:
            await here.request("DELETE", f"/v1/keys/{key['key_id']}")
        else:
            done = await pair.servers[0].command("key", "revoke", key["key_id"])
            if done.returncode != 0:
                raise RuntimeError(f"key revoke: {done.stderr!r}")
        (over_http if number < TRIES else by_command).append(await until(holder, "/v1/me", None, is_refused))
        if (await holder.request("GET", "/v1/me")).status != 401:
            over_http.append(5 * BOUND)
        holder.close()
        here, there = there, here
    for how, seconds in (("through the other server", over_http), ("by command", by_command)):
        print(f"a key revoked {how} is refused after {spread(seconds)}, {len(seconds)} tries")
        checks.that(f"a key revoked {how} is refused within 1 s", max(seconds) <= BOUND, spread(seconds))
    here.close()
    there.close()


async def gateway_sessions_end(checks: Checks, pair: Pair, echo: Echo) -> None:
    """A key that is revoked through one server ends its session and its stream at the gateway of the other."""
    here, there = pair.clients()
    ended, faults = [], []
    for number in range(TRIES_BY_COMMAND):
        key = (await here.request("POST", "/v1/keys", {"name": f"agent-{number}", "scopes": ["use"]})).json()
        await until(Client(there.port, key["key"]), "/v1/me", None, lambda answer: answer.status == 200)
        agent = Legacy(f"http://127.0.0.1:{there.port}/mcp/echo", {"x-api-key": key["key"]})
        await agent.open()
        await agent.call("send", to="x")
        stream = await agent.listen()
        calls = len(echo.lengths)
        began = time.monotonic()
        await here.request("DELETE", f"/v1/keys/{key['key_id']}")
        async with asyncio.timeout(5 * BOUND):
            await asyncio.gather(*agent.tasks)
        ended.append(time.monotonic() - began)
        stream.close()
        try:
            faults.append(f"{number}: a call was answered with {await agent.call('send', to='x')}")
        except Refused as refused:
            faults += [] if refused.status == 401 else [f"{number}: a call was refused with {refused}"]
        faults += [] if len(echo.lengths) == calls else [f"{number}: a call reached the tool"]
        here, there = there, here
    print(f"a stream at the gateway of the other server ends after {spread(ended)}, {len(ended)} tries")
    checks.that("a stream at the gateway of the other server ends within 1 s", max(ended) <= BOUND, spread(ended))
    checks.none("no call in a session of a revoked key reaches a tool", faults)
    here.close()
    there.close()


async def one_dies(checks: Checks, pair: Pair, chance: random.Random) -> None:
    """Both write at once; one is killed; the other continues, and all acknowledged changes are there."""
    faults, pauses, refused = [], [], 0
    for _ in range(KILLS):
        ports = [server.port for server in pair.servers] * 8
        burst = Burst(lambda: Client(ports.pop(), pair.key), pair.journal, chance)
        await asyncio.sleep(chance.uniform(0.2, 0.5))
        victim, survivor = chance.sample(pair.servers, 2)
        victim.kill()
        killed = time.monotonic()
        await asyncio.sleep(1)
        faults += await burst.stopped()
        refused += burst.refused()
        later = [killed, *burst.answered(survivor.port, killed)]
        pauses.append(max(b - a for a, b in zip(later, later[1:], strict=False)) if len(later) > 2 else 99.0)
        await victim.serve()
        faults += await pair.judged()
        faults += await pair.verified()
    print(f"{pair.journal.acknowledged} changes acknowledged by two servers at once, {KILLS} kills, {refused} answers 503")
    print(f"the longest pause of the other server after a kill: {spread(pauses)}")
    checks.that("control: changes were acknowledged", pair.journal.acknowledged > KILLS, pair.journal.acknowledged)
    checks.none("nothing that either server acknowledged is lost, and the trail verifies", faults)
    few = refused <= pair.journal.acknowledged // 50
    checks.that("hardly a request to either was answered 503", few, refused)
    checks.that("the other server goes on within 2 s", max(pauses) <= 2, spread(pauses))


async def replicas(checks: Checks, folder: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    postgres = Postgres()
    postgres.find()
    echo = Echo()
    pair = await set_up_races(checks, folder, postgres, await echo.start(folder))
    try:
        await secrets_spread(checks, pair)
        await revocations_spread(checks, pair)
        await gateway_sessions_end(checks, pair, echo)
        await one_dies(checks, pair, random.Random(seed))
        await outages.database_goes_away(checks, pair, postgres)
        await secrets_spread(checks, pair)
    finally:
        pair.kill()
        echo.close()


if __name__ == "__main__":
    suite.run(replicas)
