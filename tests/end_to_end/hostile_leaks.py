"""No value comes back, in whatever form and place the hostile server sends it, and wherever the chunks end."""

import asyncio
import sys

from canaries import Canary, leaks
from checks import Checks
from everything import until
from gateway import Gateway, Program
from hostile import HERE, HTTP, PROGRAMS, Owner, canary, direct, found, of, peers
from rpc import Peer, Refused

sys.path.insert(0, str(HERE))
import forms  # noqa: E402

PLACES = (
    "text",
    "structured",
    "members",
    "failure",
    "error",
    "progress",
    "log",
    "notification",
    "resource",
    "blob",
    "unknown",
    "stderr",
    "stream",
)
ASKING = {"legacy": ("sampling", "elicitation"), "modern": ("question",), "program": ("sampling", "elicitation")}
# How many bytes are written at a time, and where: every place once in one piece, some byte by byte.
SPLITS = (("text", 1), ("structured", 1), ("progress", 1), ("members", 7), ("blob", 1), ("error", 3))
LISTS = (
    ("resources/read", {"uri": "x://a"}),
    ("resources/list", {}),
    ("prompts/list", {}),
    ("prompts/get", {"name": "a"}),
    ("completion/complete", {"ref": {"type": "ref/prompt", "name": "a"}, "argument": {"name": "a", "value": ""}}),
)


async def leak(peer: Peer, place: str, split: int = 0, **more: str) -> object:
    """Makes the server send the values back; an error counts as an answer."""
    arguments = {"place": place, "split": split} | more
    params = {"name": "leak", "arguments": arguments, "_meta": {"progressToken": "a-token"}}
    try:
        return await peer.request("tools/call", params)
    except Refused as error:
        return error.error


async def control(checks: Checks, program: Program) -> None:
    """The hostile server does leak: without a gateway everything is found."""
    key, token = canary("key"), canary("token")
    unseen = [name for name, form in forms.forms(key.value).items() if not leaks([key], "", form.encode())]
    checks.none("control: every form of a value is recognised", unseen)
    for name, peer in direct(program, {"Authorization": f"Bearer {token.value}"}):
        async with peer:
            for place in (*PLACES, *ASKING[name]):
                if place == "stderr" and name != "program":
                    continue  # Of a server over HTTP no client sees it.
                result = await leak(peer, place, api_key=key.value)
                # What comes beside the answer may come after it.
                await until(lambda: shows(key, place, peer, result), 2)
                checks.that(f"control: {place} leaks to a client of the {name} era", shows(key, place, peer, result))
                peer.raw.clear()
                peer.received.clear()
            if name != "program":
                checks.that(
                    f"control: what is given beside arguments leaks to the {name} era", await beside(peer, token)
                )


def shows(key: Canary, place: str, peer: Peer, result: object) -> bool:
    """Whether the value is seen where it was put."""
    if place == "stderr":
        return bool(leaks([key], place, bytes(peer.errors)))
    return bool(found([key], place, peer, result))


async def beside(peer: Peer, token) -> bool:
    result = await leak(peer, "text")
    return bool(found([token], "text", peer, result))


async def nothing_leaks(checks: Checks, gateway: Gateway, owner: Owner, kinds: tuple[str, ...]) -> None:
    for server in of(kinds, "hostile-plain", "program-plain"):
        for era, peer in peers(gateway, owner.user, server):
            async with peer:
                if era == "legacy":
                    await peer.listen()
                await places(checks, f"{server}, {era}", peer, owner, ASKING[era])
    everything = {server: await lists(gateway, owner, server) for server in of(kinds, *HTTP, *PROGRAMS)}
    checks.none("no list shows a value", [fault for faults in everything.values() for fault in faults])


async def places(checks: Checks, name: str, peer: Peer, owner: Owner, asking: tuple[str, ...]) -> None:
    marked = "[secret:the-key]"
    unseen = ("stderr", "stream", "notification") if name == "program-plain, modern" else ("stderr", "stream")
    for place, split in [(place, 0) for place in (*PLACES, *asking)] + list(SPLITS):
        result = await leak(peer, place, split)
        # What comes beside the answer may come after it.
        if place not in unseen:
            await until(lambda: marked in repr([result, peer.received]), 2)
        label = f"{name}: {place}" + (f", {split} at a time" if split else "")
        faults = found(owner.canaries, label, peer, result)
        checks.none(f"{label}: no value", faults)
        shown = repr([result, peer.received])
        # The stream's own fields and standard error are not passed on at all, nor what no request can be found for.
        wanted = "nothing of it comes" if place in unseen else "it says what was there"
        checks.that(f"{label}: {wanted}", (marked in shown) == (place not in unseen), shown[:300])
        peer.raw.clear()
        peer.received.clear()
    further = await leak(peer, "beyond")
    lines = further["content"][0]["text"].splitlines()
    kept = {line.split(": ")[0] for line in lines if "[secret:" not in line}
    print(f"{name}: forms outside the guarantee that came through: {', '.join(sorted(kept)) or 'none'}")
    peer.raw.clear()
    # A value that the model makes up for a hidden argument is discarded.
    echoed = await peer.call("echo", api_key="made up by a model", place="x")
    arguments = echoed.get("structuredContent", {}).get("arguments", {})
    checks.that(f"{name}: what a model gives is dropped", arguments.get("api_key") == marked, echoed)


async def lists(gateway: Gateway, owner: Owner, server: str) -> list[str]:
    faults = []
    for era, peer in peers(gateway, owner.user, server):
        try:
            async with peer:
                for method, params in LISTS:
                    await peer.request(method, params)
                tools = await peer.tools()
                faults += found(owner.canaries, f"{server}, {era}", peer, peer.server, tools)
        except Refused as error:
            if server != "hostile-old":
                faults.append(f"{server}, {era}: {error}")
    return faults
