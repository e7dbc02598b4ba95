"""A TCP proxy on loopback that keeps what the clients sent."""

import asyncio
import contextlib

from server import free_port


class Recorder:
    """Passes connections on to a port, once it is known."""

    def __init__(self) -> None:
        self.port, self.target = free_port(), 0
        # What each connection sent.
        self.sent: list[bytearray] = []
        self.writers: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)

    def close(self) -> None:
        self.server.close()

    def cut(self) -> None:
        """Ends all connections."""
        for writer in self.writers:
            writer.close()
        self.writers.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = bytearray()
        self.sent.append(sent)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target)
            self.writers += [writer, there_writer]
            await asyncio.gather(self.copy(reader, there_writer, sent), self.copy(there_reader, writer, bytearray()))
        writer.close()

    async def copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while piece := await reader.read(65_536):
                kept += piece
                writer.write(piece)
                await writer.drain()
        writer.close()
