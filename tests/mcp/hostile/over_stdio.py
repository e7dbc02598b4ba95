"""The hostile server over standard input and output: `over_stdio.py [PLACE]`. Its value is in HOSTILE_TOKEN."""

import asyncio
import contextlib
import json
import os
import signal
import sys

from conduct import Conduct

WAITING: dict[str, asyncio.Future] = {}
CONDUCT = Conduct()
PLACE = sys.argv[1] if len(sys.argv) > 1 else "plain"
# Answers of concurrent calls must not be interleaved.
TURN = asyncio.Lock()


class Out:
    """Standard output for one call."""

    is_standard = True

    def __init__(self) -> None:
        self.split = 0
        self.token = None
        self.answered = False

    async def connection(self, content: bytes) -> None:
        await self.piece(content)

    async def begin(self, _kind: str) -> None:
        pass

    async def piece(self, content: bytes) -> None:
        size = self.split or 1 << 16
        for at in range(0, len(content), size):
            left = content[at : at + size]
            while left:
                left = (
                    left[await asyncio.to_thread(os.write, 1, left) :] if not self.split else left[os.write(1, left) :]
                )

    async def raw(self, content: bytes) -> None:
        """Writes text that is not JSON, although only messages are allowed."""
        await self.piece(content.replace(b"\n\n", b"\n"))

    async def line(self, content: bytes) -> None:
        async with TURN:
            await self.piece(content + b"\n")

    async def send(self, message: dict) -> None:
        await self.line(json.dumps({"jsonrpc": "2.0"} | message, ensure_ascii=False).encode())

    async def ask(self, method: str, params: dict) -> None:
        number = f"hostile-{len(WAITING)}"
        WAITING[number] = asyncio.get_running_loop().create_future()
        await self.send({"id": number, "method": method, "params": params})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                await WAITING[number]

    async def drop(self, when: str) -> None:
        if when == "body":
            await self.piece(b'{"jsonrpc":"2.0","id":')
        os._exit(3)

    async def redirect(self, _status: int) -> None:
        await self.line(b'{"jsonrpc":"2.0","method":"notifications/nothing"}')


async def answer(request: dict) -> None:
    token = os.environ.get("HOSTILE_TOKEN")
    out = Out()
    result = await CONDUCT.answer(request, [token] if token else [], PLACE, out)
    if result is not None:
        body = result if "error" in result else {"result": result}
        await out.send({"id": request["id"]} | body)


async def main() -> None:
    loop = asyncio.get_running_loop()
    if PLACE == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    reader = asyncio.StreamReader(limit=1 << 26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tasks = set()
    while line := await reader.readline():
        with contextlib.suppress(ValueError):
            message = json.loads(line)
            if "method" in message and "id" in message:
                task = asyncio.create_task(answer(message))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            elif message.get("id") in WAITING and not WAITING[message["id"]].done():
                WAITING[message["id"]].set_result(message)
    # It ignores the end of its input and requests to exit.
    if PLACE == "stubborn":
        await asyncio.sleep(3600)


if __name__ == "__main__":
    asyncio.run(main())
