"""Clients that disconnect in the middle of a request, and a server that is stopped under load."""

import asyncio
import time

from checks import Checks, spread
from client import Client, Lost, Unreachable, encoded, head
from journal import GONE, SECRETS, Entry
from writers import WRITERS

BROKEN_BODIES = 100
UNHEARD_ANSWERS = 200
STOPS = 10
HELD_OPEN = 8
STOPPED_WITHIN = 10.0
# Refused before it is read, and larger than the system's buffers.
UNREAD_BODY = 5_000_000
UNREAD_BODIES = 20


def create_body(name: str, value: str) -> dict:
    return {"secret_name": name, "secret_value": value, "tool_name": "crash__*", "tool_arg": "token"}


async def new_entry(client: Client, store, name: str) -> Entry:
    state = (f"first-{name}-value", "token")
    answer = await client.request("POST", SECRETS, create_body(name, state[0]))
    entry = Entry(name, state, answer.json()["secret_id"])
    store.journal.entries.append(entry)
    return entry


async def clients_that_break_off(checks: Checks, store) -> None:
    """Half a body does nothing; a whole request is carried out completely or not at all."""
    client = store.client()
    for number in range(BROKEN_BODIES):
        await half_a_body(client, store, number)
    # After a restart no request is in flight, so the state is final.
    await store.server.stop()
    await store.server.serve()
    checks.none(f"{BROKEN_BODIES} bodies that were cut in half changed nothing", await store.judged())
    done = [await unheard_answer(client, store, number) for number in range(UNHEARD_ANSWERS)]
    client.close()
    await store.server.stop()
    await store.server.serve()
    checks.none(f"{UNHEARD_ANSWERS} requests whose client left are done whole or not at all", await store.judged())
    happened = sum(entry.acknowledged == wanted for entry, wanted in done)
    print(f"{happened} of {UNHEARD_ANSWERS} requests whose client left were done")
    checks.none("the audit trail verifies after clients that left", await store.verified())


async def answers_without_the_body(checks: Checks, store) -> None:
    """A client whose body is not read gets the answer, and the connection stays usable."""
    faults = []
    for key, owed in ((store.key, (413, 200)), ("wrong", (401, 401))):
        client = store.server.client(key)
        for _ in range(UNREAD_BODIES):
            try:
                found = [(await client.request("POST", SECRETS, {"x": "x" * UNREAD_BODY})).status]
                connection = client.writer
                found.append((await client.request("GET", "/v1/me")).status)
            except Lost as lost:
                faults.append(f"no answer to a body that is refused with {owed[0]}: {lost}")
                continue
            if tuple(found) != owed or client.writer is not connection:
                faults.append(f"{found}, not {owed}, or on another connection")
        client.close()
    checks.none(f"{2 * UNREAD_BODIES} bodies that were refused unread are answered", faults)


def change(number: int, entry: Entry) -> tuple[str, str, object, tuple[str, str]]:
    """A change of each kind in turn: method, path, body and the resulting state."""
    path, value = SECRETS + entry.identifier, f"second-{number}-value" + "x" * (50 * (number % 9))
    return (
        ("PATCH", path, {"secret_value": value, "tool_arg": "api_key"}, (value, "api_key")),
        ("PUT", f"{path}/value", value.encode(), (value, entry.acknowledged[1])),
        ("DELETE", path, None, GONE),
        ("PATCH", path, {"tool_arg": "api_key"}, (entry.acknowledged[0], "api_key")),
    )[number % 4]


