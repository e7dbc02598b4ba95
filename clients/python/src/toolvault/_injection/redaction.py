"""Finds values in a tool's results and replaces them with `[secret:<name>]`.

This is defence in depth: a tool that has a value can encode it in its own way.
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
    """Replaces an error of a tool whose text contained a value; it has the redacted text."""


class Redaction:
    """The values in one call, by secret name. It has no readable form."""

    __slots__ = ("_marks", "_pattern")

    def __init__(self, values: Iterable[tuple[str, Confidential]]) -> None:
        self._marks: dict[str, str] = {}
        for name, value in values:
            for form in _forms(value.reveal()):
                self._marks.setdefault(form, f"[secret:{name}]")
        longest_first = sorted(self._marks, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def shows(self, text: str) -> bool:
        """Whether the text contains a value."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def text(self, text: str) -> str:
        """The redacted text."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self._marks[found.group()], text)

    def result(self, result: Any) -> Any:
        """A redacted result of a tool; the same object if it contained no values."""
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
        """An object of the same type with redacted parts, if the type is known."""
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
        """For an object of unknown type: the redacted text of it if that contains a value, else the object."""
        text = f"{value}\n{value!r}"
        return self.text(str(value)) if self.shows(text) else value

    def failure(self, error: Exception, keeps: tuple[type[Exception], ...] = ()) -> Exception | None:
        """The exception to raise instead of an error that shows a value; None if it shows none.

        An error whose type is in `keeps`, which a framework handles, keeps its type.
        """
        if self._pattern is None or not any(map(self.shows, _words(error))):
            return None
        for kind in keeps:
            if isinstance(error, kind):
                return kind(self.text(str(error)))
        return ToolFailed(self.text(_message(error)))


def _forms(value: str) -> Iterator[str]:
    """The spellings of a value in a text."""
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
        # Whole characters only: those at the edges also contain bits of neighbouring characters.
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
    """An error with everything that a traceback shows."""
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
        # pydantic truncates inputs in its messages, so a message may contain a part of a value.
        yield repr(_details(one, whole=True))


def _message(error: Exception) -> str:
    details = _details(error, whole=False)
    if details is None:
        return f"{type(error).__name__}: {error}"
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in details)


def _details(error: BaseException, *, whole: bool) -> list[dict[str, Any]] | None:
    """The rejected input that pydantic keeps in its errors."""
    if not type(error).__module__.startswith("pydantic") or not hasattr(error, "errors"):
        return None
    details: list[dict[str, Any]] = error.errors(include_input=whole, include_url=False, include_context=whole)
    return details
