"""Finding values in what a tool says, and putting `[secret:<name>]` in their place.

It is defence in depth: a tool that holds a value can show it in a form of its own.
"""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from ..confidential import Confidential

SHORTEST = 8
DEEPEST = 64


class ToolFailed(Exception):
    """A tool failed with words that held a value; these are the words without it."""


class Redaction:
    """The values that were given to one call, by the secret's name. It has no readable form."""

    __slots__ = ("_marks", "_pattern")

    def __init__(self, values: Iterable[tuple[str, Confidential]]) -> None:
        self._marks: dict[str, str] = {}
        for name, value in values:
            for form in _forms(value.reveal()):
                self._marks.setdefault(form, f"[secret:{name}]")
        longest_first = sorted(self._marks, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def shows(self, text: str) -> bool:
        """Whether a value is in the text."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def text(self, text: str) -> str:
        """The text without values."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self._marks[found.group()], text)

    def result(self, result: Any) -> Any:
        """What a tool returned, without values; the same object if there were none in it."""
        return result if self._pattern is None else self._cleaned(result, DEEPEST)

    def _cleaned(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if type(value) is str:
            return self.text(value)
        if isinstance(value, (bytes, bytearray)):
            text = bytes(value).decode("utf-8", "surrogateescape")
            return self.text(text).encode("utf-8", "surrogateescape") if self.shows(text) else value
        if depth == 0:
            return self._opaque(value)
        if type(value) is dict:
            return {self._cleaned(name, depth - 1): self._cleaned(one, depth - 1) for name, one in value.items()}
        if type(value) in (list, tuple, set, frozenset):
            return type(value)(self._cleaned(one, depth - 1) for one in value)
        return self._opaque(self._of_parts(value, depth - 1))

    def _of_parts(self, value: Any, depth: int) -> Any:
        """The same kind of object with clean parts, where that kind is known."""
        parts = _fields(value)
        changed = {
            name: clean
            for name, one in parts.items()
            if (clean := self._cleaned(one, depth)) is not one and clean != one
        }
        if not changed:
            return value
        if hasattr(value, "model_copy"):
            return value.model_copy(update=changed)
        return dataclasses.replace(value, **changed)

    def _opaque(self, value: Any) -> Any:
        """An object of which only its text is known: the clean text in its place if a value shows in it."""
        text = f"{value}\n{value!r}"
        return self.text(str(value)) if self.shows(text) else value

    def failure(self, error: Exception, keeps: tuple[type[Exception], ...] = ()) -> Exception | None:
        """What to raise in place of an error that shows a value; none if it shows none.

        An error of a kind in `keeps`, which a framework understands, stays of its kind.
        """
        if self._pattern is None or not any(map(self.shows, _words(error))):
            return None
        for kind in keeps:
            if isinstance(error, kind):
                return kind(self.text(str(error)))
        return ToolFailed(self.text(_message(error)))


def _forms(value: str) -> Iterator[str]:
    """How a value may be written in a text."""
    if len(value) < SHORTEST:
        return
    raw = value.encode()
    escaped = (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1])
    yield from {
        value,
        value[::-1],
        *escaped,
        html.escape(value),
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
    }
    yield from (raw.hex(), raw.hex().upper())
    for offset in range(3):
        # Whole characters only: those at the edges also hold bits of the neighbours.
        padded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        first, last = -(-offset * 8 // 6), (offset + len(raw)) * 8 // 6
        form = padded[first:last]
        if len(form) >= SHORTEST:
            yield from {form, form.replace("+", "-").replace("/", "_")}


def _fields(value: Any) -> dict[str, Any]:
    if hasattr(type(value), "model_fields"):
        return {name: getattr(value, name, None) for name in type(value).model_fields}
    if dataclasses.is_dataclass(value):
        return {one.name: getattr(value, one.name, None) for one in dataclasses.fields(value) if one.init}
    return {}


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error with all that a traceback shows beside it."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def _words(error: BaseException) -> Iterator[str]:
    for one in _chain(error):
        yield from (str(one), repr(one), repr(one.args), *map(str, getattr(one, "__notes__", ())))
        yield repr({name: value for name, value in vars(one).items() if isinstance(value, (str, bytes, list, dict))})
        # pydantic shortens inputs in its text, so that a part of a value shows in it and not the whole.
        yield repr(_details(one, whole=True))


def _message(error: Exception) -> str:
    details = _details(error, whole=False)
    if details is None:
        return f"{type(error).__name__}: {error}"
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in details)


def _details(error: BaseException, *, whole: bool) -> list[dict[str, Any]] | None:
    """What pydantic knows of a refused input."""
    if not type(error).__module__.startswith("pydantic") or not hasattr(error, "errors"):
        return None
    details: list[dict[str, Any]] = error.errors(include_input=whole, include_url=False, include_context=whole)
    return details
