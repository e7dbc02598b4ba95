"""Finds values in texts and bytes, whole or in parts.

No pattern is compiled from a value: the cache of `re` would keep it.
"""

from __future__ import annotations

import base64
import html
import json
import string
from collections.abc import Iterator, Mapping
from typing import AnyStr, Generic
from urllib.parse import quote, quote_plus

SHORTEST = 8
# Characters that mean themselves in JSON, in code, in HTML and in a URL.
_UNESCAPED = frozenset(string.ascii_letters + string.digits + "-._~")


class Finder(Generic[AnyStr]):
    """The spellings of values, with the mark that replaces each. It has no readable form."""

    __slots__ = ("_marks",)

    _marks: Mapping[AnyStr, AnyStr]

    def __init__(self, marks: Mapping[AnyStr, AnyStr]) -> None:
        self._marks = marks

    def __bool__(self) -> bool:
        return bool(self._marks)

    def more(self, marks: Mapping[AnyStr, AnyStr]) -> Finder[AnyStr]:
        """One that finds other texts too."""
        return Finder({**self._marks, **marks})

    def shows(self, text: AnyStr) -> bool:
        """Whether the text contains a value."""
        return any(form in text for form in self._marks)

    def text(self, text: AnyStr, covered: int = 0) -> AnyStr:
        """The redacted text, without its first `covered` characters. Values that overlap become one mark."""
        parts: list[AnyStr] = []
        end = covered
        for start, stop, mark in self.spans(text):
            if start >= end:
                parts += [text[end:start], mark]
            end = max(end, stop)
        parts.append(text[end:])
        return text[:0].join(parts)

    def spans(self, text: AnyStr) -> list[tuple[int, int, AnyStr]]:
        """Where values begin and end, in order, with their marks; the longest first of those that begin together."""
        found: list[tuple[int, int, AnyStr]] = []
        for form, mark in self._marks.items():
            start = text.find(form)
            first = stop = start
            while start >= 0:
                if start >= stop:
                    first = start
                stop = start + len(form)
                start = text.find(form, start + 1)
                # A value that repeats itself is one span with all that overlap, or there would be very many.
                if not first <= start < stop:
                    found.append((first, stop, mark))
        return sorted(found, key=lambda span: (span[0], -span[1]))

    def begins(self, text: AnyStr) -> int:
        """Where a value may begin that the text ends in the middle of; its length if nowhere."""
        first = len(text)
        for form in self._marks:
            start = text.find(form[:1], max(0, len(text) - len(form) + 1))
            while 0 <= start < first:
                if form.startswith(text[start:]):
                    first = start
                start = text.find(form[:1], start + 1)
        return first


class Stream(Generic[AnyStr]):
    """Redacts a text that comes in parts. It keeps back only what may be the beginning of a value."""

    __slots__ = ("_covered", "_finder", "_kept")

    _finder: Finder[AnyStr]
    _kept: AnyStr

    def __init__(self, finder: Finder[AnyStr], empty: AnyStr) -> None:
        self._finder = finder
        self._kept = empty
        # How much of what is kept belongs to a value whose mark was returned already.
        self._covered = 0

    def feed(self, text: AnyStr) -> AnyStr:
        """The redacted text as far as it is certain."""
        text = self._kept + text
        parts: list[AnyStr] = []
        keep, end = self._finder.begins(text), self._covered
        for start, stop, mark in self._finder.spans(text):
            if end <= start < keep:
                parts += [text[end:start], mark]
            if start < max(end, keep):
                end = max(end, stop)
        parts.append(text[end:keep])
        self._kept, self._covered = text[keep:], max(0, end - keep)
        return text[:0].join(parts)

    def end(self) -> AnyStr:
        """The rest of it."""
        rest = self._finder.text(self._kept, self._covered)
        self._kept, self._covered = self._kept[:0], 0
        return rest


def forms(value: str) -> Iterator[str]:
    """The spellings of a value in a text; none of a short value, which would shred results."""
    if len(value) < SHORTEST:
        return
    raw = value.encode("utf-8", "surrogatepass")
    yield from {value, value[::-1], raw.hex(), raw.hex().upper()}
    # Most keys have only characters that nothing escapes.
    if not _UNESCAPED.issuperset(value):
        yield from _escaped(value, raw)
    for offset in range(3):
        # Whole characters only: those at the edges also contain bits of neighbouring characters.
        padded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        first, last = -(-offset * 8 // 6), (offset + len(raw)) * 8 // 6
        form = padded[first:last]
        if len(form) >= SHORTEST:
            yield from {form, form.replace("+", "-").replace("/", "_")}


def _escaped(value: str, raw: bytes) -> set[str]:
    return {
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        html.escape(value),
        quote(raw, safe=""),
        quote(raw),
        quote_plus(raw),
    }
