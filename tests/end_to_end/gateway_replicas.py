"""Three servers on one database behind nginx with round robin: sessions, streams and pending secrets from any of them."""

import asyncio
import contextlib
import json
import re
import sys
from pathlib import Path

import http_stream
import suite
from balancer import Balancer
from checks import Checks
from client import Client
from echo import Echo
from forwarded import forged, observed, redirected
from forwarded_tls import over_https
from gateway import Gateway, User
from postgres import Postgres
from recorder import Recorder
from rpc import ACCEPT, Legacy, Refused
from told_client import Told

PYTHON = sys.argv[1] if len(sys.argv) > 1 else ""
TOLD = Path(__file__).parent.parent / "mcp" / "clients" / "told_python_2.py"
VALUE = "a value that comes from the page"
SESSIONS, CALLS = 9, 12


class Fleet:
    """The servers. What they forward to the last one is recorded."""

    def __init__(self, folder: Path, database: str, echo: Echo) -> None:
        self.database, self.echo = database, echo
        url = f"http://127.0.0.1:{echo.port}/mcp"
        tools = {"echo": {"url": url, "allow_private_network": True, "credential_arguments": ["api_key"]}}
        settings = {"database_url": database, "root_key_file": str(folder / "root.key"), "trusted_proxies": '["127.0.0.1/32"]'}
        allowed = {"allowed_hosts": ["127.0.0.1"]}

        def server(name: str) -> Gateway:
            return Gateway(folder / name, tools, allowed, first_keys_file=str(folder / f"{name}.keys"), **settings)

        self.servers = [server(name) for name in ("one", "two", "three")]
        # The others do not reach these.
        self.alone = [server(name) for name in ("four", "five")]
        self.recorder = Recorder()

    async def start(self) -> None:
        await self.recorder.start()
        for one in self.servers:
            one.environment["TOOLVAULT_REPLICA__URL"] = f"http://127.0.0.1:{one.port}"
        last = self.servers[-1]
        self.recorder.target = last.port
        last.environment["TOOLVAULT_REPLICA__URL"] = f"http://127.0.0.1:{self.recorder.port}"
        # The first sets up.
        for one in [*self.servers, *self.alone]:
            await one.begin()

    async def meet(self, user: User) -> None:
        """Waits until each server reaches the sessions of each other."""
        self.makers: dict[str, Gateway] = {}
        for one in self.servers:
            session = Legacy(one.url("echo"), user.headers)
            await session.open()
            self.makers[session.session.split(".")[0]] = one
            async with asyncio.timeout(30):
                for other in self.servers:
                    while await refusal(session, other.url("echo")) != 200:
                        await asyncio.sleep(0.05)
            await session.close()

    def maker(self, identifier: str) -> Gateway:
        """The server that made an ID."""
        return self.makers[identifier.split(".")[0]]

    def others(self, identifier: str) -> list[Gateway]:
        return [one for one in self.servers if one is not self.maker(identifier)]

    def kill(self) -> None:
        for one in [*self.servers, *self.alone]:
            one.kill()
        self.recorder.close()


async def refusal(session: Legacy, url: str, headers: dict | None = None) -> int:
    """The status with which a call in a session is refused at a URL; 200 if it is not."""
    sent = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "send", "arguments": {"to": "x"}}}
    named = session.its() | ACCEPT | (session.headers if headers is None else headers)
    answer = await http_stream.ask(url, "POST", sent, named)
    await answer.body()
    return answer.status


async def sessions_survive(checks: Checks, fleet: Fleet, nginx: Balancer, user: User) -> list[Legacy]:
    """Each call goes to another server, and each is answered in its session."""
    sessions = [Legacy(nginx.url("/mcp/echo"), user.headers) for _ in range(SESSIONS)]
    faults = []
    for session in sessions:
        await session.open()
    makers = {fleet.maker(session.session).folder.name for session in sessions}
    checks.that("each server has sessions", len(makers) == len(fleet.servers), makers)
    for number in range(CALLS):
        for session in sessions:
            words = f"{number} of {session.session[:6]}"
            result = await session.call("send", to=words)
            faults += [] if words in str(result) else [result]
    checks.none(f"{SESSIONS * CALLS} calls in sessions through nginx are answered", faults)
    ports = {one.port for one in fleet.servers}
    checks.that("nginx sent requests to each server", nginx.reached() == ports, nginx.reached())
    large = "x" * 900_000
    for session in sessions[:3]:
        result = await session.call("send", to=large)
        checks.that("a large call is answered whole", len(str(result)) > len(large), len(str(result)))
    return sessions


