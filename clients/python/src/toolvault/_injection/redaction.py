"""Finds values in a tool's results and replaces them with `[secret:<name>]`.

This is defence in depth: a tool that has a value can encode it in its own way.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar, cast

from ..confidential import Confidential
from .cleaning import Cleaner
from .failing import Failing, ToolFailed
from .finding import Finder, Stream, forms

__all__ = ["Redaction", "Stream", "ToolFailed"]

T = TypeVar("T")


class Redaction:
    """The values in one call, by secret name. It has no readable form."""

    __slots__ = ("_cleaner", "_raws", "_texts")

    def __init__(self, values: Iterable[tuple[str, Confidential]]) -> None:
        marks: dict[str, str] = {}
        for name, value in values:
            for form in forms(value.reveal()):
                marks.setdefault(form, f"[secret:{name}]")
        self._texts = Finder(marks)
        self._raws = Finder({_raw(form): _raw(mark) for form, mark in marks.items()})
        self._cleaner = Cleaner(self._texts, self._raws) if marks else None

    def shows(self, text: str) -> bool:
        """Whether the text contains a value."""
        return self._texts.shows(text)

    def text(self, text: str) -> str:
        """The redacted text."""
        return self._texts.text(text)

    def stream(self) -> Stream[str]:
        """Redacts a text that comes in parts: `feed` each, then `end`."""
        return Stream(self._texts, "")

    def raw_stream(self) -> Stream[bytes]:
        """The same for bytes."""
        return Stream(self._raws, b"")

    def result(self, result: T) -> T:
        """A redacted result of a tool, of the same type if possible; the same object if it contained no values."""
        return result if self._cleaner is None else cast(T, self._cleaner.cleaned(result))

    def failure(self, error: BaseException) -> BaseException | None:
        """The exception to raise instead of one that shows a value; None if it shows none.

        It is the same exception without the values, or `ToolFailed` if its type cannot be had without them.
        """
        return None if self._cleaner is None else Failing(self._cleaner).redacted(error)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
