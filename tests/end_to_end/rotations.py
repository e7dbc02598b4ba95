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
from vitals import Growth

ROTATIONS = 1_000
# By then the caches are full, and as many versions are remembered and kept as will ever be.
WARM_UP = 50
LENGTH = 65_536


def value(number: int) -> str:
    """64 KiB: in turn one line, and the lines of a file, each of which is searched for."""
    text = secrets.token_hex(LENGTH // 2)
    if number % 2:
        return text
    return "\n".join(text[at : at + 63] for at in range(0, LENGTH, 64))


async def rotations(checks: Checks, folder: Path, count: int = ROTATIONS) -> None:
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
                peer = legacy if number % 4 < 2 else modern
                result = await peer.call("send", to="x")
                peer.raw.clear()
                shown = json.loads(result["content"][0]["text"])
                is_right = answer.status == 200 and echo.lengths[-1] == len(text)
                if not is_right or shown != {"to": "x", "api_key": "[secret:rotated]"}:
                    faults.append(f"{number}: {answer.status}, {echo.lengths[-1]}, {str(shown)[:200]}")

            for number in range(WARM_UP):
                await rotate(number)
            growth = Growth("rotations", server)
            for number in range(count):
                await rotate(number)
                growth.note(f"{number + 1} of {count}")
        operator.close()
        checks.none(f"each of {count} values of 64 KiB reaches the tool and none the client", faults)
        growth.judge(checks, growth.most)
    finally:
        server.kill()
        echo.close()


async def main(checks: Checks, folder: Path) -> None:
    await rotations(checks, folder, *map(int, sys.argv[1:]))


if __name__ == "__main__":
    suite.run(main)