async def control(checks: Checks, fleet: Fleet, folder: Path, user: User) -> None:
    nginx = Balancer(folder / "control", [one.port for one in fleet.alone])
    try:
        session = Legacy(nginx.url("/mcp/echo"), user.headers)
        with contextlib.suppress(Refused):
            await session.open()
        statuses = {await refusal(session, session.url) for _ in range(4)}
        checks.that("control: servers without replica.url do not find each other's sessions", statuses == {200, 404}, statuses)
        checks.that("and their IDs are plain", "." not in session.session, session.session)
    finally:
        nginx.end()


async def streams_work(checks: Checks, sessions: list[Legacy], user: User) -> None:
    """Streams that pass through any server bring announcements as they happen."""
    streams = [await session.listen() for session in sessions]
    secret = await user.secret("the-key", "a value of the streams", "echo__send", "api_key")
    async with asyncio.timeout(30):
        while not all(session.notes("notifications/tools/list_changed") for session in sessions):
            await asyncio.sleep(0.01)
    checks.that(f"an announcement arrives on {len(streams)} streams", True)
    result = await sessions[0].call("send", to="x")
    checks.that("a call gets the secret", "[secret:the-key]" in str(result), result)
    await user.delete(secret)
    for stream in streams:
        stream.close()


async def official_client(checks: Checks, nginx: Balancer, user: User) -> None:
    target = {"url": nginx.url("/mcp/echo"), "key": user.key}
    client = await Told("the Python SDK", [PYTHON, str(TOLD)], "legacy", target).start()
    try:
        secret = await user.secret("for-the-sdk", "a value for the SDK", "echo__send", "api_key")
        checks.that("the Python SDK hears that the tools changed", await client.hears_a_change())
        answers = await asyncio.gather(*(client.call("send", {"to": f"call {number}"}) for number in range(30)))
        wrong = [answer for number, answer in enumerate(answers) if f"call {number}" not in answer.get("text", "")]
        checks.none("and its calls through nginx are answered", wrong)
        await user.delete(secret)
    finally:
        await client.end()


async def strangers_are_refused(checks: Checks, fleet: Fleet, session: Legacy, stranger: User) -> None:
    """Someone who knows the ID of a session gets nowhere with it, on any server."""
    for one in fleet.servers:
        status = await refusal(session, one.url("echo"), stranger.headers)
        checks.that(f"another user's key does not open the session on {one.folder.name}", status == 404, status)
        status = await refusal(session, one.url("echo"), {})
        checks.that(f"nor does no key on {one.folder.name}", status == 401, status)
        status = await refusal(session, one.url(), session.headers)
        checks.that(f"nor does another path on {one.folder.name}", status == 404, status)
        checks.that(f"its own key does on {one.folder.name}", await refusal(session, one.url("echo")) == 200)


