"""Answers requests as the server does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx

from .. import _json
from .._pattern import matches
from ..confidential import Confidential
from ..models import Applied, Candidate, ExplainedArgument, Policy
from .rules import Decided, Stored, decide, problems

if TYPE_CHECKING:
    from ..testing import FakeVault

ME = {"user_id": "fake", "name": "fake", "scopes": ["manage", "use", "resolve", "audit"], "tools": []}
MASKED = "********"


class Answering:
    """The operations of a fake vault."""

    def __init__(self, vault: FakeVault) -> None:
        self._vault = vault
        self._paths: list[tuple[str, str, Callable[..., Any]]] = [
            ("GET", r"/me", lambda user, body: (200, ME)),
            ("POST", r"/resolve", self._several(self._resolve)),
            ("POST", r"/explain", self._several(self._explain)),
            (
                "POST",
                r"/tools/([^/]+)/explain",
                lambda user, body, tool: self._explain(user, {**body, "tool_name": tool}),
            ),
            ("GET", r"/secrets/", self._list),
            ("POST", r"/secrets/", self._create),
            ("GET", r"/secrets/([^/]+)", lambda user, body, one: (200, _info(vault.secret(one, user)))),
            ("PATCH", r"/secrets/([^/]+)", self._change),
            ("PUT", r"/secrets/([^/]+)/value", lambda user, body, one: self._change(user, {"secret_value": body}, one)),
            ("DELETE", r"/secrets/([^/]+)", self._delete),
            ("GET", r"/secrets/([^/]+)/policy", lambda user, body, one: (200, _policy(vault.secret(one, user)))),
            ("PUT", r"/secrets/([^/]+)/policy", self._set_policy),
        ]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request."""
        path = request.url.raw_path.decode().partition("?")[0].removeprefix("/v1")
        user = request.headers.get("x-toolvault-user")
        for method, pattern, answer in self._paths:
            found = re.fullmatch(pattern, path)
            if found and method == request.method:
                try:
                    status, content = answer(user, _body(request), *map(unquote, found.groups()))
                except KeyError:
                    status, content = 404, {"detail": "Not found"}
                return httpx.Response(status, content=_json.write(content).encode())
        raise NotImplementedError(f"a fake vault has no {request.method} {request.url.path}; use a server for this")

    def _several(self, one: Callable[..., tuple[int, Any]]) -> Callable[..., tuple[int, Any]]:
        def answer(user: str | None, body: Mapping[str, Any]) -> tuple[int, Any]:
            if "calls" not in body:
                return one(user, body)
            results = [one(user, call) for call in body["calls"]]
            return 200, {
                "results": [
                    {"status": status, "result": content} if status == 200 else {"status": status, **content}
                    for status, content in results
                ]
            }

        return answer

    def _resolve(self, user: str | None, call: Mapping[str, Any]) -> tuple[int, Any]:
        tool = call["tool_name"]
        decided, args = decide(self._vault.stored(user), call)
        refused = problems(tool, decided)
        if refused:
            return 409, {"detail": refused}
        applied = [_applied(one) for one in decided if one.is_applied]
        self._vault.used(tool, applied, user)
        return 200, {"tool_name": tool, "args": args, "applied": applied}

    def _explain(self, user: str | None, call: Mapping[str, Any]) -> tuple[int, Any]:
        tool = call["tool_name"]
        decided, _ = decide(self._vault.stored(user), call)
        return 200, {
            "tool_name": tool,
            "would_succeed": not problems(tool, decided),
            "arguments": [_explained(one) for one in decided],
            "gateway": None,
        }

    def _list(self, user: str | None, query: Mapping[str, str]) -> tuple[int, Any]:
        found = [
            one
            for one in self._vault.stored(user)
            if query.get("secret_name", one.secret_name) == one.secret_name
            and query.get("q", "") in one.secret_name
            and ("tool_name" not in query or matches(one.tool_name or "", query["tool_name"]))
        ]
        limit, offset = int(query.get("limit", 100)), int(query.get("offset", 0))
        page = [_info(one) for one in found[offset : offset + limit]]
        return 200, {"data": page, "total": len(found), "limit": limit, "offset": offset}

    def _create(self, user: str | None, body: Mapping[str, Any]) -> tuple[int, Any]:
        name, value = body["secret_name"], body["secret_value"]
        tool, argument, is_default = (body.get(one) for one in ("tool_name", "tool_arg", "is_default_for_tool"))
        secret_id = self._vault.add(
            name, value, tool_name=tool, tool_arg=argument, is_default_for_tool=bool(is_default), user=user
        )
        return 200, _info(self._vault.secret(secret_id, user))

    def _change(self, user: str | None, body: Mapping[str, Any], secret_id: str) -> tuple[int, Any]:
        secret = self._vault.secret(secret_id, user)
        for name in ("secret_name", "tool_name", "tool_arg", "is_default_for_tool"):
            if name in body:
                setattr(secret, name, body[name])
        if "secret_value" in body:
            secret.value, secret.version = Confidential(body["secret_value"]), secret.version + 1
        secret.changed = self._vault.tick()
        return 200, _info(secret)

    def _delete(self, user: str | None, body: object, secret_id: str) -> tuple[int, Any]:
        self._vault.stored(user).remove(self._vault.secret(secret_id, user))
        return 200, {}

    def _set_policy(self, user: str | None, body: Mapping[str, Any], secret_id: str) -> tuple[int, Any]:
        secret = self._vault.secret(secret_id, user)
        ends = body.get("expires_at")
        secret.expires_at = None if ends is None else datetime.fromisoformat(ends)
        secret.when, secret.redact = body.get("when") or {}, body.get("redact", True)
        return 200, _policy(secret)


def _body(request: httpx.Request) -> Any:
    if request.method in ("GET", "DELETE"):
        return dict(request.url.params)
    content = request.read()
    return _json.read(content) if "json" in request.headers.get("content-type", "json") else content.decode()


def _applied(one: Decided) -> dict[str, Any]:
    secret = one.candidates[0]
    source: Any = one.outcome
    return asdict(Applied(one.name, secret.secret_id, secret.secret_name, secret.version, source, secret.redact))


def _explained(one: Decided) -> dict[str, Any]:
    candidates = tuple(
        Candidate(each.secret_id, each.secret_name, each.tool_name, wins, "it wins" if wins else "another one wins")
        for each in one.candidates
        for wins in (each is one.winner,)
    )
    winner = None if one.winner is None else one.winner.secret_id
    return asdict(ExplainedArgument(one.name, one.outcome, winner, candidates, tied=False))


def _info(secret: Stored) -> dict[str, Any]:
    at = datetime.fromtimestamp(secret.changed, timezone.utc).isoformat()
    return {
        "secret_id": secret.secret_id,
        "user_id": "fake",
        "secret_name": secret.secret_name,
        "display": MASKED,
        "tool_name": secret.tool_name,
        "tool_arg": secret.tool_arg,
        "is_default_for_tool": secret.is_default_for_tool,
        "created_at": at,
        "updated_at": at,
    }


def _policy(secret: Stored) -> dict[str, Any]:
    when = {name: tuple(patterns) for name, patterns in secret.when.items()}
    ends = None if secret.expires_at is None else secret.expires_at.isoformat()
    return {**asdict(Policy(when=when, redact=secret.redact)), "expires_at": ends}
