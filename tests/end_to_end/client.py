"""A small HTTP/1.1 client that reports how far a request got, which crash tests need to know."""

import asyncio
import json
from dataclasses import dataclass

TIMEOUT = 30


class Lost(Exception):
    """The connection ended before the answer was complete: the request may have been carried out."""


class Unreachable(Exception):
    """No server listens: the request was not sent."""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self):
        return json.loads(self.body)


def head(method: str, path: str, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def encoded(body: object) -> tuple[bytes, dict[str, str]]:
    """The bytes of a body and the headers that describe it."""
    if body is None:
        return b"", {}
    if isinstance(body, bytes):
        return body, {"content-type": "application/octet-stream", "content-length": str(len(body))}
    text = json.dumps(body).encode()
    return text, {"content-type": "application/json", "content-length": str(len(text))}


class Client:
    """One connection at a time to a server on this machine, kept alive between requests."""

    def __init__(self, port: int, key: str | None = None, headers: dict[str, str] | None = None) -> None:
        self.port = port
        self.headers = dict(headers or {}) | ({"x-api-key": key} if key else {})
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None
        # Whether a request was sent and its answer is incomplete.
        self.waits = False

    async def connect(self) -> None:
        if self.writer and not self.reader.at_eof():
            return
        self.close()
        try:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError as error:
            raise Unreachable(str(error)) from error

    def close(self) -> None:
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None

    def break_off(self) -> None:
        """Ends the connection as a crashing client does."""
        if self.writer:
            self.writer.transport.abort()
        self.reader = self.writer = None

    async def request(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Answer:
        content, described = encoded(body)
        await self.connect()
        self.waits = True
        try:
            await self.send(head(method, path, self.headers | described | (headers or {})) + content)
            return await self.answer()
        finally:
            self.waits = False

    async def send(self, content: bytes) -> None:
        try:
            self.writer.write(content)
            await self.writer.drain()
        except OSError as error:
            self.close()
            raise Lost(str(error)) from error

    async def answer(self) -> Answer:
        """Reads one answer; interim ones (1xx) count as answers too."""
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await self._read()
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            self.close()
            raise Lost(repr(error)) from error
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    async def _read(self) -> Answer:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = {}
        for line in filter(None, lines[1:]):
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            return Answer(status, headers, await self._read_chunks())
        body = await self.reader.readexactly(int(headers.get("content-length", 0))) if status >= 200 else b""
        return Answer(status, headers, body)

    async def _read_chunks(self) -> bytes:
        body = b""
        while True:
            size = int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16)
            body += (await self.reader.readexactly(size + 2))[:-2]
            if size == 0:
                return body
