"""Writes crates/server/tests/corpus: requests, and the answer that Toolvault must give according to the original.

    python tests/parity/record.py [--random 250]
"""

import argparse
import asyncio
import json
import random
import uuid
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import httpx
from pydantic import Field, TypeAdapter, ValidationError

import differences
import grammar
import original

CORPUS = Path(__file__).parents[2] / "crates/server/tests/corpus"
SECRET = "12345678-9abc-4def-8123-456789abcdef"
LONGEST = 5_500

CHECKS: dict[str, Any] = {
    "boolean": bool,
    "integer": int,
    "integer 1 to 5": Annotated[int, Field(ge=1, le=5)],
    "text 1 to 3": Annotated[str, Field(min_length=1, max_length=3)],
    "text 4 to 5": Annotated[str, Field(min_length=4, max_length=5)],
    "text 0 to 1": Annotated[str, Field(max_length=1)],
    "list": list,
    "dictionary": dict,
    "uuid": uuid.UUID,
}


async def requests(count: int) -> list[dict]:
    """Sends the systematic requests and `count` random ones to the original, each for the same new secret."""
    asked = [*grammar.systematic(), *islice(grammar.generated(random.Random(1)), count)]
    records = []
    app = original.build(lambda: uuid.UUID(SECRET))
    for request in asked:
        request = request.at(SECRET)
        if len(request.body) + len(request.query) > LONGEST:
            continue
        name, counts, status, extra = differences.difference(request)
        if name == "trailing slash":
            continue  # How a request is routed, not how it is read.
        app.state.store.clear()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://original") as client:
            await client.post(grammar.COLLECTION, json={"secret_name": "linear", "secret_value": "lin_api_1"})
            answer = await ask(client, counts)
            wire = answer.request.url.raw_path.decode("ascii")
        errors = answer.json()["detail"] if answer.status_code == 422 else []
        owed, errors = differences.expected(name, status, extra, answer.status_code, errors)
        record = {"method": request.method, "path": wire.partition("?")[0]}
        record |= {"query": wire.partition("?")[2]} if request.query else {}
        record |= {"content_type": request.content_type} if request.content_type else {}
        try:
            record |= {"body": request.body.decode()} if request.body else {}
        except UnicodeDecodeError:
            record |= {"body_hex": request.body.hex()}
        record |= {"difference": name} if name else {}
        record["status"] = owed
        if errors:
            record["errors"] = errors
        if owed == 200 and "secret_id" in (shown := answer.json()) and request.method == "POST":
            record["shown"] = {field: shown[field] for field in grammar.KNOWN if field in shown}
        records.append(record)
    return records


async def ask(client: httpx.AsyncClient, request: grammar.Request) -> httpx.Response:
    url = request.path + (f"?{request.query}" if request.query else "")
    headers = {"content-type": request.content_type} if request.content_type else {}
    return await client.request(request.method, url, content=request.body or None, headers=headers)


def checks() -> list[dict]:
    """The result of pydantic for each value and each type."""
    values = [*grammar.BOOLEANS, *grammar.OTHERS, *grammar.STRINGS, '"00000000-0000-4000-8000-00000000000a"', '"7"', '" 3 "', "1e30", "4.0", "5.5", "6"]
    records = []
    for check, kind in CHECKS.items():
        adapter = TypeAdapter(kind)
        for value in dict.fromkeys(values):
            loaded = json.loads(value)
            if check.startswith("text") and isinstance(loaded, str) and "\0" in loaded:
                continue  # A deliberate difference.
            record = {"check": check, "value": value}
            try:
                adapter.validate_python(loaded)
            except ValidationError as error:
                found = error.errors(include_url=False, include_input=False)[0]
                record["error"] = {key: found[key] for key in ("type", "msg", "ctx") if key in found}
            records.append(record)
    return records


def write(name: str, records: list[dict]) -> None:
    CORPUS.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    (CORPUS / name).write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{name}: {len(records)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--random", type=int, default=250)
    write("requests.json", asyncio.run(requests(parser.parse_args().random)))
    write("checks.json", checks())
