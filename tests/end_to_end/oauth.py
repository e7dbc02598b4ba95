"""A server at which people sign in: imported, connected, called, renewed, given more rights, and disconnected.

The authorization server is npm oidc-provider. Two servers of Toolvault share a PostgreSQL database.
"""

import asyncio
import contextlib
import json
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import person
import server
import suite
from canaries import Canary, leaks, leaks_in_files
from checks import Checks
from gateway import Gateway, User
from postgres import Postgres
from rpc import LEGACY, MODERN, Legacy, Modern, Peer, Refused, Standard

FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else "")
NAME = "notes"
# How long a token is good. It is renewed when a tenth of that is left.
SECONDS = 4
ERAS = {LEGACY: Legacy, MODERN: Modern}
CALLS = 25
SECRETS = {
    "access_token",
    "authorization_code",
    "code_verifier",
    "refresh_token",
    "registration_access_token",
    "state",
}


class Notes:
    """The tool server and its authorization server."""

    def __init__(self, seconds: int) -> None:
        command = ["node", str(FOLDER / "tool_server.mjs"), str(seconds)]
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the tool server did not start")
        self.ready = json.loads(line)

    @property
    def url(self) -> str:
        return self.ready["url"]

    def ask(self, path: str) -> dict:
        with urllib.request.urlopen(self.url.replace("/mcp", path), timeout=30) as answer:
            return json.load(answer)

    def seen(self) -> dict[str, int]:
        """What happened at the authorization server."""
        return self.ask("/seen")

    def kept_secret(self) -> dict[str, list[str]]:
        """What only Toolvault and the authorization server may know, by kind."""
        return self.ask("/secrets")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def text(result: dict) -> str:
    return " ".join(one.get("text", "") for one in result["content"])


async def said(peer: Peer, tool: str = "whoami", **arguments: str) -> str:
    """What a tool says, or why it is refused."""
    try:
        return text(await peer.call(tool, **arguments))
    except Refused as refused:
        return str(refused.error)


async def told(peer: Peer, tool: str = "whoami", **arguments: str) -> str:
    """What a tool says to a new client, or why either is refused."""
    try:
        await peer.open()
        return await said(peer, tool, **arguments)
    except Refused as refused:
        return str(refused.error)
    finally:
        with contextlib.suppress(Refused):
            await peer.close()


class World:
    """Two servers of Toolvault on a database, a tool server, and a user with an agent."""

    def __init__(self, folder: Path, notes: Notes) -> None:
        self.folder, self.notes = folder, notes
        settings = {"database_url": Postgres().new_database("oauth"), "root_key_file": str(folder / "root.key")}
        self.gateways = [
            Gateway(folder / name, {}, first_keys_file=str(folder / f"{name}.keys"), **settings) for name in ("one", "two")
        ]

    async def begin(self) -> None:
        # The first sets up.
        for gateway in self.gateways:
            await gateway.begin()
        self.user = await self.gateways[0].user("ann")

    def end(self) -> None:
        for gateway in self.gateways:
            gateway.kill()
        self.notes.end()

    def peer(self, era: str, number: int = 0) -> Peer:
        return ERAS[era](self.gateways[number].url(NAME), self.user.headers)

    def program(self) -> Standard:
        """A client that starts `toolvault mcp stdio`."""
        gateway = self.gateways[0]
        environment = gateway.environment | {"TOOLVAULT_API_KEY": self.user.key}
        return Standard([server.BINARY, "mcp", "stdio", NAME], environment)

    async def command(self, *words: str) -> subprocess.CompletedProcess:
        return await self.gateways[0].command(*words, api_key=self.user.manager)


async def imported(checks: Checks, world: World) -> None:
    """A client's file names the server, as it does today without a key."""
    first = world.gateways[0]
    file = world.folder / ".mcp.json"
    file.write_text(json.dumps({"mcpServers": {NAME: {"type": "http", "url": world.notes.url}}}))
    # It makes a key for the client.
    key = await first.spoken("key", "create", "--user", "ann", "--scope", "manage", "--scope", "use")
    words = ["mcp", "import", str(file), "--yes", "--config", str(first.configuration)]
    done = await first.command(*words, api_key=key["key"])
    checks.that("a server without a key is imported", done.returncode == 0, done)
    entry = json.loads(file.read_text())["mcpServers"][NAME]
    checks.that("the client's file leads to the gateway", first.url(NAME) in json.dumps(entry), entry)
    world.gateways[1].configuration.write_text(first.configuration.read_text())
    for gateway in world.gateways:
        await gateway.stop()
        await gateway.begin()


