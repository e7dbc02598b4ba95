"""A client that does what it is told: one call for each line of input, and one line of output for each answer.

Input is `{"id", "tool", "arguments"}`; without a tool it lists them. Output is `{"id", "text"}` or `{"id", "error"}`,
`{"heard"}` for a notification, and `{"ready": true}` once.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable


def say(**line: object) -> None:
    print(json.dumps(line), flush=True)


async def follow(call: Callable[[str | None, dict], Awaitable[str]]) -> None:
    """Calls tools side by side until the input ends."""

    async def answer(told: dict) -> None:
        try:
            say(id=told["id"], text=await call(told["tool"], told["arguments"]))
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises is what its user sees
            say(id=told["id"], error=f"{type(error).__name__}: {error}")

    say(ready=True)
    async with asyncio.TaskGroup() as tasks:
        while line := await asyncio.to_thread(sys.stdin.readline):
            tasks.create_task(answer(json.loads(line)))
