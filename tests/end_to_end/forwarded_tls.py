"""Servers that forward requests to each other over HTTPS. Each accepts only a certificate that it trusts, for the host in
the other's `replica.url`."""

import asyncio
from pathlib import Path

import http_stream
from certificates import make_certificate
from checks import Checks
from gateway import Gateway
from rpc import ACCEPT, Legacy

UNREACHED = "another server could not be reached for its session"


class Secure(Gateway):
    """A server with HTTPS that the others reach at 127.0.0.1."""

    def __init__(self, folder: Path, echo: int, certificate: Path, trusted: Path, host: str = "127.0.0.1", **settings: str) -> None:
        tools = {"echo": {"url": f"http://127.0.0.1:{echo}/mcp", "allow_private_network": True}}
        super().__init__(folder, tools, **settings)
        self.host = host
        self.environment |= {
            "TOOLVAULT_TLS__CERTIFICATE": str(certificate),
            "TOOLVAULT_TLS__KEY": str(certificate.with_suffix(".key")),
            "TOOLVAULT_REPLICA__URL": f"https://127.0.0.1:{self.port}",
            "TOOLVAULT_REPLICA__CA_FILE": str(trusted),
            "TOOLVAULT_URL": f"https://{host}:{self.port}",
            "TOOLVAULT_CA_FILE": str(certificate),
        }

    async def begin(self) -> None:
        self.start("--config", str(self.configuration))
        async with asyncio.timeout(30):
            while (await self.command("ready")).returncode != 0:
                assert self.process.poll() is None, self.tail()

    def url(self, server: str = "") -> str:
        return f"https://{self.host}:{self.port}/mcp/{server}"


async def status(session: Legacy, server: Gateway) -> int:
    """The status of a call in a session at a server."""
    sent = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "send", "arguments": {"to": "x"}}}
    answer = await http_stream.ask(server.url("echo"), "POST", sent, session.its() | ACCEPT | session.headers)
    await answer.body()
    return answer.status


async def refused(session: Legacy, server: Gateway) -> tuple[set[int], str]:
    """Asks until the server has tried to reach the session's. Returns the statuses, and what it logged about it."""
    statuses = set()
    async with asyncio.timeout(30):
        while not (told := [line for line in server.log.read_text().splitlines() if UNREACHED in line]):
            statuses.add(await status(session, server))
    return statuses, told[0]


async def over_https(checks: Checks, folder: Path, database: str, echo: int) -> None:
    ours, elsewhere, both = folder / "ours.crt", folder / "localhost.crt", folder / "both.crt"
    make_certificate("IP:127.0.0.1", ours, ours.with_suffix(".key"))
    make_certificate("DNS:localhost", elsewhere, elsewhere.with_suffix(".key"))
    both.write_text(ours.read_text() + elsewhere.read_text())
    http_stream.TRUSTED.load_verify_locations(both)
    shared = {"database_url": database, "root_key_file": str(folder / "root.key")}

    def server(name: str, certificate: Path, trusted: Path, host: str = "127.0.0.1") -> Secure:
        return Secure(folder / name, echo, certificate, trusted, host, first_keys_file=str(folder / f"{name}.keys"), **shared)

    one, two = server("https-one", ours, both), server("https-two", ours, both)
    # It does not trust the others' certificate. The other one has a certificate that is not for 127.0.0.1.
    suspicious, misnamed = server("suspicious", ours, elsewhere), server("misnamed", elsewhere, both, "localhost")
    servers = [one, two, suspicious, misnamed]
    try:
        for each in servers:
            await each.begin()
        user = await one.user("carol")
        session, other = Legacy(one.url("echo"), user.headers), Legacy(misnamed.url("echo"), user.headers)
        await session.open()
        await other.open()
        async with asyncio.timeout(30):
            while await status(session, two) != 200:
                await asyncio.sleep(0.05)
        checks.that("over HTTPS, too, a server answers in a session of another", True)
        statuses, told = await refused(session, suspicious)
        checks.that("a server that does not trust the certificate sends nothing", statuses == {404}, statuses)
        checks.that("and its log says so", "UnknownIssuer" in told or "unknown issuer" in told.lower(), told)
        statuses, told = await refused(other, two)
        checks.that("a certificate for another name is refused, too", statuses == {404}, statuses)
        checks.that("and the log says so", "NotValidForName" in told or "not valid for name" in told, told)
        checks.that("those that have the session answer in it", {await status(session, one), await status(other, misnamed)} == {200})
    finally:
        for each in servers:
            each.kill()
