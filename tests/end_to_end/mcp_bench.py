"""The latency of the gateway: the same calls directly, over one more plain hop, and through the gateway."""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from gateway import DIRECT, Gateway, Program
from rpc import LEGACY, META, MODERN, Legacy

FIXTURE = sys.argv[1] if len(sys.argv) > 1 else ""
REQUESTS = int(os.environ.get("TOOLVAULT_BENCH_REQUESTS", "4000"))
ROUNDS = int(os.environ.get("TOOLVAULT_BENCH_ROUNDS", "5"))
CONNECTIONS = (1, 16)
# The median, relative to the plain hop.
AIM = 1.25
# The size of a typical tool answer.
MESSAGE = "An issue that somebody wrote about at some length. " * 20
VALUE = "a-key-that-is-injected-and-found-again"


@dataclass
class Way:
    """One path to the same server."""

    name: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    runs: list[dict] = field(default_factory=list)

    def load(self, era: str, connections: int, session: dict[str, str]) -> dict:
        params = {"name": "echo", "arguments": {"message": MESSAGE} | self.arguments}
        headers = self.headers | session
        if era == "modern":
            params["_meta"] = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}}
            headers |= {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "echo"}
        body = json.dumps({"jsonrpc": "2.0", "id": "$ID", "method": "tools/call", "params": params}).replace(
            '"$ID"', "$ID"
        )
        words = [FIXTURE, "load", self.url, str(REQUESTS), str(connections), body]
        done = subprocess.run(
            [*words, *(f"{name}={value}" for name, value in headers.items())], capture_output=True, check=True
        )
        run = json.loads(done.stdout)
        if run["failed"]:
            raise RuntimeError(f"{self.name}: {run['failed']} of {run['requests']} calls failed")
        return run

    def figure(self, name: str) -> float:
        return statistics.median(run[name] for run in self.runs)


async def compare(ways: list[Way], era: str, connections: int) -> bool:
    """Alternates between all paths, so that other load affects them equally. Returns whether the target is met."""
    for way in ways:
        way.runs = []
    for _ in range(ROUNDS):
        for way in ways:
            session, peer = {}, None
            if era == "legacy":
                peer = Legacy(way.url, way.headers)
                await peer.open()
                session = {"Mcp-Session-Id": peer.session, "MCP-Protocol-Version": LEGACY}
            way.runs.append(await asyncio.to_thread(way.load, era, connections, session))
            if peer:
                await peer.close()
    direct, hop, *_ = ways
    print(f"\n{era}, {connections} at a time, {ROUNDS} rounds of {REQUESTS} calls")
    print(f"  {'way':<16}{'p50 µs':>9}{'p99 µs':>9}{'calls/s':>10}{'added p50':>11}{'of the hop':>12}")
    for way in ways:
        share = way.figure("p50") / hop.figure("p50")
        added = way.figure("p50") - direct.figure("p50")
        print(
            f"  {way.name:<16}{way.figure('p50'):>9.0f}{way.figure('p99'):>9.0f}{way.figure('per_second'):>10.0f}{added:>11.0f}{share:>11.2f}x"
        )
    return ways[-1].figure("p50") <= AIM * hop.figure("p50")


async def bench(folder: Path) -> bool:
    fixture = Program([FIXTURE, "http", "127.0.0.1:$PORT"], folder / "fixture.log")
    hop = Program([FIXTURE, "hop", "127.0.0.1:$PORT", f"127.0.0.1:{fixture.port}"], folder / "hop.log")
    gateway = None
    given = {"api_key": VALUE}
    ways = [Way("directly", fixture.url, {}, given), Way("one plain hop", hop.url, {}, given)]
    try:
        if not os.environ.get(DIRECT):
            gateway = Gateway(folder / "gateway", {"fixture": {"url": fixture.url, "allow_private_network": True}})
            await gateway.begin()
            user = await gateway.user("bench")
            await user.secret("the-key", VALUE, "fixture__echo", "api_key")
            ways.append(Way("the gateway", gateway.url("fixture"), user.headers))
        met = [await compare(ways, era, connections) for era in ("modern", "legacy") for connections in CONNECTIONS]
        if gateway:
            print(f"\nmemory of the gateway: {gateway.resident() >> 20} MiB")
        return all(met)
    finally:
        hop.end()
        fixture.end()
        if gateway:
            gateway.kill()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="toolvault-bench-") as place:
        is_met = asyncio.run(bench(Path(place)))
    if not os.environ.get(DIRECT):
        print(f"the aim, at most {AIM} times the plain hop at the median, is {'met' if is_met else 'not met'}")
