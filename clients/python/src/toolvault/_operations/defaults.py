"""Which arguments of a tool have a default: what a model need not see. Cached for some seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from .. import _pointer
from .._http.operation import Operation
from .._http.settings import Changes
from ..errors import ApiError
from ..models import Explanation, ToolCall
from . import tools

# How long an answer may be reused, in seconds. A change by the same client ends it at once.
FRESH = 30.0
MOST_CALLS = 100

Key = tuple[str | None, str, frozenset[str]]


class Defaults:
    """The answers of one client."""

    def __init__(self, changes: Changes, clock: Callable[[], float] = time.monotonic) -> None:
        self._changes = changes
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[Key, tuple[float, object, frozenset[str]]] = {}

    def find(
        self, wanted: Mapping[str, Collection[str]], user: str | None, found: dict[str, frozenset[str]]
    ) -> Iterator[tuple[Operation[Any], Callable[[Any], None]]]:
        """Puts what is known into `found`. Yields the operations for the others, each with what takes its result."""
        keys: list[Key] = [(user, tool, frozenset(declared)) for tool, declared in wanted.items()]
        now, last = self._clock(), self._changes.last
        with self._lock:
            self._known = {key: one for key, one in self._known.items() if one[0] > now and one[1] is last}
            found |= {key[1]: self._known[key][2] for key in keys if key in self._known}
        keys = [key for key in keys if key[1] not in found]

        def take(asked: Sequence[Key], results: Sequence[Explanation | ApiError]) -> None:
            for key, result in zip(asked, results, strict=True):
                if isinstance(result, ApiError):
                    raise result
                places = {_pointer.steps(one.arg) for one in result.arguments if one.outcome != "none"}
                found[key[1]] = frozenset(text for text in key[2] if _pointer.steps(text) in places)
                with self._lock:
                    self._known[key] = (now + FRESH, last, found[key[1]])

        for start in range(0, len(keys), MOST_CALLS):
            asked = keys[start : start + MOST_CALLS]
            calls = [ToolCall(tool, {}, accepts=tuple(sorted(declared))) for _, tool, declared in asked]
            if len(calls) == 1:
                yield tools.explain(calls[0], user), lambda result, asked=asked: take(asked, [result])  # type: ignore[misc]
            else:
                yield tools.explain_many(calls, user), lambda results, asked=asked: take(asked, results)  # type: ignore[misc]
