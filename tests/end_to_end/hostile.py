"""The fixtures of the hostile suite: the server, the values for it, and a listener elsewhere."""

import asyncio
import hashlib
import json
import sys
from pathlib import Path

from canaries import Canary, leaks
from gateway import Gateway, Program, User
from rpc import Legacy, Modern, Peer, Standard

HERE = Path(__file__).parent.parent / "mcp" / "hostile"
OVER_STDIO = [sys.executable, str(HERE / "over_stdio.py")]
PLACES = ("plain", "duplicates", "foreign", "changing", "pinned", "shared", "old")
# Each has different special characters; a header allows only ASCII.
MARKS = "\"/<&%'\\+ "


def canary(purpose: str) -> Canary:
    """A value that may be a header."""
    made = Canary(purpose)
    made.value = f"canary{MARKS}{made.token}{MARKS}end"
    return made


def mark(value: str) -> str:
    """A fingerprint with which the hostile server shows which values it received."""
    return hashlib.sha256(value.encode()).hexdigest()


class Recorder:
    """Listens at the target of a redirect, and records the requests."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.connections = 0

    async def begin(self) -> None:
        self.server = await asyncio.start_server(self._hear, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    def forget(self) -> None:
        self.heard.clear()
        self.connections = 0

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.heard += await reader.read(65_536)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()


class Owner:
    """A user with one canary for each path by which a value reaches a server."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.key, self.token = canary(f"the key of {user.name}"), canary(f"the token of {user.name}")
        self.header, self.query = canary(f"the header of {user.name}"), canary(f"the query of {user.name}")
        self.variable = canary(f"the variable of {user.name}")
        self.ids: dict[str, str] = {}

    @property
    def canaries(self) -> list[Canary]:
        return [self.key, self.token, self.header, self.query, self.variable]

    async def bind(self, http: list[str], programs: list[str]) -> None:
        """Creates the secrets, and stores their IDs by `server argument`."""
        for server in [*http, *programs]:
            self.ids[f"{server} key"] = await self.user.secret("the-key", self.key.value, f"{server}__*", "api_key")
        beside = {"Authorization": self.token, "X-Key": self.header}
        for server in http:
            for name, value in beside.items():
                made = await self.user.secret(
                    f"{server}-{name.lower()}", value.value, f"{server}__", f"headers.{name}", False
                )
                self.ids[f"{server} {name}"] = made
            self.ids[f"{server} query"] = await self.user.secret(
                f"{server}-query", self.query.value, f"{server}__", "url", False
            )
        for server in programs:
            made = await self.user.secret(
                f"{server}-variable", self.variable.value, f"{server}__", "env.HOSTILE_TOKEN", False
            )
            self.ids[f"{server} variable"] = made


def settings(program: Program, fixture: Program) -> dict[str, dict]:
    """The hostile server in all configurations, and an honest one."""
    servers = {}
    for place in PLACES:
        server = f"hostile-{place}"
        headers = {
            "Authorization": f"Bearer {{{{ secret://{server}-authorization }}}}",
            "X-Key": f"{{{{ secret://{server}-x-key }}}}",
        }
        path = "changing" if place == "pinned" else place
        url = f"http://127.0.0.1:{program.port}/mcp/{path}?k={{{{ secret://{server}-query }}}}"
        servers[server] = {"url": url, "headers": headers, "allow_private_network": True}
    # Elsewhere, a tool whose definition changes is withheld.
    servers["hostile-changing"]["pin"] = "off"
    for place in ("plain", "duplicates", "stubborn", "large"):
        server = f"program-{place}"
        servers[server] = {"command": [*OVER_STDIO, place], "env": {"HOSTILE_TOKEN": f"secret://{server}-variable"}}
    servers["good"] = {"url": fixture.url, "allow_private_network": True}
    return servers


HTTP = [f"hostile-{place}" for place in PLACES]
PROGRAMS = ["program-plain", "program-duplicates", "program-stubborn", "program-large"]
# The sandbox and the user of the server can only matter to programs.
KINDS = ("hostile", "program")


def of(kinds: tuple[str, ...], *servers: str) -> list[str]:
    """Those of the servers that are of these kinds."""
    return [server for server in servers if server.startswith(kinds)]


ANSWERS = {
    "sampling/createMessage": lambda _: {"role": "assistant", "content": {"type": "text", "text": "x"}, "model": "m"},
    "elicitation/create": lambda _: {"action": "accept", "content": {}},
}


def found(canaries: list[Canary], place: str, peer: Peer, *more: object) -> list[str]:
    """The locations of values in received data, raw and decoded."""
    read = json.dumps([*peer.received, *more], ensure_ascii=False)
    return leaks(canaries, f"the bytes of {place}", bytes(peer.raw)) + leaks(
        canaries, f"the text of {place}", read.encode(errors="surrogatepass")
    )


def peers(gateway: Gateway, user: User, server: str) -> list[tuple[str, Peer]]:
    """A client of each era for one server."""
    return [(era.__name__.lower(), era(gateway.url(server), user.headers, dict(ANSWERS))) for era in (Legacy, Modern)]


def direct(program: Program, somebody_has: dict[str, str]) -> list[tuple[str, Peer]]:
    """Direct clients of the hostile server, which send it what the gateway would."""
    url = f"http://127.0.0.1:{program.port}/mcp/plain"
    over_http = [(era.__name__.lower(), era(url, somebody_has, dict(ANSWERS))) for era in (Legacy, Modern)]
    return [*over_http, ("program", Standard(OVER_STDIO, None, dict(ANSWERS)))]