async def half_a_body(client: Client, store, number: int) -> None:
    """Sends half of a create, PATCH or PUT, with a length or in chunks, and disconnects or half closes."""
    if number % 5 == 0:
        method, path, body = "POST", SECRETS, create_body(f"half-{number}", "half-a-value")
    else:
        entry = await new_entry(client, store, f"half-{number}")
        kind = number - number % 4 if number % 4 == 2 else number
        method, path, body, _ = change(kind, entry)
    content, headers = encoded(body)
    part = content[: len(content) // 2]
    if number % 2:
        del headers["content-length"]
        headers["transfer-encoding"] = "chunked"
        part = b"%x\r\n%b\r\n" % (len(part), part)
    broken = store.client()
    await broken.connect()
    await broken.send(head(method, path, broken.headers | headers) + part)
    if number % 3:
        broken.break_off()
    else:
        broken.writer.write_eof()
        await broken.reader.read()
        broken.close()


async def unheard_answer(client: Client, store, number: int) -> tuple[Entry, tuple[str, str]]:
    """Sends a whole change and disconnects before the answer."""
    entry = await new_entry(client, store, f"left-{number}")
    method, path, body, entry.in_flight = change(number, entry)
    content, headers = encoded(body)
    leaver = store.client()
    await leaver.connect()
    await leaver.send(head(method, path, leaver.headers | headers) + content)
    # Wait for none, one or a few turns of the event loop, to disconnect at different points.
    for _ in range(number % 5):
        await asyncio.sleep(0)
    leaver.break_off()
    return entry, entry.in_flight


async def told_to_stop(checks: Checks, store) -> None:
    """SIGTERM under load: requests in flight are answered, acknowledged changes stay, and the process ends."""
    faults, endings, durations, unanswered = [], [], [], 0
    for number in range(STOPS):
        held = [await HeldOpen.begin(store, f"held-{number}-{one}") for one in range(HELD_OPEN)]
        burst = store.burst()
        await asyncio.sleep(store.chance.uniform(0.1, 0.3))
        began = time.monotonic()
        stopping = asyncio.create_task(store.server.stop())
        await until_refused(store.client())
        for request in held:
            faults += await request.finish()
        faults += await burst.finished()
        endings.append(await stopping)
        durations.append(time.monotonic() - began)
        unanswered += burst.unanswered()
        await store.server.serve()
        faults += await store.judged()
    faults += await store.verified()
    print(f"ended after {spread(durations)} from SIGTERM; {unanswered} of {STOPS} × {WRITERS} writers got no answer")
    checks.none("SIGTERM under load loses nothing acknowledged and answers what was begun", faults)
    checks.that("SIGTERM ends the process with status 0", set(endings) == {0}, endings)
    checks.that("the process ends when its requests have", max(durations) < STOPPED_WITHIN, spread(durations))


async def until_refused(client: Client) -> None:
    """Waits until the server accepts no new connection: it is stopping."""
    async with asyncio.timeout(STOPPED_WITHIN):
        while True:
            try:
                await client.connect()
            except Unreachable:
                return
            client.close()
            await asyncio.sleep(0.001)


class HeldOpen:
    """A create whose body the server is reading: it has answered 100 Continue."""

    def __init__(self, client: Client, entry: Entry, content: bytes) -> None:
        self.client, self.entry, self.content = client, entry, content

    @classmethod
    async def begin(cls, store, name: str) -> "HeldOpen":
        state = (f"held-open-{name}", "token")
        entry = Entry(name, None, in_flight=state)
        store.journal.entries.append(entry)
        content, headers = encoded(create_body(name, state[0]))
        client = store.client()
        await client.connect()
        await client.send(head("POST", SECRETS, client.headers | headers | {"expect": "100-continue"}))
        interim = await client.answer()
        if interim.status != 100:
            raise RuntimeError(f"no 100 Continue but {interim.status}")
        return cls(client, entry, content)

    async def finish(self) -> list[str]:
        try:
            await self.client.send(self.content)
            answer = await self.client.answer()
        except Lost as lost:
            return [f"{self.entry.name}: begun before SIGTERM and not answered: {lost}"]
        if answer.status != 200:
            return [f"{self.entry.name}: begun before SIGTERM and answered {answer.status}"]
        self.entry.identifier = answer.json()["secret_id"]
        self.entry.settle(self.entry.in_flight)
        return []
