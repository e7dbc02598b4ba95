"""A proxy on loopback that breaks, delays or refuses what passes, as it is told."""

import asyncio
import contextlib
from dataclasses import dataclass

HEAD_END = b"\r\n\r\n"


@dataclass
class Faults:
    """What happens to connections from now on."""

    # Seconds before each piece of an answer.
    delay: float = 0.0
    # Requests that begin so are refused.
    refused: bytes | None = None
    # The answer to a request that holds this breaks off …
    marker: bytes | None = None
    # … after so many bytes of its body, or before the first byte.
    kept: int | None = None
    # … for so many requests.
    cuts_left: int = 1 << 30


class FaultProxy:
    """Listens before a port of loopback."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.faults = Faults()
        self.cut = 0
        self.writers: set[asyncio.StreamWriter] = set()
        self.tasks: set[asyncio.Task] = set()

    async def __aenter__(self) -> "FaultProxy":
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()

    async def end(self) -> None:
        self.leave()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=5)

    async def listen(self) -> None:
        """Accepts connections, where it did so before."""
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    def leave(self) -> None:
        """Breaks every connection, and accepts none: the server is not there."""
        self.server.close()
        self.break_all()

    def break_all(self) -> None:
        """Breaks every open connection."""
        for writer in self.writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        with contextlib.suppress(OSError):
            near, far = await asyncio.open_connection("127.0.0.1", self.target)
            connection = _Connection(self, writer, far)
            self.writers |= {writer, far}
            asking = asyncio.create_task(connection.up(reader))
            try:
                await connection.down(near)
            finally:
                asking.cancel()
                self.writers -= {writer, far}
                far.close()
        writer.close()


class _Connection:
    def __init__(self, proxy: FaultProxy, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.proxy, self.client, self.server = proxy, client, server
        self.is_marked = False
        self.answer = b""

    async def up(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(65_536):
                faults = self.proxy.faults
                if faults.refused and piece.startswith(faults.refused):
                    return self.abort()
                if faults.marker and faults.marker in piece and faults.cuts_left > 0:
                    faults.cuts_left -= 1
                    self.is_marked, self.answer = True, b""
                self.server.write(piece)
                await self.server.drain()
        self.server.close()

    async def down(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(65_536):
                await asyncio.sleep(self.proxy.faults.delay)
                if self.is_marked and self.is_to_be_cut(piece):
                    return
                self.client.write(piece)
                await self.client.drain()

    def is_to_be_cut(self, piece: bytes) -> bool:
        """Cuts the answer if this piece reaches the place."""
        kept, sent = self.proxy.faults.kept, len(self.answer)
        self.answer += piece
        body = self.answer.find(HEAD_END) + len(HEAD_END)
        if kept is not None and (body < len(HEAD_END) or len(self.answer) <= body + kept):
            return False
        if kept is not None:
            self.client.write(self.answer[sent : body + kept])
        self.proxy.cut += 1
        # What was written is sent before the connection ends; the server sees it end at once.
        self.client.close()
        self.server.transport.abort()
        return True

    def abort(self) -> None:
        self.client.transport.abort()
        self.server.transport.abort()
