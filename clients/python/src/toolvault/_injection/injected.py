"""The arguments of one tool call with their values."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NoReturn, TypeVar

from .. import _pointer
from ..confidential import Confidential
from ..models import Applied, Completed
from .later import guarded
from .redaction import Redaction, Stream

T = TypeVar("T")


class Injected:
    """A tool's arguments with their values, and what redacts these in its results. It shows only names.

    As a context manager it redacts what the block raises, and what frameworks log meanwhile.
    """

    __slots__ = ("_completed", "_guards", "redaction", "values")

    values: dict[str, Confidential]
    redaction: Redaction

    def __init__(self, completed: Completed, redacted: Collection[str] | None) -> None:
        self._completed = completed
        self._guards: list[guarded] = []
        self.values = {one.arg: Confidential(_pointer.get(completed.args, one.arg)) for one in completed.applied}
        self.redaction = Redaction(
            (one.secret_name, self.values[one.arg])
            for one in completed.applied
            if (one.redact if redacted is None else any(_pointer.overlaps(name, one.arg) for name in redacted))
        )

    @property
    def by_path(self) -> dict[tuple[str, ...], Confidential]:
        """The values by the names on the way to their places."""
        return {_pointer.steps(text): value for text, value in self.values.items()}

    @property
    def tool_name(self) -> str:
        """The tool."""
        return self._completed.tool_name

    @property
    def args(self) -> dict[str, Any]:
        """The arguments, values included: pass them on and store them nowhere."""
        return self._completed.args

    @property
    def applied(self) -> tuple[Applied, ...]:
        """The secrets that were applied."""
        return self._completed.applied

    def redact(self, result: T) -> T:
        """The result with `[secret:<name>]` for each value; the same object if it contains none."""
        return self.redaction.result(result)

    def stream(self) -> Stream[str]:
        """Redacts a text that comes in parts, also where a value is split between parts."""
        return self.redaction.stream()

    def __enter__(self) -> Injected:
        self._guards.append(guarded(self.redaction))
        self._guards[-1].__enter__()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        guard = self._guards.pop()
        try:
            guard.__exit__(kind, error, trace)
        finally:
            # This frame is part of the traceback, so it must not hold the error.
            del error, trace

    def __repr__(self) -> str:
        return f"Injected({self.tool_name!r}, applied={sorted(self.values)!r})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("injected arguments cannot be pickled")
