"""The memory of a server whose secret is replaced again and again while its tool repeats every value."""

import json
import secrets
import sys
from pathlib import Path

import suite
from checks import Checks
from echo import Echo
from rpc import Legacy, Modern
from server import Toolvault

ROTATIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
# By then the caches are full, and as many versions are remembered and kept as will ever be.
WARM_UP = 50
# How much more memory than after the warm-up the server may have.
SHARE = 0.2
LENGTH = 65_536


def value(number: int) -> str:
    """64 KiB: in turn one line, and the lines of a file, each of which is searched for."""
    text = secrets.token_hex(LENGTH // 2)
    if number % 2:
        return text
    return "\n".join(text[at : at + 63] for at in range(0, LENGTH, 64))


def resident(server: Toolvault) -> int:
    """The memory of the process, in MiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) // 1024


async def rotations(checks: Checks, folder: Path) -> None:
    echo = Echo()
    server = Toolvault(folder / "server", config=await echo.start(folder), log="warn")
    try:
        await server.serve()
        keys = server.first_keys()
        operator = server.client(keys["operator_key"])
        new = {"secret_name": "rotated", "secret_value": "the first value", "tool_name": "echo__send"}
        new |= {"tool_arg": "api_key", "is_default_for_tool": True}
        created = await operator.request("POST", "/v1/secrets/", new)
        path = f"/v1/secrets/{created.json()['secret_id']}/value"
        credential = {"x-api-key": keys["agent_key"]}
        url = f"http://127.0.0.1:{server.port}/mcp/echo"
        faults: list[str] = []
        async with Legacy(url, credential) as legacy, Modern(url, credential) as modern:

            async def rotate(number: int) -> None:
                text = value(number)
                answer = await operator.request("PUT", path, {"secret_value": text})
                result = await (legacy if number % 4 < 2 else modern).call("send", to="x")
                shown = json.loads(result["content"][0]["text"])
                is_right = answer.status == 200 and echo.lengths[-1] == len(text)
                if not is_right or shown != {"to": "x", "api_key": "[secret:rotated]"}:
                    faults.append(f"{number}: {answer.status}, {echo.lengths[-1]}, {str(shown)[:200]}")

            for number in range(WARM_UP):
                await rotate(number)
            before = most = resident(server)
            for number in range(ROTATIONS):
                await rotate(number)
                most = max(most, resident(server))
        operator.close()
    finally:
        server.kill()
        echo.close()
    growth = f"{100 * (most - before) / before:+.0f} %"
    print(f"{before} MiB after {WARM_UP} rotations, at most {most} MiB in {ROTATIONS} more: {growth}")
    checks.none(f"each of {ROTATIONS} values of 64 KiB reaches the tool and none the client", faults)
    bound = before * (1 + SHARE)
    checks.that("memory stays within 20 % of what it was", most <= bound, f"{most} MiB, {before} MiB before")


if __name__ == "__main__":
    suite.run(rotations)
