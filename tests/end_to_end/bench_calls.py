"""Calls of a tool through the gateway, beside a plain hop, the tool server itself, and another gateway."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench_aims import HOP, PROXY
from bench_ways import Http, Way
from gateway import Program
from rpc import LEGACY, META, MODERN, Legacy
from server import free_port

if TYPE_CHECKING:
    from bench import Store

# The size of a typical tool answer.
MESSAGE = "A long description of an issue in a project, in prose. " * 20
MCP_PROXY = """[proxy]
name = "bench"

[proxy.listen]
host = "127.0.0.1"
port = {port}

[[backends]]
name = "fixture"
transport = "http"
url = "{url}"

[backends.default_args]
api_key = "{value}"
"""


def mcp_proxy(folder: Path, url: str, value: str) -> Program:
    """A gateway that adds the same argument to each call, but does not authenticate, record, or redact."""
    port, place = free_port(), folder / "mcp-proxy.toml"
    place.write_text(MCP_PROXY.format(port=port, url=url, value=value))
    command = [os.environ["TOOLVAULT_MCP_PROXY"], "--config", str(place)]
    return Program(command, folder / "mcp-proxy.log", port=port)


@dataclass
class Calls:
    """The servers through which a tool of `fixture` is called."""

    store: "Store"
    fixture: Program
    hop: Program
    proxy: Program

    async def compare(self, compare: Callable, title: str, era: str, tool: str, value: str) -> None:
        """Measures calls of `tool`, which takes a message and the secret `value`."""
        headers = {"accept": "application/json, text/event-stream"}
        metadata = {}
        if era == "modern":
            metadata = {"_meta": {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}}}
            headers |= {"mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": tool}
        gateway = self.store.gateway
        # Without a gateway, the client adds the secret itself.
        given = {"message": MESSAGE, "api_key": value}
        servers = [
            (HOP, self.hop.url, self.hop.process.pid, {}, tool, given),
            ("the tool server itself", self.fixture.url, self.fixture.process.pid, {}, tool, given),
        ]
        injected = {"message": MESSAGE}
        own = self.store.user.headers
        servers.append((self.store.name, gateway.url("fixture"), gateway.process.pid, own, tool, injected))
        if era == "legacy":
            url = f"http://127.0.0.1:{self.proxy.port}/"
            servers.append((PROXY, url, self.proxy.process.pid, {}, f"fixture/{tool}", injected))
        ways, peers = [], []
        for name, url, process, credentials, called, arguments in servers:
            session = {}
            if era == "legacy":
                peers.append(Legacy(url, credentials))
                await peers[-1].open()
                session = {"mcp-session-id": peers[-1].session, "mcp-protocol-version": LEGACY}
            # Each call of a session needs an ID of its own.
            params = {"name": called, "arguments": arguments} | metadata
            body = json.dumps({"jsonrpc": "2.0", "id": "$N", "method": "tools/call", "params": params})
            ways.append(Way(name, Http(url, process, "POST", body, headers | session | credentials)))
        compare(title, ways, (1, 16))
        for peer in peers:
            await peer.close()
