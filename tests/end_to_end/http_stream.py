"""One HTTP/1.1 request whose answer is read as it arrives, with every byte recorded."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

TIMEOUT = 30
# What is trusted of servers with HTTPS.
TRUSTED = ssl.create_default_context()


class Answer:
    """The head of an answer; its body follows in chunks."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.status = 0
        self.headers: dict[str, str] = {}
        # Everything received, head and body.
        self.raw = bytearray()

    async def _head(self) -> None:
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.raw += head
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1])
        for line in filter(None, lines[1:]):
            name, value = line.split(":", 1)
            self.headers[name.lower()] = value.strip()

    async def pieces(self) -> AsyncIterator[bytes]:
        """The chunks of the body as they arrive."""
        try:
            async for piece in self._pieces():
                self.raw += piece
                yield piece
        finally:
            self.close()

    async def _pieces(self) -> AsyncIterator[bytes]:
        if self.headers.get("transfer-encoding") == "chunked":
            while True:
                size = int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16)
                piece = (await self.reader.readexactly(size + 2))[:-2]
                if size == 0:
                    return
                yield piece
        elif "content-length" in self.headers:
            left = int(self.headers["content-length"])
            while left > 0:
                piece = await self.reader.read(min(left, 65_536))
                if not piece:
                    raise asyncio.IncompleteReadError(b"", left)
                left -= len(piece)
                yield piece
        elif self.status not in (202, 204):
            while piece := await self.reader.read(65_536):
                yield piece

    async def body(self) -> bytes:
        return b"".join([piece async for piece in self.pieces()])

    async def messages(self) -> AsyncIterator[dict]:
        """The JSON-RPC messages of the body, which is JSON or an event stream."""
        if "text/event-stream" not in self.headers.get("content-type", ""):
            body = await self.body()
            if body:
                yield json.loads(body)
            return
        rest = b""
        async for piece in self.pieces():
            rest = (rest + piece).replace(b"\r\n", b"\n")
            while b"\n\n" in rest:
                event, rest = rest.split(b"\n\n", 1)
                lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
                if data := b"\n".join(lines):
                    yield json.loads(data)

    def close(self) -> None:
        self.writer.close()


async def ask(url: str, method: str = "POST", body: object = None, headers: dict[str, str] | None = None) -> Answer:
    """Sends one request on its own connection and waits for the head of the answer."""
    where = urlsplit(url)
    tls = TRUSTED if where.scheme == "https" else None
    reader, writer = await asyncio.open_connection(where.hostname, where.port, ssl=tls, limit=1 << 26)
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    target = where.path + (f"?{where.query}" if where.query else "")
    lines = [f"{method} {target} HTTP/1.1"]
    sent = {"Host": where.netloc, "Connection": "close"} | ({"Content-Length": str(len(content))} if content else {})
    lines += [f"{name}: {value}" for name, value in (sent | (headers or {})).items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + content)
    answer = Answer(reader, writer)
    try:
        async with asyncio.timeout(TIMEOUT):
            await writer.drain()
            await answer._head()
    except BaseException:
        answer.close()
        raise
    return answer
