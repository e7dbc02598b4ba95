"""The rules of resolving (contract, section 4), as the server has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from .. import _pointer
from .._pattern import matches
from ..confidential import Confidential

SCHEME = "secret://"
PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass
class Stored:
    """A secret. `changed` orders the last changes of value, binding and flag."""

    secret_id: str
    secret_name: str
    value: Confidential
    tool_name: str | None = None
    tool_arg: str | None = None
    is_default_for_tool: bool = False
    expires_at: datetime | None = None
    when: Mapping[str, Sequence[str]] = field(default_factory=dict)
    redact: bool = True
    changed: int = 0
    version: int = 1

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= datetime.now(timezone.utc)

    @property
    def rank(self) -> tuple[Any, ...]:
        """Rule 5; the greatest wins. A pointer comes before a name."""
        pattern = self.tool_name or ""
        later = tuple(-ord(one) for one in self.secret_id)
        return (
            (self.tool_arg or "").startswith("/"),
            "*" not in pattern,
            len(pattern.replace("*", "")),
            self.changed,
            later,
        )

    def allows(self, args: Mapping[str, Any]) -> bool:
        """Rule 7: each companion argument is absent or null, or matches."""
        for argument, patterns in self.when.items():
            found = [*_found(args, argument)]
            if found == [None]:
                continue
            if not found or not isinstance(found[0], str) or not any(_fits(one, found[0]) for one in patterns):
                return False
        return True


@dataclass
class Decided:
    """What one argument gets."""

    name: str
    outcome: str
    needed_in: str = "args"
    candidates: Sequence[Stored] = ()
    text: str = ""

    @property
    def winner(self) -> Stored | None:
        chosen = self.outcome in ("default", "binding", "secret_expired")
        return self.candidates[0] if chosen and self.candidates else None

    @property
    def is_applied(self) -> bool:
        return self.outcome in ("default", "binding")

    def refuse(self, outcome: str, text: str) -> None:
        self.outcome, self.text = outcome, text


def decide(secrets: Sequence[Stored], call: Mapping[str, Any]) -> tuple[list[Decided], dict[str, Any]]:
    """What each argument gets, and the completed arguments, which are valid only if there is no error."""
    tool, args = call["tool_name"], dict(call.get("args") or {})
    # Of two names of one place the last one in this order counts.
    bound = sorted((call.get("bindings") or {}).items(), key=lambda one: one[0].encode())
    bindings = {_place(name) or name: (name, reference) for name, reference in bound}
    required = {_place(name) or name: name for name in sorted(call.get("require") or (), key=str.encode)}
    accepts = call.get("accepts")
    accepted = None if accepts is None else {_place(one) for one in accepts}
    competing: dict[str, list[Stored]] = {}
    for one in sorted(secrets, key=lambda one: one.rank, reverse=True):
        if one.is_default_for_tool and one.tool_name and one.tool_arg and matches(one.tool_name, tool):
            place = _place(one.tool_arg)
            if place is not None and (accepted is None or place in accepted):
                competing.setdefault(place, []).append(one)
    names = {_of_name(name) for name in args}
    places = sorted({*names, *bindings, *required, *competing}, key=str.encode)
    decided = [
        _by_reference(secrets, tool, *bindings[place])
        if place in bindings
        else _by_default(place, competing.get(place, []), required.get(place))
        for place in places
    ]
    served = [each.name for place, each in zip(places, decided, strict=True) if {place} & {*bindings, *competing}]
    for place, each in zip(places, decided, strict=True):
        _received(each, args, place in bindings, [name for name in served if name.startswith("/")])
    if not any(one.outcome.startswith("secret_") for one in decided):
        args = _filled(decided, args)
    return decided, args


def problems(tool: str, decided: Sequence[Decided]) -> list[dict[str, Any]]:
    """The errors of a call."""
    quoted = tool.replace("'", r"'\''")
    command = f" Run: toolvault explain '{quoted}'" if tool.isprintable() and tool[0] != "-" else ""
    return [
        {
            "type": one.outcome,
            "loc": [one.needed_in, one.name],
            "msg": one.text.format(argument=one.name, tool=tool) + command,
        }
        for one in decided
        if one.outcome.startswith("secret_")
    ]


NOT_AVAILABLE = "No usable secret for argument '{argument}' of tool '{tool}'."
AMBIGUOUS = "Several secrets of that name match argument '{argument}' of tool '{tool}'."
EXPIRED = "The secret for argument '{argument}' of tool '{tool}' has expired."
MISSING = "Argument '{argument}' of tool '{tool}' is required and no secret serves it."
NO_PLACE = "Argument '{argument}' of tool '{tool}' has no place: what was received there is not an object."


def _by_reference(secrets: Sequence[Stored], tool: str, name: str, reference: str) -> Decided:
    wanted = reference.removeprefix(SCHEME)
    granted = [
        one
        for one in secrets
        if (one.secret_id == wanted[4:].lower() if wanted.startswith("/id/") else one.secret_name == unquote(wanted))
        and (one.tool_name is None or matches(one.tool_name, tool))
        and (one.tool_arg is None or _place(one.tool_arg) == _place(name))
    ]
    if len(granted) != 1:
        outcome, text = ("secret_ambiguous", AMBIGUOUS) if granted else ("secret_not_available", NOT_AVAILABLE)
        return Decided(name, outcome, "bindings", granted, text)
    expired = granted[0].is_expired
    return Decided(name, "secret_expired" if expired else "binding", "bindings", granted, EXPIRED)


def _by_default(place: str, candidates: list[Stored], required: str | None) -> Decided:
    needed_in = "args" if required is None else "require"
    if candidates:
        outcome = "secret_expired" if candidates[0].is_expired else "default"
        return Decided(candidates[0].tool_arg or place, outcome, needed_in, candidates, EXPIRED)
    outcome = "none" if required is None else "secret_missing"
    return Decided(required or place, outcome, needed_in, (), MISSING)


def _received(one: Decided, args: Mapping[str, Any], is_bound: bool, served: Sequence[str]) -> None:
    """Rule 3: what was received wins over a default, and a pointer into an argument over that argument."""
    found = [*_found(args, one.name)]
    is_received = bool(found) and found[0] is not None
    way = _pointer.steps(one.name)
    gives_way = any(_pointer.steps(name)[: len(way)] == way and _pointer.steps(name) != way for name in served)
    if one.outcome in ("secret_not_available", "secret_ambiguous"):
        return
    if is_received and (gives_way or not is_bound):
        one.outcome = "received"
    elif gives_way:
        one.outcome = "none"
    elif one.is_applied and not found:
        one.refuse("secret_not_available", NO_PLACE)


def _filled(decided: Sequence[Decided], args: dict[str, Any]) -> dict[str, Any]:
    for one in decided:
        if one.is_applied:
            args = _pointer.put(args, one.name, one.candidates[0].value.reveal())
    for one in decided:
        if one.is_applied and not one.candidates[0].allows(args):
            one.refuse("secret_not_available", NOT_AVAILABLE)
    return args


def _place(argument: str) -> str | None:
    """The canonical text of a place; None for an invalid pointer."""
    if argument.startswith("/") and "~" in argument.replace("~0", "").replace("~1", ""):
        return None
    way = _pointer.steps(argument)
    return argument if len(way) > 1 else _of_name(way[0])


def _of_name(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1") if name.startswith("/") or not name else name


def _found(args: Mapping[str, Any], argument: str) -> Iterator[Any]:
    """What is at a place, None if there is nothing; no item if another value is in the way."""
    found: Any = args
    for step in _pointer.steps(argument):
        if found is not None and not isinstance(found, Mapping):
            return
        found = None if found is None else found.get(step)
    yield found


def _fits(pattern: str, text: str) -> bool:
    scheme = pattern.partition(":")[0].lower()
    if scheme not in PORTS:
        return matches(pattern, text)
    wanted, url = _plain(pattern.replace("*", "%2A")), _plain(text)
    if wanted is None or url is None or _origin(wanted) != _origin(url):
        return False
    path = pattern.split("://", 1)[1].partition("/")[2]
    return matches("/" + path, (url.path or "/") + (f"?{url.query}" if url.query else ""))


def _plain(text: str) -> SplitResult | None:
    """The URL, if every parser finds the same host and path in it. Only ASCII hosts are compared here."""
    if not text.isascii() or any(one in " \\" or not one.isprintable() for one in text):
        return None
    try:
        url = urlsplit(text)
        host, _ = url.hostname or "", url.port
    except ValueError:
        return None
    is_plain = url.scheme in PORTS and host and "@" not in url.netloc and "%" not in host
    dotted = any(step.lower().replace("%2e", ".") in (".", "..") for step in url.path.split("/"))
    return url if is_plain and not dotted else None


def _origin(url: SplitResult) -> tuple[str, str | None, int]:
    return url.scheme, url.hostname, url.port or PORTS[url.scheme]
