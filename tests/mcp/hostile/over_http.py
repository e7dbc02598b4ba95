"""The hostile server over Streamable HTTP: `over_http.py PORT RECORDER_PORT`.

The last part of the path selects its behaviour: `plain`, `duplicates`, `foreign`, `changing`, `old`, `shared`. The
values that it receives are in `Authorization`, `X-Key` and the query.
"""

import asyncio
import contextlib
import json
import sys
from urllib.parse import parse_qsl, urlsplit

from conduct import Conduct

CONDUCT = Conduct()
RECORDER = 0
QUIET = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


class Out:
    """The sink of one answer: an event stream from the first message on, or JSON if there is only the answer."""

    is_standard = False

    def __init__(self, writer: asyncio.StreamWriter, session: str | None, given: list[str]) -> None:
        self.writer, self.session, self.given = writer, session, given
        self.kind = ""
        self.split = 0
        self.token = None
        self.answered = False
        self.asked: dict[object, asyncio.Future] = {}

    async def connection(self, content: bytes) -> None:
        """Writes raw bytes that violate HTTP."""
        self.kind = self.kind or "raw"
        self.writer.write(content)
        await self.writer.drain()

    async def begin(self, kind: str) -> None:
        if self.kind:
            return
        self.kind = kind
        # Headers that a gateway must not forward, with values that it must not reveal.
        told = " ".join(self.given).encode("ascii", "ignore").decode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\nX-Echo: {told}\r\n"
        head += "Set-Cookie: hostile=1\r\nAccess-Control-Allow-Origin: *\r\n"
        if self.session:
            head += f"Mcp-Session-Id: {self.session}\r\n"
        await self.connection(f"{head}\r\n".encode())

    async def piece(self, content: bytes) -> None:
        size = self.split or len(content)
        for at in range(0, len(content), size or 1):
            part = content[at : at + size]
            self.writer.write(b"%x\r\n%s\r\n" % (len(part), part))
            await self.writer.drain()
            if self.split:
                await asyncio.sleep(0)

    async def raw(self, content: bytes) -> None:
        await self.begin("text/event-stream")
        await self.piece(content)

    async def line(self, content: bytes) -> None:
        await self.raw(b"data: " + content.replace(b"\n", b" ") + b"\n\n")

    async def send(self, message: dict) -> None:
        await self.line(json.dumps({"jsonrpc": "2.0"} | message, ensure_ascii=False).encode())

    async def ask(self, method: str, params: dict) -> None:
        number = f"hostile-{len(WAITING)}"
        WAITING[number] = asyncio.get_running_loop().create_future()
        await self.send({"id": number, "method": method, "params": params})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                await WAITING[number]

    async def finish(self, message: dict) -> None:
        content = json.dumps(message, ensure_ascii=False).encode()
        if self.kind == "text/event-stream":
            await self.line(content)
        else:
            await self.begin("application/json")
            await self.piece(content)

    async def drop(self, when: str) -> None:
        if when == "body":
            await self.connection(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
        elif when == "stream":
            await self.raw(b'data: {"jsonrpc":"2.0","met')
        elif when == "status":
            await self.connection(b"HTTP/1.1 2")
        elif when == "nonsense":
            await self.connection(b"this is not HTTP\r\n\r\n")
        elif when == "end":
            await self.raw(b": the stream ends without an answer\n\n")
            return
        self.writer.transport.abort()

    async def redirect(self, status: int) -> None:
        self.kind = "raw"
        await self.connection(
            f"HTTP/1.1 {status} Elsewhere\r\nLocation: http://127.0.0.1:{RECORDER}/mcp\r\nContent-Length: 0\r\n\r\n".encode()
        )


WAITING: dict[str, asyncio.Future] = {}
SESSIONS = iter(range(1, 1 << 30))


async def post(request: dict | list, headers: dict[str, str], path: str, query: dict[str, str], writer) -> None:
    place = path.rsplit("/", 1)[-1]
    if not isinstance(request, dict) or "method" not in request or "id" not in request:
        if isinstance(request, dict) and request.get("id") in WAITING:
            future = WAITING[request["id"]]
            if not future.done():
                future.set_result(request)
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        return
    given = [value.removeprefix("Bearer ") for name, value in headers.items() if name in ("authorization", "x-key")]
    given += query.values()
    opens = request["method"] == "initialize"
    # All sessions have the same ID there.
    its = ("everybody" if place == "shared" else f"session-{next(SESSIONS)}") if opens else None
    out = Out(writer, its, given)
    answer = await CONDUCT.answer(request, given, place, out)
    if answer is not None:
        body = answer if "error" in answer else {"result": answer}
        await out.finish({"jsonrpc": "2.0", "id": request["id"]} | body)
    if out.kind not in ("raw", ""):
        writer.write(b"0\r\n\r\n")
        await writer.drain()
    else:
        writer.close()


# Nothing else holds references to them.
TASKS: set[asyncio.Task] = set()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    task = asyncio.current_task()
    TASKS.add(task)
    task.add_done_callback(TASKS.discard)
    with contextlib.suppress(*QUIET):
        while True:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = lines[0].split(" ")
            pairs = [line.split(":", 1) for line in lines[1:] if line]
            headers = {name.lower(): value.strip() for name, value in pairs}
            where = urlsplit(target)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            if headers.get("transfer-encoding") == "chunked":
                while size := int((await reader.readuntil(b"\r\n")), 16):
                    body += (await reader.readexactly(size + 2))[:-2]
                await reader.readexactly(2)
            if method == "GET":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\n")
                while True:
                    writer.write(b': it goes on\n\ndata: {"jsonrpc":"2.0","id":1,"result":{"content":[]}}\n\n')
                    await writer.drain()
                    await asyncio.sleep(0.2)
            elif method == "POST":
                await post(json.loads(body), headers, where.path, dict(parse_qsl(where.query)), writer)
            else:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
    writer.close()


async def main(port: str, recorder: str) -> None:
    global RECORDER
    RECORDER = int(recorder)
    server = await asyncio.start_server(serve, "127.0.0.1", int(port), limit=1 << 26)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
