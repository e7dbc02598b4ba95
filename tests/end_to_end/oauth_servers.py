"""Servers of the official SDKs at which people sign in, behind the gateway, in each era that they know."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import person
import suite
from checks import Checks
from gateway import Gateway, Program, until_listening
from oauth import ERAS, told
from rpc import LEGACY, MODERN
from server import free_port

PYTHON_1, PYTHON_2, FOLDER = sys.argv[1:4] if len(sys.argv) > 3 else ("", "", "")
PYTHON = str(Path(__file__).parent.parent / "mcp" / "servers" / "sign_in.py")
TYPESCRIPT = f"{FOLDER}/node_modules/@modelcontextprotocol/sdk/dist/esm/examples/server/simpleStreamableHttp.js"
# Python's tokens: they end while the suite runs.
SECONDS = 3


def python(interpreter: str, folder: Path) -> Program:
    return Program([interpreter, PYTHON, "$PORT", str(SECONDS)], folder / "python.log")


def typescript(folder: Path) -> Program:
    """The SDK's example with its authorization server, which accepts only tokens for itself."""
    issuer = free_port()
    environment = os.environ | {"MCP_PORT": "$PORT", "MCP_AUTH_PORT": str(issuer)}
    program = Program(
        [f"{FOLDER}/node_modules/node/bin/node", TYPESCRIPT, "--oauth", "--oauth-strict"], folder / "typescript.log", environment
    )
    until_listening(program.process, issuer)
    return program


@dataclass
class Server:
    """The eras that it knows, a call, what it answers, and whether it issues refresh tokens."""

    eras: tuple[str, ...]
    call: dict[str, str]
    owed: str
    refreshes: bool


async def walk(checks: Checks, gateway: Gateway, name: str, server: Server) -> None:
    user = await gateway.user(name)
    eras, owed = server.eras, server.owed

    async def said(era: str) -> str:
        return await told(ERAS[era](gateway.url(name), user.headers), **server.call)

    for era in eras:
        found = await said(era)
        checks.that(f"{name}, {era}: without a sign-in a call says where it is", f"#/connect/{name}" in found, found)
    connection = await person.connect(user, name)
    checks.that(f"{name}: a person signs in", connection["state"] == "connected", connection)
    for era in eras:
        found = await said(era)
        checks.that(f"{name}, {era}: then the call is made", owed in found, found)
    checks.that(f"{name}: with a refresh token, if it issues any", connection["can_refresh"] == server.refreshes, connection)
    if server.refreshes:
        # Only time ends a token.
        await asyncio.sleep(SECONDS + 1)
        for era in eras:
            found = await said(era)
            checks.that(f"{name}, {era}: and after its token has ended", owed in found, found)
        listed = (await user.ask("GET", "/v1/connections")).json()["data"]
        renewed = next(one["renewed_at"] for one in listed if one["server"] == name)
        checks.that(f"{name}: which was renewed", renewed > connection["renewed_at"], renewed)
    done = await user.ask("DELETE", f"/v1/connections/{name}")
    checks.that(f"{name}: the person signs out", done.status == 200, done)
    for era in eras:
        found = await said(era)
        checks.that(f"{name}, {era}: then there is no token", f"#/connect/{name}" in found, found)


async def servers(checks: Checks, folder: Path) -> None:
    programs: dict[str, Program] = {}
    gateway = None
    try:
        programs["python1"] = python(PYTHON_1, folder)
        programs["python2"] = python(PYTHON_2, folder)
        programs["typescript"] = typescript(folder)
        # The SDK names itself by this host.
        hosts = {"typescript": "localhost"}
        gateway = Gateway(
            folder / "gateway",
            {
                name: {
                    "url": program.url.replace("127.0.0.1", hosts.get(name, "127.0.0.1")),
                    "allow_private_network": True,
                }
                for name, program in programs.items()
            },
        )
        await gateway.begin()
        whoami, greet = {"tool": "whoami"}, {"tool": "greet", "name": "ann"}
        known = "You are ann, with notes."
        await walk(checks, gateway, "python1", Server((LEGACY,), whoami, known, refreshes=True))
        await walk(checks, gateway, "python2", Server((LEGACY, MODERN), whoami, known, refreshes=True))
        await walk(checks, gateway, "typescript", Server((LEGACY,), greet, "Hello, ann!", refreshes=False))
    finally:
        for program in programs.values():
            program.end()
        if gateway:
            gateway.kill()


if __name__ == "__main__":
    suite.run(servers)
