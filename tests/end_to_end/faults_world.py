"""A gateway between two proxies that break things, a server behind it, and clients of official SDKs before it."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import server
from fault_proxy import FaultProxy
from gateway import Gateway, Program, User
from told_client import Told

FIXTURE, FOLDER, PYTHONS = (sys.argv[1], sys.argv[2], sys.argv[3:]) if len(sys.argv) > 3 else ("", "", [])
HERE = Path(__file__).parent.parent / "mcp" / "clients"
NODE = f"{FOLDER}/node_modules/node/bin/node"
SERVER = "up"


def programs() -> list[tuple[str, list[str], str]]:
    """Name, command and era of each client."""
    python_2, python_1 = ([python, str(HERE / f"told_python_{n}.py")] for python, n in zip(PYTHONS, (2, 1), strict=True))
    modern, legacy = ([NODE, f"{FOLDER}/told_{name}.mjs"] for name in ("modern", "legacy"))
    return [
        ("python 1", python_1, "legacy"),
        ("python 2", python_2, "legacy"),
        ("python 2", python_2, "modern"),
        ("typescript 1", legacy, "legacy"),
        ("typescript 2", modern, "legacy"),
        ("typescript 2", modern, "modern"),
    ]


class World:
    """A gateway between two proxies, a server behind it, and clients before it."""

    def __init__(self, folder: Path, near: FaultProxy, far: FaultProxy, gateway: Gateway, user: User) -> None:
        self.folder, self.near, self.far, self.gateway, self.user = folder, near, far, gateway, user
        self.clients: list[Told] = []
        self.own_calls = 0

    @property
    def bridged(self) -> list[Told]:
        return [client for client in self.clients if client.is_bridged]

    @property
    def direct(self) -> list[Told]:
        return [client for client in self.clients if not client.is_bridged]

    async def connect(self, kinds: Iterable[str] = ("bridged", "direct")) -> None:
        """Clients of these kinds in place of those that there were."""
        left = [client for client in self.clients if ("bridged" if client.is_bridged else "direct") in kinds]
        await asyncio.gather(*(client.end() for client in left))
        self.clients = [client for client in self.clients if client not in left]
        url = f"http://127.0.0.1:{self.near.port}"
        environment = {"TOOLVAULT_URL": url, "TOOLVAULT_API_KEY": self.user.key, "PATH": os.environ["PATH"]}
        targets = {
            "bridged": {"command": [server.BINARY, "mcp", "stdio", SERVER], "environment": environment},
            "direct": {"url": f"{url}/mcp/{SERVER}", "key": self.user.key},
        }
        new = [
            Told(f"{name} ({era}, {kind})", program, era, targets[kind])
            for name, program, era in programs()
            for kind in kinds
        ]
        self.clients += new
        await asyncio.gather(*(client.start() for client in new))

    def kill(self) -> None:
        """Kills the gateway; nobody listens where it was."""
        self.gateway.kill()
        self.near.leave()

    async def begin(self) -> None:
        await self.gateway.begin()
        await self.near.listen()

    async def restart_server(self) -> None:
        """Ends the server behind and starts it again where it was."""
        self.fixture.end()
        self.start_server()

    def start_server(self) -> None:
        port = self.far.target
        self.fixture = Program([FIXTURE, "http", f"127.0.0.1:{port}"], self.folder / "fixture.log", port=port)
        self.own_calls = 0


class Counter:
    """A client that asks the server itself how often its tools were called."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def __aenter__(self) -> "Counter":
        name, program, era = programs()[2]
        target = {"url": self.world.fixture.url, "key": "none"}
        self.client = await Told(f"{name} (counts)", program, era, target).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.end()

    async def calls(self) -> int:
        """Calls of others so far."""
        self.world.own_calls += 1
        said = json.loads((await self.client.call("process", {}))["text"])
        return said["calls"] - self.world.own_calls

    async def until(self, calls: int) -> None:
        async with asyncio.timeout(60):
            while await self.calls() < calls:
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def world(folder: Path, **limits: int) -> AsyncIterator[World]:
    """A world with clients."""
    async with FaultProxy(server.free_port()) as far:
        servers = {SERVER: {"url": f"http://127.0.0.1:{far.port}/mcp", "allow_private_network": True}}
        gateway = Gateway(folder / "gateway", servers, {"limits": limits} if limits else None)
        made = None
        try:
            await gateway.begin()
            async with FaultProxy(gateway.port) as near:
                made = World(folder, near, far, gateway, await gateway.user("ada"))
                made.start_server()
                await made.connect()
                yield made
        finally:
            if made:
                await asyncio.gather(*(client.end() for client in made.clients))
                made.fixture.end()
            gateway.kill()
