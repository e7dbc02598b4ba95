"""What one server forwards to another, as an attacker sees it: on the way, at the other server, and in the database."""

import asyncio
import json
import re
from typing import TYPE_CHECKING

import http_stream
from checks import Checks
from gateway import User
from postgres import Postgres
from recorder import Recorder
from rpc import ACCEPT, Legacy

if TYPE_CHECKING:
    from gateway_replicas import Fleet

PATH, HEAD = "/forwarded", "toolvault-forwarded"
WARNING = "forged or not of now"
SEEN = re.compile(rb"^POST /forwarded HTTP/1.1\r\n(.*?)\r\n\r\n", re.S)


def whole(sent: bytes) -> tuple[str, bytes]:
    """The sealed head and body of the first request of a connection."""
    lines = dict(line.split(b": ", 1) for line in SEEN.match(sent)[1].split(b"\r\n"))
    begin = SEEN.match(sent).end()
    return lines[HEAD.encode()].decode(), bytes(sent[begin : begin + int(lines[b"content-length"])])


async def send(port: int, head: str | None, body: bytes) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/octet-stream"} | ({HEAD: head} if head is not None else {})
    answer = await http_stream.ask(f"http://127.0.0.1:{port}{PATH}", "POST", body, headers)
    return answer.status, await answer.body()


async def observed(checks: Checks, fleet: "Fleet", session: Legacy, user: User) -> None:
    """A request to the last server, recorded on the way there."""
    one, other, last = fleet.servers
    fleet.recorder.sent.clear()
    canary = "a text that is seen by no one"
    sent = {"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {"name": "send", "arguments": {"to": canary}}}
    # A server that keeps a connection from before sends nothing on a new one.
    while not fleet.recorder.sent:
        fleet.recorder.cut()
        answer = await http_stream.ask(one.url("echo"), "POST", sent, user.headers | session.its() | ACCEPT)
        text = await answer.body()
    checks.that("a recorded request was answered", canary.encode() in text, text)
    seen = bytes(b"".join(fleet.recorder.sent))
    secrets = [canary, user.key, session.session, "tools/call"]
    checks.none("neither key nor message nor session can be read on the way", [text for text in secrets if text.encode() in seen])
    head, body = whole(fleet.recorder.sent[0])
    calls = len(fleet.echo.lengths)
    faults = []
    for what, port, head_sent, body_sent in (
        ("again", last.port, head, body),
        ("to another server", other.port, head, body),
        ("back to its sender", one.port, head, body),
        ("with another body", last.port, head, bytes(len(body))),
        ("with a changed head", last.port, head[:-8] + "AAAAAAAA", body),
        ("without its body", last.port, head, b""),
    ):
        status, text = await send(port, head_sent, body_sent)
        faults += [] if status == 404 and canary.encode() not in text else [f"{what}: {status} {text[:200]!r}"]
    checks.none("what was recorded is refused when it is sent again, changed or elsewhere", faults)
    checks.that("and no tool was called", len(fleet.echo.lengths) == calls)


async def forged(checks: Checks, fleet: "Fleet") -> None:
    """Requests that no server sealed are answered like any unknown path."""
    client = fleet.servers[0].client()
    unknown = await client.request("POST", "/unknown", {})
    client.close()
    faults = []
    for head in (None, "", "AAAA", "not base64!", "A" * 400, "=" * 40):
        status, text = await send(fleet.servers[0].port, head, b"{}")
        faults += [] if (status, text) == (unknown.status, unknown.body) else [f"{head}: {status} {text[:100]!r}"]
    checks.none("forged requests are refused", faults)
    status, _ = await send(fleet.alone[0].port, "AAAA", b"{}")
    checks.that("a server that the others do not reach has no such path", status in (404, 405), status)


async def redirected(checks: Checks, fleet: "Fleet", postgres: Postgres, session: Legacy) -> None:
    """Someone who writes to the database announces another address for a server, and repeats its own."""
    thief = Recorder()
    await thief.start()
    thief.target = fleet.servers[-1].port
    try:
        told = announcement(postgres, fleet, session)
        genuine = json.loads(told)
        stolen = json.loads(told)
        stolen["address"]["url"] = f"http://127.0.0.1:{thief.port}"
        without_mac = json.loads(told)
        without_mac["address"] |= {"url": stolen["address"]["url"], "mac": ""}
        for forged_one in (stolen, without_mac, genuine):
            text = json.dumps(forged_one).replace("'", "''")
            postgres.query(f"SELECT pg_notify('toolvault', '{text}')", fleet.database)
        others = fleet.servers[:-1]
        async with asyncio.timeout(30):
            while not all(WARNING in one.log.read_text() for one in others):
                await asyncio.sleep(0.01)
        checks.that("the servers warn of an address that its server did not announce", True)
        calls = [await session.call("send", to=f"{number}") for number in range(9)]
        checks.that("calls are answered as before", all(str(number) in str(call) for number, call in enumerate(calls)), calls)
        checks.that("nothing was sent to the address that a writer of the database announced", not thief.sent, thief.sent)
    finally:
        thief.close()


def announcement(postgres: Postgres, fleet: "Fleet", session: Legacy) -> str:
    """The next announcement of the server that has a session, as a client of the database hears it."""
    process = session.session.split(".")[0]
    while True:
        printed = postgres.query("SELECT pg_sleep(0.3)", fleet.database, before="LISTEN toolvault")
        for payload in re.findall(r'payload "(.*)" received', printed):
            if payload and '"address"' in payload and json.loads(payload)["from"].replace("-", "") == process:
                return payload
