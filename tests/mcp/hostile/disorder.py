"""Answers that are wrong, too large, too slow, or missing."""

import asyncio
import json

MEBIBYTE = b"x" * (1 << 20)
SIZE = 100


def message(number: object, **members: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number} | members).encode()


def wrong(number: object) -> dict[str, bytes]:
    """Malformed answers, by their flaw; the real answer follows."""
    good = {"content": [{"type": "text", "text": "taken for an answer"}]}
    return {
        "not JSON": b"{not json",
        "cut": message(number, result=good)[:-3],
        "another id": message("another", result=good),
        "an id as a string": message(str(number), result=good),
        "an id as a fraction": b'{"jsonrpc":"2.0","id":%d.0,"result":{"content":[]}}' % number
        if isinstance(number, int)
        else b"{}",
        "no id": b'{"jsonrpc":"2.0","result":{}}',
        "id null": b'{"jsonrpc":"2.0","id":null,"result":{}}',
        "no version": b'{"id":1,"result":{}}',
        "another version": b'{"jsonrpc":"1.0","id":1,"result":{}}',
        "a list": b"[" + message("another", result=good) + b"]",
        "an empty list": b"[]",
        "a number": b"17",
        "a string": b'"x"',
        "deep": b"[" * 100_000 + b"]" * 100_000,
        "not UTF-8": b'{"jsonrpc":"2.0","method":"notifications/\xff\xfe"}',
        "NUL": b'{"jsonrpc":"2.0","method":"notifications/x\x00"}',
        "a lone surrogate": b'{"jsonrpc":"2.0","method":"notifications/x","params":{"a":"\\ud800"}}',
        "members twice": b'{"jsonrpc":"2.0","method":"notifications/x","method":"notifications/y","params":{},"params":[]}',
        "a huge number": b'{"jsonrpc":"2.0","method":"notifications/x","params":{"a":1' + b"0" * 100_000 + b"}}",
        "a request with a taken id": b'{"jsonrpc":"2.0","id":1,"method":"ping"}',
        "a request of its own": b'{"jsonrpc":"2.0","id":"own","method":"of_its/own","params":{}}',
        "an empty line": b"",
        "params that are none": b'{"jsonrpc":"2.0","method":"notifications/x","params":17}',
    }


async def big(kind: str, number: object, out) -> None:
    """A hundred MiB as one answer."""
    start = b'{"jsonrpc":"2.0","id":' + json.dumps(number).encode() + b',"result":{"content":[{"type":"text","text":"'
    if kind == "headers":
        await out.connection(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        for count in range(200_000):
            await out.connection(b"X-%d: " % count + b"x" * 500 + b"\r\n")
        return
    if kind == "notifications":
        for _ in range(SIZE):
            line = b'{"jsonrpc":"2.0","method":"notifications/x","params":{"a":"' + MEBIBYTE + b'"}}'
            await out.line(line)
        return
    await out.begin("application/json" if kind == "json" else "text/event-stream")
    await out.piece(start if kind == "json" or out.is_standard else b"data: " + start)
    for _ in range(SIZE):
        await out.piece(MEBIBYTE)
    await out.piece(b'"}]}}' + (b"" if kind == "json" and not out.is_standard else b"\n\n"))


async def endless(kind: str, out) -> None:
    """Never an answer."""
    if kind == "silence":
        await asyncio.sleep(3600)
    if kind == "json":
        await out.begin("application/json")
        while True:
            await out.piece(b" " * 1000)
            await asyncio.sleep(0.05)
    while True:
        await out.send({"method": "notifications/message", "params": {"level": "info", "data": "still here"}})
        await asyncio.sleep(0.05)