async def pending_secrets(checks: Checks, fleet: Fleet, nginx: Balancer, user: User, stranger: User) -> None:
    """A link works on any server, for its user, once."""
    session = Legacy(nginx.url("/mcp/echo"), user.headers, {"elicitation/create": lambda _: {}})
    session.capabilities["elicitation/create"] = {"elicitation": {"url": {}}}
    await session.open()
    identifier = await needed(session)
    maker, others = fleet.maker(identifier), fleet.others(identifier)
    path = f"/v1/pending-secrets/{identifier}"

    async def ask(one: Gateway, key: str, body: object = None):
        client = one.client(key)
        answer = await client.request("POST" if body else "GET", path, body)
        client.close()
        return answer

    for one in fleet.servers:
        page = Client(one.port)
        shown = await page.request("GET", f"/mcp-secrets/{identifier}")
        page.close()
        checks.that(f"{one.folder.name} has the page", shown.status == 200 and b"<form" in shown.body, shown.status)
        told = await ask(one, user.manager)
        checks.that(f"{one.folder.name} knows what is pending", told.status == 200 and told.json()["argument"] == "api_key", told)
        checks.that(f"{one.folder.name} tells another user nothing", (await ask(one, stranger.manager)).status == 404)
        checks.that(f"{one.folder.name} tells an agent nothing", (await ask(one, user.key)).status == 403)
    wrong = await ask(others[0], user.manager, {"secret_value": ""})
    checks.that("a value that is refused is refused as always", wrong.status == 422, wrong)
    value = {"secret_value": VALUE}
    checks.that("another user cannot set it", (await ask(others[0], stranger.manager, value)).status == 404)
    done = await ask(others[0], user.manager, value)
    checks.that("it is set through another server", done.status == 200, done)
    for one in (others[1], maker):
        checks.that(f"once: {one.folder.name} does not know it any more", (await ask(one, user.manager)).status == 404)
    result = await session.call("send", to="x")
    checks.that("the agent's next call gets it", "[secret:" in str(result) and VALUE not in str(result), result)
    await session.close()
    checks.that("a session that ended is unknown", {await refusal(session, one.url("echo")) for one in fleet.servers} == {404})


async def needed(session: Legacy) -> str:
    """Calls a tool that lacks its secret; returns the ID in the link."""
    try:
        told = str(await session.call("send", to="x"))
    except Refused as refused:
        told = json.dumps(refused.error)
    found = re.search(r"/mcp-secrets/([0-9a-f.]+)", told)
    if not found:
        raise RuntimeError(f"no link: {told}")
    return found[1]


async def one_dies(checks: Checks, fleet: Fleet, nginx: Balancer, sessions: list[Legacy]) -> None:
    """Its sessions are unknown at once, and clients begin new ones; those of the others go on."""
    victim = fleet.maker(sessions[0].session)
    victim.kill()
    lost = [session for session in sessions if fleet.maker(session.session) is victim]
    left = [session for session in sessions if session not in lost]
    statuses = [await refusal(session, session.url) for session in lost for _ in range(4)]
    checks.that("sessions of a killed server are unknown", set(statuses) == {404}, statuses)
    statuses = [await refusal(session, session.url) for session in left for _ in range(4)]
    checks.that("sessions of the others go on", set(statuses) == {200}, statuses)
    for session in lost:
        again = Legacy(session.url, session.headers)
        await again.open()
        result = await again.call("send", to="again")
        checks.that("a client begins a new session", "again" in str(result), result)


async def gateway_replicas(checks: Checks, folder: Path) -> None:
    postgres, echo = Postgres(), Echo()
    await echo.start(folder)
    fleet = Fleet(folder, postgres.new_database("fleet"), echo)
    nginx = None
    try:
        await fleet.start()
        nginx = Balancer(folder / "nginx", [one.port for one in fleet.servers])
        user, stranger = await fleet.servers[0].user("ada"), await fleet.servers[0].user("bob")
        await fleet.meet(user)
        given = await user.secret("given", "a given value", "echo__send", "api_key")
        sessions = await sessions_survive(checks, fleet, nginx, user)
        await control(checks, fleet, folder, user)
        await strangers_are_refused(checks, fleet, sessions[0], stranger)
        await user.delete(given)
        await streams_work(checks, sessions, user)
        await official_client(checks, nginx, user)
        await pending_secrets(checks, fleet, nginx, user, stranger)
        of_last = next(session for session in sessions if fleet.maker(session.session) is fleet.servers[-1])
        await observed(checks, fleet, of_last, user)
        await forged(checks, fleet)
        await redirected(checks, fleet, postgres, of_last)
        await one_dies(checks, fleet, nginx, sessions)
        await over_https(checks, folder, postgres.new_database("https"), echo.port)
    finally:
        fleet.kill()
        echo.close()
        if nginx:
            nginx.end()


if __name__ == "__main__":
    suite.run(gateway_replicas)
