"""Measures the server beside its ceilings and peers on this machine, and writes docs/performance.md."""

import asyncio
import base64
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from bench_aims import (
    BARE,
    CHANGE,
    CHANGE_FAR,
    DISK,
    ETCD,
    FAR,
    GET,
    LIST,
    PGBENCH,
    POSTGRES,
    PROBE,
    RESOLVE,
    SQLITE,
    Figure,
    aims,
)
from bench_calls import Calls, mcp_proxy
from bench_growth import growth
from bench_machine import describe
from bench_users import users
from bench_ways import ROUNDS, SECONDS, Http, Pgbench, Redis, Way, fdatasync, measure, table
from gateway import SECRETS, Gateway, Program, User
from postgres import Postgres

FIXTURE = os.environ["TOOLVAULT_MCP_FIXTURE"]
DELAY = Path(__file__).with_name("delay.py")
REPORT = Path(__file__).parents[2] / "docs" / "performance.md"
CONNECTIONS = (1, 16, 64)
BINDINGS = 100
RESOLVE_PATH = "/v1/tools/linear__get_issue/resolve"
LIST_PATH = f"{SECRETS}?limit=20"
VALUE = "a-key-that-is-injected-and-found-again"
# `$N` becomes another number in each request.
REPLACED = {"secret_value": "lin_api_8fK2mQ9xWz4Lr7TpNc3Yh$N"}


class Store:
    """A server with one user of 100 secrets."""

    def __init__(self, name: str, gateway: Gateway) -> None:
        self.name, self.gateway = name, gateway

    async def fill(self) -> None:
        await self.gateway.begin()
        self.user: User = await self.gateway.user("measured")
        for number in range(BINDINGS - 2):
            await self.user.secret(f"secret {number}", f"a value {number}", f"tool_{number}__*", "api_token")
        self.secret = await self.user.secret("linear", "a value of linear", "linear__*", "api_token")
        await self.user.secret("the-key", VALUE, "fixture__*", "api_key")
        key = await self.gateway.spoken("key", "create", "--user", "measured", "--scope", "resolve")
        self.resolver = key["key"]

    def http(self, path: str, method: str = "GET", body: object = None, key: str = "") -> Http:
        url = f"http://127.0.0.1:{self.gateway.port}{path}"
        text = "" if body is None else json.dumps(body)
        headers = {"x-api-key": key or self.user.manager}
        return Http(url, self.gateway.process.pid, method, text, headers)

    def resolve(self) -> Http:
        return self.http(RESOLVE_PATH, "POST", {"args": {"issue_id": "ENG-0001"}}, self.resolver)