async def led_to_sign_in(checks: Checks, world: World) -> None:
    """Before the sign-in, every client learns where it is."""
    for era in ERAS:
        found = await told(world.peer(era))
        checks.that(f"{era}: a call without a sign-in says where it is", f"#/connect/{NAME}" in found, found)
    found = await told(world.program())
    checks.that("over stdio, too", f"mcp connect {NAME}" in found, found)
    for words in (["explain", f"{NAME}__whoami"], ["mcp", "test", NAME]):
        done = await world.gateways[0].command(*words, api_key=world.user.key)
        found = (done.stdout + done.stderr).decode()
        checks.that(f"{words[0]} names the command", f"toolvault mcp connect {NAME}" in found, found)


async def connected(checks: Checks, world: World) -> None:
    """`toolvault mcp connect`, as a person uses it."""
    first = world.gateways[0]
    environment = first.environment | {"TOOLVAULT_API_KEY": world.user.manager}
    pipe = asyncio.subprocess.PIPE
    words = [server.BINARY, "mcp", "connect", NAME, "--no-browser"]
    command = await asyncio.create_subprocess_exec(*words, env=environment, stdin=pipe, stdout=pipe, stderr=pipe)
    shown = b""
    async with asyncio.timeout(60):
        while not (found := re.search(rb"(http\S+/auth\?\S+)\n", shown)):
            line = await command.stderr.readline()
            if not line:
                raise RuntimeError(f"mcp connect ended: {shown.decode()}")
            shown += line
    url = found[1].decode()
    redirect = re.search(r"redirect_uri=([^&]+)", url)[1].replace("%3A", ":").replace("%2F", "/")
    answer = await person.sign_in(url, redirect, "ann")
    # The browser is on another machine: its person pastes where it ended, after what is no text and the wrong address.
    pasted = b"\xff\n" + f"{url}\n{answer}\n".encode()
    async with asyncio.timeout(60):
        output, errors = await command.communicate(pasted)
    checks.that("an address of something else is no answer", b"does not end the sign-in" in errors, errors)
    checks.that("mcp connect signs in", command.returncode == 0 and NAME.encode() in output, (output, shown, errors))
    checks.that("and asks for what the server's description has", b"read write" in shown, shown)
    seen = world.notes.seen()
    checks.that("with one registration and one code", (seen["registered"], seen["signedIn"]) == (1, 1), seen)


async def called(checks: Checks, world: World) -> None:
    for era in ERAS:
        for number in range(2):
            found = await told(world.peer(era, number))
            checks.that(f"{era}: the tool at server {number + 1} knows the person", found == "You are ann.", found)
    found = await told(world.program())
    checks.that("and for a client over stdio", found == "You are ann.", found)


async def renewed(checks: Checks, world: World) -> None:
    """Calls through both servers, for longer than a token is good: every refresh token is used once."""
    before = world.notes.seen()
    peers = [world.peer(era, number) for era in ERAS for number in range(2)]
    program = world.program()
    for peer in [*peers, program]:
        await peer.open()
    rounds, began = 3, time.monotonic()
    for _ in range(rounds):
        # Only time ends a token.
        await asyncio.sleep(SECONDS)
        calls = [said(peer) for _ in range(CALLS) for peer in peers] + [said(program)]
        answers = await asyncio.gather(*calls)
        checks.none(f"{len(calls)} calls after a token ended", [one for one in answers if one != "You are ann."])
    for peer in [*peers, program]:
        await peer.close()
    after = world.notes.seen()
    refreshes = after["refreshed"] - before["refreshed"]
    print(f"{refreshes} refreshes in {rounds} rounds of {len(calls)} calls through two servers")
    # A machine that is slow needs more than one in a round.
    most = (time.monotonic() - began) / (0.9 * SECONDS) + 1
    checks.that("a token was renewed once, when it had ended", rounds <= refreshes <= most, (before, after, most))
    checks.that("none was refused", after["refused"] == before["refused"], after)
    checks.that("none was used twice", after["revoked"] == before["revoked"], after)


