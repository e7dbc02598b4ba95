"""Finds values in a tool's results and replaces them with `[secret:<name>]`.

This is defence in depth: a tool that has a value can encode it in its own way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from ..confidential import Confidential
from . import later
from .copies import ATOMS, DEEPEST, SEQUENCES, Copies, content, is_silent, parts, said
from .failing import Failing, ToolFailed
from .finding import Finder, Stream, forms

__all__ = ["Redaction", "Stream", "ToolFailed"]

T = TypeVar("T")

# Beyond so many objects with attributes, the others are judged by their text only.
MOST_OBJECTS = 10_000


class Redaction:
    """The values in one call, by secret name. It has no readable form."""

    __slots__ = ("raws", "texts")

    def __init__(self, values: Iterable[tuple[str, Confidential]]) -> None:
        marks: dict[str, str] = {}
        for name, value in values:
            for form in forms(value.reveal()):
                marks.setdefault(form, f"[secret:{name}]")
        self.texts = Finder(marks)
        self.raws = Finder({_raw(form): _raw(mark) for form, mark in marks.items()})

    def more(self, marks: Mapping[str, str]) -> Redaction:
        """One that replaces other texts too."""
        made = Redaction(())
        made.texts, made.raws = self.texts.more(marks), self.raws
        return made

    def shows(self, text: str) -> bool:
        """Whether the text contains a value."""
        return self.texts.shows(text)

    def text(self, text: str) -> str:
        """The redacted text."""
        return self.texts.text(text)

    def stream(self) -> Stream[str]:
        """Redacts a text that comes in parts: `feed` each, then `end`."""
        return Stream(self.texts, "")

    def raw_stream(self) -> Stream[bytes]:
        """The same for bytes."""
        return Stream(self.raws, b"")

    def result(self, result: T) -> T:
        """A redacted result of a tool, of the same type if possible; the same object if it contained no values.

        What comes later or in parts, such as a generator, is redacted when it comes.
        """
        found = self.found([result]) if self.texts else {}
        return cast(T, Copies(self, found).of(result, DEEPEST)) if found else result

    def failure(self, error: BaseException) -> BaseException | None:
        """The exception to raise instead of one that shows a value; None if it shows none.

        It is the same exception without the values, or `ToolFailed` if its type cannot be had without them.
        """
        return Failing(self).redacted(error) if self.texts else None

    def found(self, values: Iterable[Any]) -> dict[int, Any]:
        """The objects that contain a value or lead to one, by identity."""
        seen: dict[int, Any] = {}
        holders: dict[int, list[int]] = {}
        found: list[int] = []
        waiting = [one for one in values if not isinstance(one, ATOMS)]
        left = MOST_OBJECTS
        while waiting:
            one = waiting.pop()
            if id(one) in seen:
                continue
            seen[id(one)] = one
            if self._shows(one):
                found.append(id(one))
            left -= (is_object := not isinstance(one, (str, bytes, Mapping, *SEQUENCES)))
            for part in parts(one) if left > 0 or not is_object else ():
                if not isinstance(part, ATOMS):
                    holders.setdefault(id(part), []).append(id(one))
                    waiting.append(part)
        reached: dict[int, Any] = {}
        while found:
            this = found.pop()
            if this not in reached:
                reached[this] = seen[this]
                found += holders.get(this, ())
        return reached

    def _shows(self, value: Any) -> bool:
        if later.is_later(value):
            # What it will return is not known yet.
            return True
        held = content(value)
        if held is not None:
            return self.texts.shows(held) if isinstance(held, str) else self.raws.shows(held)
        return not is_silent(value) and self.texts.shows(said(value))


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
