"""A client of an official SDK in a process of its own, which calls tools when it is told (tests/mcp/clients/told.py)."""

import asyncio
import contextlib
import itertools
import json

TIMEOUT = 90
# What an error begins with that is none of the SDK's.
NOTHING = "no answer at all"
CHANGED = "notifications/tools/list_changed"


class Told:
    """One client."""

    def __init__(self, name: str, program: list[str], era: str, target: dict) -> None:
        self.name, self.words = name, [*program, era, json.dumps(target)]
        self.era = era
        self.is_bridged = "command" in target
        self.numbers = itertools.count(1)
        self.waiting: dict[int, asyncio.Future] = {}
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.errors = bytearray()

    async def start(self) -> "Told":
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(*self.words, stdin=pipe, stdout=pipe, stderr=pipe)
        self.ready = asyncio.get_running_loop().create_future()
        self.tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._read_errors())]
        async with asyncio.timeout(TIMEOUT):
            await self.ready
        return self

    async def _read(self) -> None:
        while line := await self.process.stdout.readline():
            said = json.loads(line)
            if "heard" in said:
                self.heard.put_nowait(said["heard"])
            elif "ready" in said:
                self.ready.set_result(None)
            elif "id" in said:
                waiting = self.waiting.pop(said["id"])
                if not waiting.done():
                    waiting.set_result(said)
        failure = RuntimeError(f"{self.name} ended: {self.errors.decode()[-1500:]}")
        for future in [self.ready, *self.waiting.values()]:
            if not future.done():
                future.set_exception(failure)

    async def _read_errors(self) -> None:
        while piece := await self.process.stderr.read(65_536):
            self.errors += piece

    async def call(self, tool: str | None, arguments: dict, within: float = TIMEOUT) -> dict:
        """What came of a call, or of a list without a tool: `text` or `error`."""
        number = next(self.numbers)
        self.waiting[number] = asyncio.get_running_loop().create_future()
        line = json.dumps({"id": number, "tool": tool, "arguments": arguments})
        self.process.stdin.write(f"{line}\n".encode())
        try:
            async with asyncio.timeout(within):
                return await self.waiting[number]
        except (TimeoutError, RuntimeError) as error:
            return {"error": f"{NOTHING}: {error!r}"}

    async def hears_a_change(self) -> bool:
        """Whether it is told that the list of tools changed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TIMEOUT):
                while await self.heard.get() != CHANGED:
                    pass
                return True
        return False

    def forget_heard(self) -> None:
        while not self.heard.empty():
            self.heard.get_nowait()

    async def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        await asyncio.gather(*self.tasks, return_exceptions=True)
