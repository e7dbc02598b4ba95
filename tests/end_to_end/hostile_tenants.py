"""Two users of the same servers share nothing, and revoked rights end before the next call."""

import asyncio
import contextlib
import os

import http_stream
from checks import Checks
from gateway import Gateway
from hostile import Owner, canary, mark, of, peers
from rpc import Legacy, Modern, Peer, Refused

# How long a process may take to exit.
SOON = 15


async def refused(peer: Peer, method: str = "tools/list", params: dict | None = None) -> int:
    """The HTTP status of a refusal; 0 for success, 1 for a JSON-RPC error, 2 for a tool's error."""
    try:
        result = await peer.request(method, params)
        return 2 if result.get("isError") else 0
    except Refused as error:
        return error.status if error.status != 200 else 1


async def after_change(peer: Legacy) -> dict:
    """The server's fingerprint after a change of its credentials, on the same session or on the next one."""
    try:
        return await shown(peer)
    except Refused as error:
        if error.status != 404:
            raise
        peer.session, peer.is_open = None, False
        await peer.open()
        return await shown(peer)


async def shown(peer: Peer) -> dict:
    """The server's process ID, and the fingerprints of the values that it received."""
    return (await peer.call("process", place="x"))["structuredContent"]


def alive(process: int) -> bool:
    with contextlib.suppress(OSError):
        os.kill(process, 0)
        return True
    return False


async def gone(process: int) -> bool:
    for _ in range(SOON * 20):
        if not alive(process):
            return True
        await asyncio.sleep(0.05)
    return False


async def apart(checks: Checks, gateway: Gateway, ada: Owner, bob: Owner, kinds: tuple[str, ...]) -> None:
    for server in of(kinds, "hostile-shared", "hostile-plain", "program-plain"):
        async with (
            Legacy(gateway.url(server), ada.user.headers) as hers,
            Legacy(gateway.url(server), bob.user.headers) as his,
        ):
            checks.that(f"{server}: sessions have different names", hers.session != his.session, hers.session)
            thief = Legacy(gateway.url(server), bob.user.headers)
            thief.session, thief.is_open = hers.session, True
            checks.that(f"{server}: another's session is 404 for a call", await refused(thief) == 404)
            stream = await http_stream.ask(
                thief.url,
                "GET",
                None,
                thief.headers | thief.its() | {"Accept": "text/event-stream", "Last-Event-ID": "1"},
            )
            stream.close()
            checks.that(f"{server}: for a stream", stream.status == 404, stream.status)
            ended = await http_stream.ask(thief.url, "DELETE", None, thief.headers | thief.its())
            ended.close()
            checks.that(f"{server}: to be ended", ended.status == 404, ended.status)
            thief.session = "made-up"
            checks.that(f"{server}: one that never was is 404", await refused(thief) == 404)
            mine, yours = await shown(hers), await shown(his)
            values = {"hostile": ("token", "header", "query", "key"), "program": ("variable", "key")}[
                server.split("-")[0]
            ]
            for owner, its in ((ada, mine), (bob, yours)):
                owed = {mark(getattr(owner, name).value) for name in values}
                checks.that(
                    f"{server}: {owner.user.name}'s values and no others went there", set(its["marks"]) == owed, its
                )
            if server.startswith("program"):
                checks.that(f"{server}: each has a process of their own", mine["id"] != yours["id"], (mine, yours))


async def turned_away(peer: Peer) -> str:
    """The answers to a client that is refused."""
    try:
        async with peer:
            return ""
    except Refused as error:
        return str(error)


async def lists(checks: Checks, gateway: Gateway, ada: Owner, stranger) -> None:
    """Lists are private to their user."""
    for era, peer in peers(gateway, ada.user, "good"):
        async with peer:
            await ada.user.secret(
                "good-key", "a key for the good server", "good__echo", "api_key"
            ) if era == "legacy" else None
            result = await peer.request("tools/list")
            declared = next(tool for tool in result["tools"] if tool["name"] == "echo")["inputSchema"]
            checks.that(f"{era}: who has the key is not asked for it", "api_key" not in str(declared), declared)
            if era == "modern":
                checks.that(
                    "a list is private and not kept", result["cacheScope"] == "private", result.get("cacheScope")
                )
    for era, peer in peers(gateway, stranger, "good"):
        async with peer:
            declared = (await peer.tools())["echo"]["inputSchema"]
            checks.that(f"{era}: who has none is", "api_key" in declared["required"], declared)


