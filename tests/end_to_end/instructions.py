"""How many instructions of the server a request takes, beside the committed figures.

`--write` replaces the figures.
"""

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import suite
from checks import Checks
from client import Client
from echo import Echo
from gateway import SECRETS, Gateway, User
from rpc import META, MODERN

FIGURES = Path(__file__).with_name("instructions.json")
# How much more than the figure a request may take.
GROWTH = 0.05
# Requests before the count begins, and those that are counted.
WARM_UP = 100
COUNTED = 600
BINDINGS = 100
# Seconds, for a server that valgrind runs.
SLOW = 300
# Extensions of the processor that the cryptography uses.
EXTENSIONS = {"adx", "aes", "avx", "avx2", "bmi1", "bmi2", "pclmulqdq", "ssse3", "vaes", "sha_ni"}

# The writer signs the records of uses every 200 ms. How many requests share that depends on how fast the machine is at the
# moment, so it is not counted.
FOLDING = ":toolvault_vault::writer::batch::Batch::run::{{closure}} ["

Request = Callable[[Client, int], Awaitable[int]]


class Counted:
    """What callgrind counted, of which `callgrind_annotate` tells the functions, with what they call."""

    def __init__(self, counts: Path) -> None:
        command = ["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--show-percs=no", str(counts)]
        self.lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        self.whole = self.inside("PROGRAM TOTALS")

    def inside(self, function: str) -> int:
        return next(int(line.split()[0].replace(",", "")) for line in self.lines if function in line)


class Flow:
    """Requests of one kind to a server with the same secrets."""

    def __init__(self, gateway: Gateway, user: User, secret: str) -> None:
        self.gateway, self.user, self.secret = gateway, user, secret

    async def resolve(self, client: Client, number: int) -> int:
        body = {"args": {"issue_id": f"ENG-{number:04}"}}
        answer = await client.request("POST", "/v1/tools/linear__get_issue/resolve", body)
        assert "api_token" in answer.json()["args"], answer
        return answer.status

    async def get(self, client: Client, number: int) -> int:
        return (await client.request("GET", f"{SECRETS}{self.secret}")).status

    async def change(self, client: Client, number: int) -> int:
        body = {"secret_value": f"lin_api_8fK2mQ9xWz4Lr7TpNc3Yh{number:04}"}
        return (await client.request("PATCH", f"{SECRETS}{self.secret}", body)).status

    async def call(self, client: Client, number: int) -> int:
        params = {
            "name": "send",
            "arguments": {"to": f"someone {number:04}"},
            "_meta": {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}},
        }
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {"mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": "send"}
        headers |= {"accept": "application/json, text/event-stream"}
        answer = await client.request("POST", "/mcp/echo", body, headers)
        assert "[secret:the-key]" in answer.body.decode(), answer
        return answer.status

    async def each(self, request: Request, key: str) -> int:
        """The instructions of one request: those of a server between two dumps of the count."""
        counts = self.gateway.folder / "counts"
        control = f"--vgdb-prefix={self.gateway.folder / 'vgdb'}"
        self.gateway.under = ["valgrind", "--tool=callgrind", "--quiet", control, f"--callgrind-out-file={counts}"]
        await self.gateway.until_ready(self.gateway.start("--config", str(self.gateway.configuration)), SLOW)
        client = self.gateway.client(key)
        try:
            for count in (WARM_UP, COUNTED):
                for number in range(count):
                    status = await request(client, number)
                    assert status == 200, status
                # Writes `counts.1`, then `counts.2`, and begins at 0 again.
                dump = ["vgdb", control, f"--pid={self.gateway.process.pid}", "dump"]
                subprocess.run(dump, check=True, capture_output=True, timeout=SLOW)
        finally:
            client.close()
            await self.gateway.stop(SLOW)
        counted = Counted(Path(f"{counts}.2"))
        of_all = counted.inside(FOLDING) if request in (self.resolve, self.call) else 0
        return (counted.whole - of_all) // COUNTED


async def count(checks: Checks, folder: Path) -> None:
    echo = Echo()
    await echo.start(folder)
    servers = {"echo": {"url": f"http://127.0.0.1:{echo.port}/mcp", "allow_private_network": True}}
    gateway = Gateway(folder / "gateway", servers)
    await gateway.begin()
    user = await gateway.user("counted")
    for number in range(BINDINGS - 2):
        await user.secret(f"secret {number}", f"a value {number}", f"tool_{number}__*", "api_token")
    secret = await user.secret("linear", "a value of linear", "linear__*", "api_token")
    await user.secret("the-key", "a value of the sessions", "echo__send", "api_key")
    resolver = await gateway.spoken("key", "create", "--user", "counted", "--scope", "resolve")
    await gateway.stop()
    flow = Flow(gateway, user, secret)
    found = {}
    for name, key in (("resolve", resolver["key"]), ("get", user.manager), ("change", user.manager), ("call", user.key)):
        found[name] = await flow.each(getattr(flow, name), key)
    echo.close()
    known = machine()
    if "--write" in sys.argv:
        FIGURES.write_text(json.dumps(known | {"instructions": found}, indent=2) + "\n")
    figures = json.loads(FIGURES.read_text())
    is_same = figures | known == figures
    if not is_same:
        print("        The figures were counted with another compiler or processor, so they are not compared.")
    for name, each in found.items():
        share = each / figures["instructions"][name]
        print(f"        {name}: {each:,} instructions, {share:.3f} of the figure")
        if is_same:
            claim = f"{name} takes at most {GROWTH:.0%} more instructions than its figure"
            checks.that(claim, share <= 1 + GROWTH, each)
        else:
            checks.that(f"{name}: the instructions could be counted", each > 0, each)


def machine() -> dict:
    """What the figures depend on beside the source."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next(line for line in lines if line.startswith("flags")).split()
    version = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True)
    return {"compiler": version.stdout.strip(), "extensions": sorted(EXTENSIONS.intersection(flags))}


if __name__ == "__main__":
    suite.run(count)
