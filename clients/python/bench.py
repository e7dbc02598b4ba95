"""What a secret adds to one tool call: beside the tool alone, and beside a bare HTTP exchange with the same server.

    TOOLVAULT_BINARY=target/release/toolvault TOOLVAULT_FRAMEWORK=langchain PYTHONPATH=clients/python/src \
        python clients/python/bench.py

Needs the packages of clients/python/requirements/<framework>.txt.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
sys.path += [str(ROOT / "tests" / "end_to_end"), str(Path(__file__).parent / "tests")]

from server import Toolvault as Server  # noqa: E402

from harness import FRAMEWORK, harness, tool, with_secrets  # noqa: E402
from toolvault import AsyncToolvault, Toolvault  # noqa: E402

ROUNDS, CALLS = 20, 20


def b__find(issue_id: str, api_key: str = "") -> str:
    """Finds an issue."""
    return issue_id


async def b__find_async(issue_id: str, api_key: str = "") -> str:
    """Finds an issue."""
    return issue_id


async def microseconds(*calls: Callable[[], Awaitable[object]]) -> list[float]:
    """The fastest round of each call, which other programs on the machine disturbed least. They take turns."""
    fastest = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for at, call in enumerate(calls):
            began = time.perf_counter()
            for _ in range(CALLS):
                await call()
            fastest[at] = min(fastest[at], (time.perf_counter() - began) / CALLS * 1e6)
    return fastest


async def measured(server: Server, key: str) -> None:
    """Prints one line for each kind of client."""
    url = server.environment["TOOLVAULT_URL"]
    headers = {"Authorization": f"Bearer {key}"}
    body = {"tool_name": "b__find", "args": {"issue_id": "ENG-42"}, "accepts": ["api_key"], "require": []}
    args = {"issue_id": "ENG-42"}
    with Toolvault(url, key) as vault, httpx.Client(headers=headers) as bare:
        vault.secrets.create(
            "linear", "lin_api_0123456789abcdef", tool_name="b__*", tool_arg="api_key", is_default_for_tool=True
        )
        async with AsyncToolvault(url, key) as own, httpx.AsyncClient(headers=headers) as bare_async:

            async def exchange() -> None:
                bare.post(f"{url}/v1/resolve", json=body).json()  # noqa: ASYNC212 - that is measured

            async def exchange_async() -> None:
                (await bare_async.post(f"{url}/v1/resolve", json=body)).json()

            call = getattr(harness, "only", harness.call)
            for name, function, client, plainly in (
                ("blocking", b__find, vault, exchange),
                ("async", b__find_async, own, exchange_async),
            ):
                plain, supplied = tool(function), with_secrets(tool(function), client, hide=["api_key"])
                alone, wire, both = await microseconds(
                    functools.partial(call, plain, args),
                    plainly,
                    functools.partial(call, supplied, args),
                )
                print(
                    f"{FRAMEWORK:14} {name:9} tool {alone:6.0f} µs  with its secret {both:6.0f} µs  "
                    f"bare exchange {wire:5.0f} µs  added / bare {(both - alone) / wire:4.2f}"
                )


def main() -> None:
    """Starts a server, measures, and stops it."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        asyncio.run(server.serve())
        try:
            asyncio.run(measured(server, server.first_keys()["operator_key"]))
        finally:
            server.kill()


if __name__ == "__main__":
    main()
