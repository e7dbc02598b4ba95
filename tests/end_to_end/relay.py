"""A relay that adds headers to each request and changes nothing else, for programs that cannot send a key."""

import asyncio
from urllib.parse import urlsplit


class Relay:
    """Listens on loopback and forwards to a server; `headers` are added to each request."""

    def __init__(self, target: str, headers: dict[str, str]) -> None:
        where = urlsplit(target)
        self.host, self.port, self.path = where.hostname, where.port, where.path
        # Nothing else holds references to them.
        self.tasks: set[asyncio.Task] = set()
        self.added = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()

    async def __aenter__(self) -> "Relay":
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}{self.path}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        try:
            first, *lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
            kept = [line for line in lines if not line.lower().startswith(b"connection:")]
            near, far = await asyncio.open_connection(self.host, self.port)
            # One request for each connection, so that only its head must be understood.
            far.write(b"\r\n".join([first, *kept, b"Connection: close", self.added]) + b"\r\n")
            asking = asyncio.create_task(_copy(reader, far))
            try:
                await _copy(near, writer)
            finally:
                asking.cancel()
                far.close()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    finally:
        # If one side disconnects early, the other side must see it.
        writer.close()
