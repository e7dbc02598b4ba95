"""Exceptions without the values in them: of the same type, with the same attributes."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .copies import DEEPEST, Copies, assign, attributes, said

if TYPE_CHECKING:
    from .redaction import Redaction

LINKS = ("__cause__", "__context__")


class ToolFailed(Exception):
    """Replaces an error of a tool that cannot exist without the value in its text; it has the redacted text."""


class Failing:
    """Redacts one exception with everything that is chained to it."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._done: dict[int, BaseException] = {}
        self._copies: Copies

    def redacted(self, error: BaseException) -> BaseException | None:
        """The exception without values; None if it has none."""
        errors = list(_chain(error))
        self._find_shortened(errors)
        found = self._redaction.found([stored for one in errors for _, stored in _stored(one)])
        if not found and not any(self._redaction.shows(_words(one)) for one in errors):
            return None
        self._copies = Copies(self._redaction, found)
        return self._clean(error)

    def _find_shortened(self, errors: list[BaseException]) -> None:
        """Also looks for the messages of pydantic's errors, whose shortened inputs other errors may repeat."""
        details = [(one, _details(one)) for one in errors]
        shown = {
            str(one): str(self._refused(one, lines))
            for one, lines in details
            if lines is not None and self._redaction.shows(repr(lines))
        }
        if shown:
            self._redaction = self._redaction.more(shown)

    def _clean(self, error: BaseException) -> BaseException:
        if id(error) in self._done:
            return self._done[id(error)]
        # The lines stay, but not what the functions held.
        traceback.clear_frames(error.__traceback__)
        clean = self._own(error)
        self._done[id(error)] = clean
        is_suppressed = error.__suppress_context__
        for name in LINKS:
            other = getattr(error, name)
            setattr(clean, name, None if other is None else self._clean(other))
        clean.__suppress_context__ = is_suppressed
        return clean

    def _own(self, error: BaseException) -> BaseException:
        """One exception without values in itself."""
        for name, stored in list(_stored(error)):
            clean = self._copies.of(stored, DEEPEST)
            if clean is not stored:
                try:
                    assign(error, name, clean)
                except (AttributeError, TypeError):
                    continue
        inner = getattr(error, "exceptions", ())
        if isinstance(inner, tuple) and any(isinstance(one, BaseException) for one in inner):
            return self._group(error, inner)
        if not self._redaction.shows(_words(error)):
            return error
        details = _details(error)
        if details is None:
            return ToolFailed(self._redaction.text(f"{type(error).__name__}: {error}"))
        return self._refused(error, details)

    def _group(self, error: Any, inner: tuple[BaseException, ...]) -> BaseException:
        # A group is not changed: it is made again, from its members.
        clean = tuple(self._clean(one) for one in inner)
        text = self._redaction.text(str(error.message))
        if text == error.message and all(one is other for one, other in zip(clean, inner, strict=True)):
            return error  # type: ignore[no-any-return]
        made: BaseException = type(error)(text, clean)
        return made.with_traceback(error.__traceback__)

    def _refused(self, error: Any, details: list[dict[str, Any]]) -> BaseException:
        """The error of pydantic again, with the redacted input."""
        custom = importlib.import_module("pydantic_core").PydanticCustomError
        text = self._redaction.text
        lines = [
            {
                "type": custom(one["type"], text(one["msg"]).replace("{", "{{").replace("}", "}}")),
                "loc": self._redaction.result(one["loc"]),
                "input": self._redaction.result(one["input"]),
            }
            for one in details
        ]
        made: BaseException = type(error).from_exception_data(text(error.title), lines)
        return made.with_traceback(error.__traceback__)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error with everything that a traceback shows."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__]
            inner = getattr(one, "exceptions", ())
            waiting += inner if isinstance(inner, (tuple, list)) else ()


def _stored(error: BaseException) -> Iterator[tuple[str, Any]]:
    """The attributes of an exception, without its links to others."""
    return ((name, one) for name, one in attributes(error) if name not in ("exceptions", "__traceback__", *LINKS))


def _words(error: BaseException) -> str:
    # pydantic truncates inputs in its messages, so a message may contain a part of a value.
    return f"{said(error)}\n{_details(error)!r}"


def _details(error: Any) -> list[dict[str, Any]] | None:
    """The rejected input that pydantic keeps in its errors."""
    if not type(error).__module__.startswith("pydantic") or not hasattr(type(error), "from_exception_data"):
        return None
    details: list[dict[str, Any]] = error.errors(include_url=False)
    return details
