"""Sends the same generated requests to the original and to a running Toolvault, and compares the answers.

    python tests/parity/compare.py --url http://127.0.0.1:8787 --api-key tvk_… [--count 5000] [--seed 1]

It compares the status, for 422 the set of (type, loc, msg), for 200 the stored secret. `differences.py` lists
the intended differences, each of which must occur. The exit status is 1 for any other difference.
The key needs the scope `manage`. Created secrets are deleted again.
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
import grammar
import original
from grammar import COLLECTION, Request

SHOWN = 20
NEW = {"secret_name": "parity", "secret_value": "parity-0", "tool_name": "parity__*", "tool_arg": "token"}


class Comparison:
    """Both servers, one secret that exists in both with the same ID, and the results so far."""

    def __init__(self, toolvault: httpx.AsyncClient, prefixes: random.Random) -> None:
        self.toolvault = toolvault
        self.prefixes = prefixes
        self.secret_id = uuid.uuid4()
        app = original.build(lambda: self.secret_id)
        transport = httpx.ASGITransport(app=app)
        self.original = httpx.AsyncClient(transport=transport, base_url="http://original")
        self.store = app.state.store
        self.seen: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.wrong = 0

    async def renew(self) -> None:
        """Replaces the secret in both with a new one."""
        await self.toolvault.delete(f"{COLLECTION}{self.secret_id}")
        self.store.clear()
        answer = await self.toolvault.post(COLLECTION, json=NEW)
        answer.raise_for_status()
        self.secret_id = uuid.UUID(answer.json()["secret_id"])
        (await self.original.post(COLLECTION, json=NEW)).raise_for_status()

    async def compare(self, request: Request) -> None:
        name, counts, status, extra = differences.difference(request)
        theirs = await ask(self.original, counts.at(str(self.secret_id)))
        prefix = self.prefixes.choice(("", "/api"))
        ours = await ask(self.toolvault, request.at(str(self.secret_id)), prefix)
        errors = differences.errors_of(theirs.json()) if theirs.status_code == 422 else set()
        owed, errors = differences.expected(name, status, extra, theirs.status_code, errors)
        found = errors_of(ours)
        if name == "not a number":
            found = {(kind, None, message) for kind, _, message in found}
        agree = (ours.status_code, found) == (owed, errors)
        if agree and name in (None, "merge patch null") and owed == 200:
            agree = stored(request, ours.json()) == stored(request, theirs.json()) | differences.cleared(request)
        self.asked[f"{request.method} {owed}"] += 1
        if name:
            self.seen[name] += 1
        if not agree:
            self.report(request, name, (owed, errors, theirs), (found, ours))
        await self.tidy(request, ours, name is not None or not agree)

    async def tidy(self, request: Request, ours: httpx.Response, may_differ: bool) -> None:
        if request.method == "POST" and ours.status_code == 200:
            await self.toolvault.delete(COLLECTION + ours.json()["secret_id"])
            # The original gave its new secret the ID of the common one.
            may_differ = True
        if request.method == "DELETE" and ours.status_code == 200:
            may_differ = True
        if may_differ and request.method != "GET":
            await self.renew()

    def report(self, request: Request, name: str | None, owed: tuple, found: tuple) -> None:
        self.wrong += 1
        if self.wrong > SHOWN:
            return
        status, errors, theirs = owed
        found_errors, ours = found
        print(f"\n{request.method} {request.path}?{request.query[:200]}  {request.content_type}\n  {request.body[:300]!r}")
        print(f"  difference: {name}; original {theirs.status_code}; owed {status} {sorted(map(str, errors))}")
        print(f"  Toolvault {ours.status_code} {sorted(map(str, found_errors)) or ours.text[:300]}")

    async def expect(self, name: str, request: Request, statuses: set[int], **options) -> None:
        """Tests a difference that is not visible in a body, on Toolvault only."""
        answer = await ask(self.toolvault, request.at(str(self.secret_id)), **options)
        self.seen[name] += 1
        if answer.status_code not in statuses:
            self.wrong += 1
            print(f"\n{name}: {request.method} {request.path} was answered {answer.status_code}, not {statuses}")


async def ask(client: httpx.AsyncClient, request: Request, prefix: str = "", headers: dict | None = None) -> httpx.Response:
    url = prefix + request.path + (f"?{request.query}" if request.query else "")
    headers = dict(headers or {})
    if request.content_type:
        headers["content-type"] = request.content_type
    return await client.request(request.method, url, content=request.body or None, headers=headers)


def errors_of(answer: httpx.Response) -> set:
    """The errors of a 422 answer; a malformed answer is itself an error."""
    if answer.status_code != 422:
        return set()
    try:
        return differences.errors_of(answer.json())
    except (ValueError, KeyError, TypeError):
        return {("not a FastAPI answer", (), answer.text[:200])}


def stored(request: Request, answer: dict) -> dict:
    """The parts of an accepted request's answer that must be equal."""
    fields = [field for field in grammar.KNOWN if field != "secret_value"]
    if request.path == COLLECTION and request.method == "GET":
        # Toolvault uses 64-bit numbers.
        answer = answer | {"offset": min(answer["offset"], 2**63 - 1)}
        fields = ["limit", "offset"]
    return {field: answer.get(field) for field in fields}


async def run(options: argparse.Namespace) -> int:
    headers = {"x-api-key": options.api_key}
    async with httpx.AsyncClient(base_url=options.url, headers=headers, timeout=30) as toolvault:
        comparison = Comparison(toolvault, random.Random(options.seed))
        await comparison.renew()
        drawn = chain(grammar.systematic(), grammar.generated(random.Random(options.seed)))
        for request in islice(drawn, options.count):
            await comparison.compare(request)
        for method, body in (("POST", b"{"), ("PATCH", b"\xff"), ("POST", b"")):
            path = COLLECTION if method == "POST" else grammar.ITEM
            anonymous = Request(method, path, body=body)
            await comparison.expect("authentication first", anonymous, {401}, headers={"x-api-key": "wrong"})
        for method, path, body in (("GET", "/v1/secrets", b""), ("GET", f"{grammar.ITEM}/", b""), ("PATCH", f"{grammar.ITEM}/", b"{}")):
            await comparison.expect("trailing slash", Request(method, path, body=body), {200})
        await toolvault.delete(f"{COLLECTION}{comparison.secret_id}")
        return summary(comparison)


def summary(comparison: Comparison) -> int:
    print(f"\n{sum(comparison.asked.values())} requests: {json.dumps(dict(sorted(comparison.asked.items())))}")
    for name, why in differences.DIFFERENCES.items():
        print(f"  {comparison.seen[name]:5} × {name}: {why}")
    unseen = [name for name in differences.DIFFERENCES if not comparison.seen[name]]
    if unseen:
        print(f"never exercised: {', '.join(unseen)}")
    print(f"{comparison.wrong} differ that should not" if comparison.wrong else "all as it should be")
    return 1 if comparison.wrong or unseen else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="where Toolvault listens, without /v1")
    parser.add_argument("--api-key", required=True, help="a key with the scope manage")
    parser.add_argument("--count", type=int, default=5000, help="how many requests (default: 5000)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if sys.version_info >= (3, 13):
        print("Needs Python 3.10 to 3.12: later ones have different messages for JSON errors.", file=sys.stderr)
        return 2
    return asyncio.run(run(options))


if __name__ == "__main__":
    sys.exit(main())