async def outlasted(checks: Checks, world: World) -> None:
    """A token that ends in the middle of a stream."""
    for era in ERAS:
        async with world.peer(era) as peer:
            found = await said(peer, "outlast")
            checks.that(f"{era}: a stream goes on after its token has ended", found == "Your token has ended.", found)
            heard = peer.notes("notifications/message")
            checks.that(f"{era}: and its notifications came", len(heard) > 1, heard)
            found = await said(peer)
            checks.that(f"{era}: the next call has another token", found == "You are ann.", found)
            found = await said(peer, "break")
            owed = "unknown" in found or "ended" in found
            checks.that(f"{era}: a stream that its server ends is an error", owed, found)
            found = await said(peer)
            checks.that(f"{era}: and the next call has another token", found == "You are ann.", found)


async def given_more(checks: Checks, world: World) -> None:
    """A tool wants a scope that the person did not grant."""
    pages = set()
    for era in ERAS:
        found = await told(world.peer(era), "erase")
        page = re.search(rf"#/connect/{NAME}\?scopes=(\w+)", found)
        checks.that(f"{era}: a tool that wants more rights leads to the page", page, found)
        pages.add(page and page[1])
    checks.that("which asks for that scope only", pages == {"erase"}, pages)
    connection = await person.connect(world.user, NAME, "ann", scopes=["erase"])
    checks.that("the person grants it beside the others", sorted(connection["scopes"]) == ["erase", "read", "write"], connection)
    for era in ERAS:
        for number in range(2):
            found = await told(world.peer(era, number), "erase")
            checks.that(f"{era}: and the tool at server {number + 1} does it", found == "ann erased everything.", found)


async def disconnected(checks: Checks, world: World) -> None:
    listed = await world.command("mcp", "connections")
    owed = re.search(rb"(?m)^notes +connected ", listed.stdout)
    checks.that("the connection is listed", owed, listed)
    before = world.notes.seen()
    done = await world.command("mcp", "disconnect", NAME)
    checks.that("mcp disconnect signs out", done.stdout == b"Signed out at notes.\n", done)
    revoked = world.notes.seen()["revoked"] - before["revoked"]
    checks.that("and gives the tokens back", revoked >= 1, revoked)
    for era in ERAS:
        for number in range(2):
            found = await told(world.peer(era, number))
            checks.that(f"{era}: server {number + 1} has no token any more", f"#/connect/{NAME}" in found, found)


async def nothing_is_told(checks: Checks, world: World) -> None:
    """The trail is whole, and nothing that is secret is in it or in a file."""
    kinds, seen = world.notes.kept_secret(), world.notes.seen()
    canaries = [Canary.of(kind, value) for kind, values in kinds.items() for value in values]
    checks.that("control: each kind of secret was used", kinds.keys() == SECRETS, kinds.keys())
    issued = {kind: len(kinds.get(kind, [])) for kind in ("authorization_code", "access_token")}
    owed = {"authorization_code": seen["signedIn"], "access_token": seen["signedIn"] + seen["refreshed"]}
    checks.that("control: all that were issued are known", issued == owed, (issued, owed))
    unseen = [one.purpose for one in canaries if not leaks([one], "", json.dumps(kinds).encode())]
    checks.none("control: each is found where it is", unseen)
    checks.that("control: both logs are searched", all(one.log.is_relative_to(world.folder) for one in world.gateways))
    checks.none("no token, code or state is in a file", leaks_in_files(canaries, world.folder))
    trail = await world.user.ask("GET", "/v1/audit?limit=1000")
    checks.that("the trail has the refreshes", b"connection.renewed" in trail.body, trail)
    checks.none("nor in the trail", leaks(canaries, "the trail", trail.body))
    done = await world.gateways[0].command("audit", "verify", "--json")
    checks.that("the audit trail verifies", done.returncode == 0, done.stdout)


async def walk(checks: Checks, folder: Path) -> None:
    world = World(folder, Notes(SECONDS))
    try:
        await world.begin()
        for step in (imported, led_to_sign_in, connected, called, renewed, outlasted, given_more, disconnected, nothing_is_told):
            await step(checks, world)
    finally:
        world.end()


if __name__ == "__main__":
    suite.run(walk)
