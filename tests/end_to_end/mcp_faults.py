"""Official SDKs as clients while what they reach fails: the gateway is restarted, killed, away or slow, sessions expire,
the server behind is restarted, answers break off.

Each fault meets clients of `toolvault mcp stdio` and clients of the gateway itself at the same time. The latter are the
control: a session of the earlier era that ended is an error for them, so a fault that none of them notices was none."""

import asyncio
import time
from pathlib import Path

import suite
from checks import Checks
from fault_proxy import Faults
from faults_world import Counter, World, world
from told_client import NOTHING, Told

# What `mcp stdio` says.
UNKNOWN, AWAY = "whether the call was carried out is unknown", "no answer from the gateway"
# In seconds: requests wait for a gateway that is away, and not for ever.
WAITED = (5, 30)
# Where an answer breaks off: how much of its body comes.
PLACES = (("before the answer", None), ("within the answer", 10))
CUT = {"message": "cut-me", "api_key": "plain"}


async def call_all(clients: list[Told], tool: str | None = "echo", **arguments: object) -> dict[str, dict]:
    """What each client gets for the same call at the same time."""
    given = arguments or ({"message": "hello", "api_key": "plain"} if tool == "echo" else {})
    answers = await asyncio.gather(*(client.call(tool, given) for client in clients))
    return {client.name: answer for client, answer in zip(clients, answers, strict=True)}


def all_answered(checks: Checks, claim: str, answers: dict[str, dict]) -> None:
    failed = {name: answer for name, answer in answers.items() if "text" not in answer}
    checks.that(claim, answers and not failed, failed)


def all_told(checks: Checks, claim: str, answers: dict[str, dict], words: str = "") -> None:
    """Each got an error at once, with these words."""
    others = {name: answer for name, answer in answers.items() if words not in answer.get("error", NOTHING)}
    served = {name: answer for name, answer in answers.items() if answer.get("error", NOTHING).startswith(NOTHING)}
    checks.that(claim, answers and not others and not served, others | served)


def in_era(clients: list[Told], era: str) -> list[Told]:
    return [client for client in clients if client.era == era]


async def direct_clients(checks: Checks, here: World, fault: str) -> None:
    """Clients without `mcp stdio` after a fault that ended sessions: told in the earlier era, served in the later."""
    answers = await call_all(in_era(here.direct, "modern"))
    all_answered(checks, f"{fault}: clients of the later era go on", answers)
    answers = await call_all(in_era(here.direct, "legacy"))
    all_told(checks, f"{fault}: clients of the earlier era without mcp stdio are told (control)", answers)
    await here.connect(["direct"])
    all_answered(checks, f"{fault}: new clients are served", await call_all(here.direct))


async def restarted(checks: Checks, here: World) -> None:
    for client in here.bridged:
        client.forget_heard()
    await here.gateway.stop()
    here.near.leave()
    await here.begin()
    heard = await asyncio.gather(*(client.hears_a_change() for client in here.bridged))
    checks.that("restarted: clients hear by themselves that lists may differ", all(heard), heard)
    all_answered(checks, "restarted: clients of mcp stdio go on", await call_all(here.bridged))
    await direct_clients(checks, here, "restarted")
    for client in here.bridged:
        client.forget_heard()
    await call_all(here.bridged, "test_trigger_tool_change")
    heard = await asyncio.gather(*(client.hears_a_change() for client in here.bridged))
    checks.that("restarted: what the server announces then reaches clients of mcp stdio", all(heard), heard)


async def killed_for_a_moment(checks: Checks, here: World, counter: Counter) -> None:
    before = await counter.calls()
    here.kill()
    calling = asyncio.create_task(call_all(here.bridged))
    # Long enough for the first attempts to fail, short enough for all to wait.
    await asyncio.sleep(1)
    await here.begin()
    all_answered(checks, "killed: calls wait until it is back", await calling)
    found = await counter.calls() - before
    checks.that("killed: each call is carried out once", found == len(here.bridged), found)
    await direct_clients(checks, here, "killed")


async def away(checks: Checks, here: World) -> None:
    here.kill()
    began = time.monotonic()
    answers = await call_all(here.bridged)
    took = time.monotonic() - began
    all_told(checks, "away: clients of mcp stdio are told", answers, AWAY)
    checks.that("away: they wait for a while, and not for long", WAITED[0] < took < WAITED[1], took)
    await here.begin()
    all_answered(checks, "away: clients of mcp stdio go on once it is back", await call_all(here.bridged))
    await here.connect(["direct"])


async def killed_during_a_call(checks: Checks, here: World, counter: Counter) -> None:
    """Without `mcp stdio`, some SDKs then wait for ever."""
    before = await counter.calls()
    calling = asyncio.create_task(call_all(here.bridged, "wait", milliseconds=600_000))
    await counter.until(before + len(here.bridged))
    here.kill()
    await here.begin()
    answers = await calling
    claim = "killed during a call: clients of mcp stdio are told that it may have been carried out"
    all_told(checks, claim, answers, UNKNOWN)
    found = await counter.calls() - before
    checks.that("killed during a call: none is carried out twice", found == len(here.bridged), found)
    await here.connect(["direct"])