async def odd_lists(checks: Checks, gateway: Gateway, ada: Owner) -> None:
    for server in ("hostile-duplicates", "program-duplicates"):
        for era, peer in peers(gateway, ada.user, server):
            async with peer:
                names = list(await peer.tools())
                checks.that(
                    f"{server}, {era}: what is there twice is not there", sorted(names) == ["echo", "last"], names
                )
                status = await refused(peer, "tools/call", {"name": "across", "arguments": {}})
                checks.that(f"{server}, {era}: and cannot be called", status != 0, status)
    for era, peer in peers(gateway, ada.user, ""):
        if era == "modern":
            # One of the servers supports only the earlier era, so the whole path does.
            told = await turned_away(peer)
            checks.that("modern: a client is told to begin in the era of all servers", "initialize" in told, told)
            continue
        async with peer:
            names = set(await peer.tools())
            checks.that(
                f"{era}: a name that looks like another server's is behind its own server",
                "hostile-foreign__good__echo" in names or "hostile-foreign__echo" in names,
                names,
            )
            called = await peer.call("good__echo", message="to the good one")
            checks.that(
                f"{era}: the other server's tool is the other server's", "to the good one" in str(called), called
            )
    for era, peer in peers(gateway, ada.user, "hostile-changing"):
        async with peer:
            seen = []
            for _ in range(4):
                schema = (await peer.tools())["echo"]["inputSchema"]
                result = await peer.call("echo", message="m")
                given = "api_key" in str(result.get("structuredContent", {}).get("arguments", {}))
                seen.append(given)
                checks.that(f"{era}: no schema shows the key", "api_key" not in str(schema), schema)
                await peer.call("change")
            # The second of the four schemas does not declare it.
            checks.that(
                f"{era}: the key goes only where the schema of the moment declares it",
                seen.count(False) >= 1 and seen.count(True) >= 2,
                seen,
            )
    for era, peer in peers(gateway, ada.user, "hostile-pinned"):
        async with peer:
            shown, called = [], []
            for _ in range(4):
                shown.append("echo" in await peer.tools())
                called.append(await refused(peer, "tools/call", {"name": "echo", "arguments": {}}) == 0)
                await peer.call("change")
            # Of the four definitions, one is pinned.
            checks.that(f"{era}: a tool is there only as it was first seen", shown.count(True) == 1, shown)
            checks.that(f"{era}: and can be called only then", called == shown, (called, shown))


async def rotation(checks: Checks, gateway: Gateway, ada: Owner) -> None:
    """A change takes effect for the next call."""
    server = "hostile-plain"
    async with Modern(gateway.url(server), ada.user.headers) as peer:
        await shown(peer)
        ada.token = canary("the next token")
        await ada.user.change(ada.ids[f"{server} Authorization"], secret_value=ada.token.value)
        its = await shown(peer)
        checks.that(
            "a header that was rotated is the new one at the next call", mark(ada.token.value) in its["marks"], its
        )
        ada.key = canary("the next key")
        await ada.user.change(ada.ids[f"{server} key"], secret_value=ada.key.value)
        its = await shown(peer)
        checks.that("an argument that was rotated too", mark(ada.key.value) in its["marks"], its)
    async with Legacy(gateway.url(server), ada.user.headers) as peer:
        await shown(peer)
        before, ada.header = ada.header, canary("the next header")
        await ada.user.change(ada.ids[f"{server} X-Key"], secret_value=ada.header.value)
        its = await after_change(peer)
        holds = mark(ada.header.value) in its["marks"] and mark(before.value) not in its["marks"]
        checks.that("nothing goes on with a header that was rotated", holds, its)


async def rotation_of_programs(checks: Checks, gateway: Gateway, ada: Owner) -> None:
    """A variable that changed makes another process."""
    for server in ("program-plain", "program-stubborn"):
        async with Legacy(gateway.url(server), ada.user.headers) as peer:
            was, old = await shown(peer), ada.variable
            ada.variable = canary("the next variable")
            await ada.user.change(ada.ids[f"{server} variable"], secret_value=ada.variable.value)
            its = await after_change(peer)
            holds = mark(ada.variable.value) in its["marks"] and mark(old.value) not in its["marks"]
            checks.that(f"{server}: the next call has the variable that was rotated", holds, its)
            checks.that(f"{server}: another process has it", its["id"] != was["id"], its)
            checks.that(f"{server}: the one before is gone", await gone(was["id"]), was)


async def endings(checks: Checks, gateway: Gateway, bob: Owner) -> None:
    """Expired, deleted and revoked credentials no longer work."""
    server = "hostile-plain"
    async with Modern(gateway.url(server), bob.user.headers) as peer:
        calls = (await shown(peer))["calls"]
        await bob.user.policy(bob.ids[f"{server} query"], expires_at="2020-01-01T00:00:00Z")
        status = await refused(peer, "tools/call", {"name": "process", "arguments": {}})
        checks.that("a credential that has expired fails the call", status != 0, status)
        await bob.user.policy(bob.ids[f"{server} query"], expires_at=None)
        its = await shown(peer)
        checks.that("and the call did not get there", its["calls"] == calls + 1, its)
        await bob.user.delete(bob.ids[f"{server} key"])
        its = await shown(peer)
        checks.that("an argument whose secret was deleted is not given", mark(bob.key.value) not in its["marks"], its)
        declared = (await peer.tools())["echo"]["inputSchema"]
        checks.that("and is shown again", "api_key" in declared["properties"], declared)
        await bob.user.delete(bob.ids[f"{server} X-Key"])
        status = await refused(peer, "tools/call", {"name": "process", "arguments": {}})
        checks.that("a credential that was deleted fails the call", status != 0, status)


async def end_of_programs(checks: Checks, gateway: Gateway, bob: Owner) -> None:
    """With the key its program ends."""
    async with Legacy(gateway.url("program-plain"), bob.user.headers) as peer:
        process = (await shown(peer))["id"]
        done = await gateway.command("key", "revoke", bob.user.key_id)
        checks.that("the key is revoked", done.returncode == 0, done.stderr)
        status = await refused(peer)
        checks.that("the next call of a revoked key is 401", status == 401, status)
        checks.that("its process is gone", await gone(process), process)
