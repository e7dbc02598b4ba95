"""Sends the same generated requests to the original and to a running Toolvault, and compares the answers.

    python tests/parity/compare.py --url http://127.0.0.1:8787 --api-key tvk_… [--count 5000] [--seed 1]

`answers.py` says what is compared. `differences.py` lists where the answers deliberately differ; each of which must
occur. `distortions.py` plants faults in right answers; each must be noticed. The exit status is 1 for anything else. The key needs the
scope `manage`, and its user has no other secrets. Created secrets are deleted again.
"""

import argparse
import asyncio
import json
import random
import sys
import uuid
from collections import Counter
from itertools import chain, islice

import httpx

import differences
import distortions
import grammar
import original
from answers import Answer, Owed, Secret, faults, owed, value_in
from grammar import COLLECTION, Request

SHOWN = 20
# So many right answers of each kind are distorted.
DISTORTED = 3
NEW = {"secret_name": "parity", "secret_value": "parity-0", "tool_name": "parity__*", "tool_arg": "token"}


class Comparison:
    """Both servers, one secret that exists in both with the same ID, and the results so far."""

    def __init__(self, toolvault: httpx.AsyncClient, user_id: str, prefixes: random.Random) -> None:
        self.toolvault = toolvault
        self.user_id = user_id
        self.prefixes = prefixes
        self.secret: Secret | None = None
        self.secret_id = uuid.uuid4()
        app = original.build(lambda: self.secret_id)
        transport = httpx.ASGITransport(app=app)
        self.original = httpx.AsyncClient(transport=transport, base_url="http://original")
        self.store = app.state.store
        self.seen: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.right: dict[tuple, list[tuple[Owed, Answer]]] = {}
        self.wrong = 0

    async def renew(self) -> None:
        """Replaces the secret in both with a new one."""
        await self.toolvault.delete(f"{COLLECTION}{self.secret_id}")
        self.store.clear()
        answer = await self.toolvault.post(COLLECTION, json=NEW)
        answer.raise_for_status()
        self.secret = Secret(answer.json(), NEW["secret_value"])
        self.secret_id = uuid.UUID(self.secret.info["secret_id"])
        (await self.original.post(COLLECTION, json=NEW)).raise_for_status()

    async def compare(self, request: Request) -> None:
        name, counts, _, _ = differences.difference(request)
        theirs = Answer.of(await ask(self.original, counts.at(str(self.secret_id))))
        expected = owed(request, theirs, self.secret, self.user_id)
        prefix = self.prefixes.choice(("", "/api"))
        ours = Answer.of(await ask(self.toolvault, request.at(str(self.secret_id)), prefix))
        self.asked[f"{request.method} {expected.status}"] += 1
        self.judge(name, request, expected, ours)
        await self.tidy(name, request, ours)

    def judge(self, name: str | None, request: Request, expected: Owed, ours: Answer) -> None:
        if name:
            self.seen[name] += 1
        found = faults(expected, ours)
        if found:
            self.wrong += 1
            if self.wrong <= SHOWN:
                print(f"\n{request.method} {request.path}?{request.query[:200]}  {request.content_type}\n  {request.body[:300]!r}")
                print(f"  difference: {name}; wrong: {', '.join(found)[:500]}\n  owed {expected}\n  {ours}")
            return
        kind = (request.method, expected.status, name, len(expected.errors), bool(expected.changed), "data" in (ours.json() or ()))
        kept = self.right.setdefault(kind, [])
        if len(kept) < DISTORTED:
            kept.append((expected, ours))

    async def tidy(self, name: str | None, request: Request, ours: Answer) -> None:
        """Makes both have the same secret again, and notes what it is."""
        if request.method == "GET" or name is None and ours.status != 200:
            return
        if request.method == "PATCH" and name is None:
            self.secret = Secret(ours.json(), value_in(request) or self.secret.value)
            return
        if request.method == "POST" and ours.status == 200:
            # The original gave its new secret the id of the one that both have.
            await self.toolvault.delete(COLLECTION + ours.json()["secret_id"])
        await self.renew()

    async def refused_first(self, request: Request) -> None:
        """Asks Toolvault alone, with a key that is none: whatever else is wrong, that is what counts."""
        ours = await ask(self.toolvault, request.at(str(self.secret_id)), headers={"x-api-key": "wrong"})
        expected = Owed(401, body={"detail": "Missing or invalid credentials."})
        self.judge("authentication first", request, expected, Answer.of(ours))


async def ask(client: httpx.AsyncClient, request: Request, prefix: str = "", headers: dict | None = None) -> httpx.Response:
    url = prefix + request.path + (f"?{request.query}" if request.query else "")
    headers = dict(headers or {})
    if request.content_type:
        headers["content-type"] = request.content_type
    return await client.request(request.method, url, content=request.body or None, headers=headers)


async def run(options: argparse.Namespace) -> int:
    headers = {"x-api-key": options.api_key}
    async with httpx.AsyncClient(base_url=options.url, headers=headers, timeout=30) as toolvault:
        me = (await toolvault.get("/v1/me")).json()
        comparison = Comparison(toolvault, me["user_id"], random.Random(options.seed))
        await comparison.renew()
        drawn = chain(grammar.systematic(), grammar.generated(random.Random(options.seed)))
        for request in islice(drawn, options.count):
            await comparison.compare(request)
        for method, body in (("POST", b"{"), ("PATCH", b"\xff"), ("POST", b"")):
            path = COLLECTION if method == "POST" else grammar.ITEM
            await comparison.refused_first(Request(method, path, body=body))
        await toolvault.delete(f"{COLLECTION}{comparison.secret_id}")
        return summary(comparison)


def summary(comparison: Comparison) -> int:
    print(f"\n{sum(comparison.asked.values())} requests: {json.dumps(dict(sorted(comparison.asked.items())))}")
    for name, why in differences.DIFFERENCES.items():
        print(f"  {comparison.seen[name]:5} × {name}: {why}")
    unseen = [name for name in differences.DIFFERENCES if not comparison.seen[name]]
    if unseen:
        print(f"never exercised: {', '.join(unseen)}")
    right = list(chain.from_iterable(comparison.right.values()))
    unnoticed = distortions.unnoticed(right)
    for fault in unnoticed[:SHOWN]:
        print(f"not noticed: {fault}"[:500])
    print(f"{len(distortions.DISTORTIONS)} distortions of {len(right)} right answers, {len(unnoticed)} not noticed")
    print(f"{comparison.wrong} differ that should not" if comparison.wrong else "all as it should be")
    return 1 if comparison.wrong or unseen or unnoticed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="where Toolvault listens, without /v1")
    parser.add_argument("--api-key", required=True, help="a key with the scope manage")
    parser.add_argument("--count", type=int, default=5000, help="how many requests (default: 5000)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if sys.version_info >= (3, 13):
        print("Needs Python 3.10 to 3.12: later ones word JSON errors differently.", file=sys.stderr)
        return 2
    return asyncio.run(run(options))


if __name__ == "__main__":
    sys.exit(main())
