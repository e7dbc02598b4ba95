"""Clients that break HTTP: they hold connections, send half of everything, or leave. Others are served meanwhile."""

import asyncio
import json
import random

import http_stream
from checks import Checks
from gateway import Gateway
from hostile import Owner, found, peers
from hostile_disorder import Watch, judge
from rpc import LEGACY

# Connections of each kind.
EACH = 20
# Fewer than the server accepts in all, so that the honest client has room.
HELD = 200
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


def frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    """A frame of HTTP/2 (RFC 9113, section 4.1)."""
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def openings(owner: Owner) -> dict[str, bytes]:
    """What a client sends before it is silent or leaves."""
    headers = "".join(f"{name}: {value}\r\n" for name, value in owner.user.headers.items())
    head = f"POST /mcp/hostile-plain HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Type: application/json\r\n"
    resets = b"".join(frame(1, 4, 2 * n + 1, b"\x82\x84\x86") + frame(3, 0, 2 * n + 1, b"\0\0\0\x08") for n in range(500))
    return {
        "nothing": b"",
        "half a head": head.encode(),
        "half a body": f"{head}Content-Length: 1000\r\n\r\n".encode() + b'{"jsonrpc":',
        "a chunk that never ends": f"{head}Transfer-Encoding: chunked\r\n\r\nfff\r\n{{".encode(),
        "a wrong chunk": f"{head}Transfer-Encoding: chunked\r\n\r\nxyz\r\n".encode(),
        "two lengths": f"{head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}".encode(),
        "a length and chunks": f"{head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode(),
        "many headers": head.encode() + b"".join(b"X-%d: x\r\n" % n for n in range(1_000)),
        "a long line": b"GET /" + b"x" * 300_000,
        "TLS": bytes.fromhex("1603010200010001fc0303") + random.randbytes(500),
        "noise": random.randbytes(2_000),
        "HTTP/2 and nothing more": PREFACE + SETTINGS,
        "HTTP/2 headers without end": PREFACE + SETTINGS + frame(1, 0, 1, b"\x82") + frame(9, 0, 1, b"\x84" * 100) * 50,
        "HTTP/2 streams reset at once": PREFACE + SETTINGS + resets,
        "HTTP/2 pings": PREFACE + SETTINGS + frame(6, 0, 0, b"\0" * 8) * 5_000,
        "HTTP/2 settings": PREFACE + SETTINGS * 5_000,
    }


async def connection(gateway: Gateway, content: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        writer.write(content)
        async with asyncio.timeout(5):
            await writer.drain()
    except (OSError, TimeoutError):
        pass  # The server may close it before it has read everything.
    return reader, writer


async def attacked(checks: Checks, gateway: Gateway, owner: Owner) -> None:
    async with Watch(gateway, owner) as watch:
        for name, content in openings(owner).items():
            made = await asyncio.gather(*(connection(gateway, content) for _ in range(EACH)))
            for number, (_, writer) in enumerate(made):
                writer.transport.abort() if number % 2 else writer.close()
            checks.that(f"{name}, {EACH} times: the server runs", gateway.process.poll() is None, gateway.tail())
        held = await asyncio.gather(*(connection(gateway, b"GET / HTTP/1.1\r\n") for _ in range(HELD)))
        await calls_left(gateway, owner)
        for _, writer in held:
            writer.transport.abort()
    judge(checks, "while clients break HTTP", watch)
    for era, peer in peers(gateway, owner.user, "hostile-plain"):
        async with peer:
            called = await peer.call("echo", place="x")
            checks.that(f"{era}: then a call is answered", "arguments" in called["structuredContent"], called)
            checks.none(f"{era}: and shows no value", found(owner.canaries, era, peer))


async def calls_left(gateway: Gateway, owner: Owner) -> None:
    """Clients leave while their call, their stream or their session's beginning runs."""
    params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "leaver", "version": "1"}}
    begin = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    for server in ("hostile-plain", "program-plain"):
        url = gateway.url(server)
        for number in range(EACH):
            body = json.dumps(begin).encode()
            head = f"POST {http_stream.urlsplit(url).path} HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\n"
            head += "".join(f"{name}: {value}\r\n" for name, value in owner.user.headers.items())
            head += "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
            _, writer = await connection(gateway, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await asyncio.sleep(number * 0.001)
            writer.transport.abort()
        for era, peer in peers(gateway, owner.user, server):
            async with peer:
                calls = [asyncio.create_task(peer.call("slow", place="1")) for _ in range(EACH)]
                await asyncio.sleep(0.1)
                for call in calls:
                    call.cancel()
                # Abandons the streams of their answers, too.
                for task in list(peer.tasks):
                    task.cancel()
                await asyncio.gather(*calls, *peer.tasks, return_exceptions=True)
