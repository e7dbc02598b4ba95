"""What Toolvault owes for a request, by what the original answered, and what is wrong with an answer."""

import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime

import httpx

import differences
from grammar import KNOWN, Request

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
CODES = {
    200: None, 400: "unreadable", 401: "unauthenticated", 404: "not_found", 405: "method_not_allowed",
    415: "unsupported_media_type", 422: "invalid",
}
# Texts of refusals that the original does not know.
DETAILS = {
    400: "There was an error parsing the body",
    401: "Missing or invalid credentials.",
    415: "The body must be application/json.",
}


@dataclass(frozen=True)
class Answer:
    """What came back from either server; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, response: httpx.Response) -> "Answer":
        return cls(response.status_code, {name.lower(): value for name, value in response.headers.items()}, response.content)

    def json(self) -> object:
        return json.loads(self.body)

    def with_json(self, body: object) -> "Answer":
        return replace(self, body=json.dumps(body).encode())


@dataclass(frozen=True)
class Secret:
    """The one secret that both servers have: as Toolvault showed it last, and its value."""

    info: dict
    value: str


@dataclass(frozen=True)
class Owed:
    """The right answer. Of a secret: the members that are known, and how its times lie to those before."""

    status: int
    errors: list[dict] = field(default_factory=list)
    body: object = None
    info: dict | None = None
    changed: bool | None = None
    before: dict | None = None


def display(value: str) -> str:
    """What a secret shows of its value (API.md, section 2)."""
    first, last = (3, 4) if len(value) >= 24 else (2, 2) if len(value) >= 16 else (0, 0)
    return value[:first] + "********" + value[len(value) - last :]


def owed(request: Request, theirs: Answer, secret: Secret, user_id: str) -> Owed:
    """The answer to `request`, from the original's answer to the request that counts (`differences.difference`)."""
    name, _, status, extra = differences.difference(request)
    errors = theirs.json()["detail"] if theirs.status == 422 else []
    status, errors = differences.expected(name, status, extra, theirs.status, errors)
    if status == 422:
        return Owed(status, errors=errors)
    if status != 200:
        text = theirs.json()["detail"] if status == theirs.status else DETAILS[status]
        return Owed(status, body={"detail": text})
    if request.method == "DELETE":
        return Owed(status, body={})
    shown = theirs.json()
    if request.method == "GET" and "data" in shown:
        # Toolvault counts in 64 bits; nothing lies beyond them.
        offset = min(shown["offset"], 2**63 - 1)
        return Owed(status, body=shown | {"offset": offset, "data": [secret.info] * len(shown["data"])})
    if request.method == "GET":
        return Owed(status, body=secret.info)
    return changed(request, shown, secret, user_id)


def changed(request: Request, shown: dict, secret: Secret, user_id: str) -> Owed:
    """What is owed for a secret that was made or changed."""
    info = {name: shown[name] for name in KNOWN if name != "secret_value"} | differences.cleared(request)
    value = value_in(request)
    if request.method == "POST":
        return Owed(200, info=info | {"user_id": user_id, "display": display(value)})
    is_changed = value not in (None, secret.value) or any(secret.info[name] != info[name] for name in info)
    ids = {"secret_id": secret.info["secret_id"], "user_id": user_id}
    info |= ids | {"display": display(secret.value if value is None else value)}
    return Owed(200, info=info, changed=is_changed, before=secret.info)


def value_in(request: Request) -> str | None:
    """The value in an accepted body."""
    document = differences.document_of(request.body) if request.body else None
    return document.get("secret_value") if isinstance(document, dict) else None


def faults(owed: Owed, answer: Answer) -> list[str]:
    """What is wrong with the answer; nothing if it is the one that is owed."""
    if answer.status != owed.status:
        return [f"status {answer.status}"]
    try:
        body = answer.json()
    except ValueError:
        return ["the body is not JSON"]
    found = header_faults(owed, answer)
    if owed.status == 422:
        found += error_faults(owed.errors, body)
    elif owed.info is not None:
        found += info_faults(owed, body)
    elif body != owed.body:
        found.append(f"the body is not {owed.body}")
    return found


def header_faults(owed: Owed, answer: Answer) -> list[str]:
    is_secret = owed.info is not None or isinstance(owed.body, dict) and "secret_id" in owed.body
    rules = {
        "content-type": "application/json",
        "toolvault-error": CODES[owed.status],
        "www-authenticate": 'Bearer realm="toolvault"' if owed.status == 401 else None,
    }
    found = [f"{name}: {answer.headers.get(name)}" for name, value in rules.items() if answer.headers.get(name) != value]
    for name, is_there in (("etag", is_secret), ("x-request-id", True)):
        if bool(answer.headers.get(name)) != is_there:
            found.append(f"{name}: {answer.headers.get(name)}")
    return found


def error_faults(owed: list[dict], body: object) -> list[str]:
    """The errors of a 422 answer are those of the original, each once, in its order, with nothing beside them."""
    if not isinstance(body, dict) or body.keys() != {"detail"} or not isinstance(body["detail"], list):
        return ["the body is not that of a 422"]
    found = list(body["detail"])
    # Where Toolvault differs on purpose, the place in the body is its own.
    if owed == [differences.NOT_A_NUMBER] and len(found) == 1 and isinstance(found[0], dict):
        part, *at = found[0].pop("loc", [None])
        if part != "body" or len(at) != 1 or not isinstance(at[0], int):
            return ["errors"]
    return [] if found == owed else ["errors"]


def info_faults(owed: Owed, body: object) -> list[str]:
    times = ("created_at", "updated_at")
    if not isinstance(body, dict) or body.keys() != {"secret_id", *owed.info, *times}:
        return ["the members of the secret"]
    found = [f"{name} is not {value!r}" for name, value in owed.info.items() if body[name] != value]
    if not all(isinstance(body[name], str) and TIME.fullmatch(body[name]) for name in times):
        return [*found, "a time"]
    created, updated = (datetime.fromisoformat(body[name]) for name in times)
    if owed.before is None:
        is_right = created == updated and isinstance(body["secret_id"], str) and ID.fullmatch(body["secret_id"])
    else:
        previous = datetime.fromisoformat(owed.before["updated_at"])
        is_right = body["created_at"] == owed.before["created_at"]
        is_right = is_right and (updated > previous if owed.changed else updated == previous)
    return found if is_right else [*found, "the times"]