class Bench:
    """All servers and peers."""

    def __init__(self, folder: Path, programs: ExitStack) -> None:
        self.folder, self.programs = folder, programs
        self.tables: list[str] = []
        # The ways of each part by name, by title and number of connections.
        self.results: dict[tuple[str, int], dict[str, Way]] = {}
        self.figures: list[Figure] = []

    def program(self, name: str, *words: str) -> Program:
        program = Program(list(words), self.folder / f"{name}.log")
        self.programs.callback(program.end)
        return program

    async def begin(self) -> None:
        folder, postgres = self.folder, Postgres()
        self.fixture = self.program("fixture", FIXTURE, "http", "127.0.0.1:$PORT")
        self.hop = self.program("hop", FIXTURE, "hop", "127.0.0.1:$PORT", f"127.0.0.1:{self.fixture.port}")
        servers = {"fixture": {"url": self.fixture.url, "allow_private_network": True}}
        places = {
            SQLITE: {},
            DISK: {"audit__uses": "disk"},
            POSTGRES: {"database_url": postgres.new_database("bench")},
        }
        self.stores = []
        for number, (name, settings) in enumerate(places.items()):
            store = Store(name, Gateway(folder / f"store{number}", servers, **settings))
            self.programs.callback(store.gateway.kill)
            await store.fill()
            self.stores.append(store)
        self.database = postgres.new_database("pgbench")
        postgres.query("CREATE TABLE kept (id bigserial PRIMARY KEY, value bytea NOT NULL)", self.database)
        self.etcd = self.program("etcd", *etcd(folder))
        log = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        self.redis = self.program("redis", "redis-server", "--port", "$PORT", "--dir", str(folder), *log)
        await self.echo()

    async def echo(self) -> None:
        """A bare server that gives the answers of the first store."""
        store = self.stores[0]
        client = store.gateway.client(store.resolver)
        resolved = await client.request("POST", RESOLVE_PATH, {"args": {"issue_id": "ENG-0001"}})
        client.close()
        assert "api_token" in resolved.json()["args"], resolved
        answers = [f"/resolve={resolved.body.decode()}"]
        for name, path in (("get", SECRETS + store.secret), ("list", LIST_PATH)):
            answer = await store.user.ask("GET", path)
            assert answer.status == 200, answer
            answers.append(f"/{name}={answer.body.decode()}")
        self.bare = self.program("echo", FIXTURE, "echo", "127.0.0.1:$PORT", *answers)

    def ceiling(self, name: str, like: Http) -> Way:
        url = f"http://127.0.0.1:{self.bare.port}/{name}"
        load = Http(url, self.bare.process.pid, like.method, like.body, like.headers)
        return Way(BARE, load)

    def in_etcd(self, call: str, **fields: str) -> Way:
        body = {name: base64.b64encode(text.encode()).decode() for name, text in fields.items()}
        url = f"http://127.0.0.1:{self.etcd.port}/v3/kv/{call}"
        return Way(ETCD, Http(url, self.etcd.process.pid, "POST", json.dumps(body)))

    def in_redis(self, command: str) -> Way:
        return Way(f"Redis, {command.upper()}", Redis(self.redis.port, self.redis.process.pid, command))

    def compare(self, title: str, ways: list[Way], connections: tuple[int, ...] = CONNECTIONS) -> None:
        for count in connections:
            measure(ways, count)
            self.results[title, count] = {way.name: replace(way) for way in ways}
            heading = f"{title}, {count} at a time"
            self.tables.append(table(heading, ways))
            print(self.tables[-1], flush=True)

    async def resolve(self) -> None:
        ways = [Way(store.name, store.resolve()) for store in self.stores]
        peers = [self.in_etcd("range", key="a-key"), self.in_redis("get")]
        self.compare(RESOLVE, [self.ceiling("resolve", ways[0].load), *ways, *peers])

    async def get(self) -> None:
        ways = [Way(store.name, store.http(SECRETS + store.secret)) for store in (self.stores[0], self.stores[-1])]
        self.compare(GET, [self.ceiling("get", ways[0].load), *ways])

    async def list(self) -> None:
        ways = [Way(store.name, store.http(LIST_PATH)) for store in (self.stores[0], self.stores[-1])]
        self.compare(LIST, [self.ceiling("list", ways[0].load), *ways])

    async def change(self) -> None:
        ways = [
            Way(store.name, store.http(SECRETS + store.secret, "PATCH", REPLACED))
            for store in (self.stores[0], self.stores[-1])
        ]
        peers = [
            Way(PGBENCH, Pgbench(self.database, INSERT)),
            self.in_etcd("put", key="a-key", value=VALUE),
            self.in_redis("set"),
        ]
        self.compare(CHANGE, [Way(PROBE, fdatasync), *ways, *peers])

    async def far(self) -> None:
        """How many changes are saved while each answer of the database takes a millisecond longer."""
        url = urlsplit(Postgres().new_database("far"))
        away = self.program("delay", sys.executable, str(DELAY), "$PORT", str(url.port), "1")
        url = url._replace(netloc=url.netloc.replace(f":{url.port}", f":{away.port}"))
        store = Store(FAR, Gateway(self.folder / "far", {}, database_url=urlunsplit(url)))
        self.programs.callback(store.gateway.kill)
        await store.fill()
        way = Way(store.name, store.http(SECRETS + store.secret, "PATCH", REPLACED))
        self.compare(CHANGE_FAR, [way], (1, 64, 256))

    async def gateway(self) -> None:
        calls = Calls(self.stores[0], self.fixture, self.hop, mcp_proxy(self.folder, self.fixture.url, VALUE))
        self.programs.callback(calls.proxy.end)
        for era in ("modern", "legacy"):
            await calls.compare(self.compare, f"Call a tool over HTTP, {era} era", era, "report", VALUE)
        await calls.compare(self.compare, "Call a tool that repeats its secret twice", "modern", "echo", VALUE)

    async def users(self) -> None:
        text, figures = await users(self.folder / "users")
        self.tables.append(text)
        self.figures += figures
        print(self.tables[-1], flush=True)

    async def growth(self) -> None:
        texts, figures = await growth(self.folder / "growth", self.compare)
        self.tables += texts
        self.figures += figures
        print("\n".join(texts), flush=True)

    async def verify(self) -> None:
        """After the other parts, the trail is long."""
        store = self.stores[0]
        # So that there is a trail, if this is the only part.
        store.resolve()(SECONDS, 16)
        loop, rates = asyncio.get_running_loop(), []
        for _ in range(ROUNDS):
            began = loop.time()
            report = await store.gateway.spoken("audit", "verify")
            rates.append(report["records"] / (loop.time() - began))
        rates.sort()
        records, pages, rate = report["records"], report["pages"], rates[len(rates) // 2]
        text = f"`audit verify` of {records:,} records in {pages:,} pages: {rate:,.0f} records/s.\n"
        self.figures.append(Figure("`audit verify`, records/s", rate, 200_000, at_most=False))
        self.tables.append(text)
        print(text, flush=True)


INSERT = "INSERT INTO kept (value) VALUES (decode(repeat('00', 64), 'hex'));"
PARTS = ("resolve", "get", "list", "change", "far", "gateway", "users", "growth", "verify")


def etcd(folder: Path) -> Iterator[str]:
    """The command of a single etcd. It gets a port for peers, too, which nothing uses."""
    client, peer = "http://127.0.0.1:$PORT", "http://127.0.0.1:0"
    yield from ("etcd", "--data-dir", str(folder / "etcd"), "--log-level", "error")
    yield from ("--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer)


async def bench(folder: Path, parts: list[str]) -> None:
    head = describe(ROUNDS, SECONDS)
    with ExitStack() as programs:
        bench = Bench(folder, programs)
        await bench.begin()
        for part in PARTS:
            if part in parts:
                await getattr(bench, part)()
    end = aims(bench.results, bench.figures)
    print(end, flush=True)
    if parts == list(PARTS):
        REPORT.write_text("\n".join([head, *bench.tables, end]))


if __name__ == "__main__":
    chosen = sys.argv[1:] or list(PARTS)
    if unknown := set(chosen).difference(PARTS):
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="toolvault-bench-") as place:
        asyncio.run(bench(Path(place), chosen))