async def cut(checks: Checks, here: World, counter: Counter) -> None:
    for place, kept in PLACES:
        before, cut_before = await counter.calls(), here.near.cut
        here.near.faults = Faults(marker=b"cut-me", kept=kept)
        answers = await call_all(here.bridged, **CUT)
        was_cut = here.near.cut - cut_before
        checks.that(f"cut {place}: the proxy did so (control)", was_cut == len(here.bridged), was_cut)
        claim = f"cut {place}: clients of mcp stdio are told that the call may have been carried out"
        all_told(checks, claim, answers, UNKNOWN)
        found = await counter.calls() - before
        checks.that(f"cut {place}: mcp stdio sends no call twice", found == len(here.bridged), found)
        for client in here.bridged:
            cut_before = here.near.cut
            here.near.faults = Faults(marker=b'"tools/list"', kept=kept, cuts_left=1)
            answer = await client.call(None, {})
            was_cut = here.near.cut - cut_before
            claim = f"cut {place}: {client.name} gets its list all the same, asked for once more"
            checks.that(claim, "text" in answer and was_cut == 1, (answer, was_cut))
        # Some SDKs send the call again by themselves, others wait for ever. The gateway goes on in any case.
        here.near.faults = Faults(marker=b"cut-me", kept=kept, cuts_left=len(here.direct))
        await asyncio.gather(*(client.call("echo", CUT, within=5) for client in here.direct))
        here.near.faults = Faults()
        await here.connect(["direct"])
        all_answered(checks, f"cut {place}: new clients are served", await call_all(here.direct))


async def slow(checks: Checks, here: World, counter: Counter) -> None:
    before, began = await counter.calls(), time.monotonic()
    here.near.faults = here.far.faults = Faults(delay=1.0)
    answers = await call_all(here.clients)
    here.near.faults = here.far.faults = Faults()
    took = time.monotonic() - began
    all_answered(checks, "slow: all get their answer", answers)
    checks.that("slow: it was slow (control)", took > 2, took)
    found = await counter.calls() - before
    checks.that("slow: each call is carried out once", found == len(here.clients), found)


async def server_restarted(checks: Checks, here: World) -> None:
    await here.restart_server()
    all_answered(checks, "server behind restarted: clients of mcp stdio go on", await call_all(here.bridged))
    await direct_clients(checks, here, "server behind restarted")


async def server_cut(checks: Checks, here: World, counter: Counter) -> None:
    """Between gateway and server: the gateway says so, and sends nothing again."""
    for place, kept in PLACES:
        before, cut_before = await counter.calls(), here.far.cut
        here.far.faults = Faults(marker=b"cut-me", kept=kept, cuts_left=len(here.clients))
        answers = await call_all(here.clients, **CUT)
        here.far.faults = Faults()
        was_cut = here.far.cut - cut_before
        checks.that(f"server cut {place}: the proxy did so (control)", was_cut == len(here.clients), was_cut)
        all_told(checks, f"server cut {place}: all are told", answers)
        found = await counter.calls() - before
        checks.that(f"server cut {place}: no call is carried out twice", found == len(here.clients), found)


async def expired(checks: Checks, here: World) -> None:
    """Sessions that are idle end; those of an attached client are not idle."""
    legacy = [client for client in here.clients if client.era == "legacy"]
    until = time.monotonic() + 12
    fewest = len(legacy)
    while time.monotonic() < until:
        fewest = min(fewest, await here.gateway.sessions())
        await asyncio.sleep(0.5)
    checks.that("expired: sessions of attached clients stay", fewest == len(legacy), fewest)
    here.near.faults = Faults(refused=b"GET ")
    here.near.break_all()
    async with asyncio.timeout(60):
        while await here.gateway.sessions():
            await asyncio.sleep(0.1)
    here.near.faults = Faults()
    all_answered(checks, "expired: clients of mcp stdio go on", await call_all(here.bridged))
    await direct_clients(checks, here, "expired")


async def faults(checks: Checks, folder: Path) -> None:
    async with world(folder / "faults") as here:
        all_answered(checks, "nothing failed: all get their answer", await call_all(here.clients))
        async with Counter(here) as counter:
            await slow(checks, here, counter)
            await cut(checks, here, counter)
            await server_cut(checks, here, counter)
            await restarted(checks, here)
            await killed_for_a_moment(checks, here, counter)
            await killed_during_a_call(checks, here, counter)
            await away(checks, here)
        await server_restarted(checks, here)
    async with world(folder / "expired", session_idle_seconds=2) as here:
        await expired(checks, here)


if __name__ == "__main__":
    suite.run(faults)
