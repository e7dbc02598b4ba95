"""Which arguments of a tool have a default: what a model need not see. Cached for some seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping

from .. import _pointer
from .._http.settings import Settings
from ..errors import ApiError
from ..models import ToolCall
from . import tools
from .method import Several, operation

# How long an answer may be reused, in seconds. A change by the same client ends it at once.
FRESH = 30.0
MOST_CALLS = 100

Key = tuple[str | None, str, frozenset[str]]


class Defaults:
    """The answers of one client."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[Key, tuple[float, object, frozenset[str]]] = {}

    def find(self, wanted: Mapping[str, Collection[str]], user: str | None) -> Several[dict[str, frozenset[str]]]:
        """Those among the wanted arguments, by tool."""
        user = self._settings.users.now(user)
        keys: list[Key] = [(user, tool, frozenset(declared)) for tool, declared in wanted.items()]
        now, last = self._clock(), self._settings.changes.last
        with self._lock:
            self._known = {key: one for key, one in self._known.items() if one[0] > now and one[1] is last}
            found = {key[1]: self._known[key][2] for key in keys if key in self._known}
        keys = [key for key in keys if key[1] not in found]
        for start in range(0, len(keys), MOST_CALLS):
            asked = keys[start : start + MOST_CALLS]
            calls = [ToolCall(tool, {}, accepts=tuple(sorted(declared))) for _, tool, declared in asked]
            for key, result in zip(asked, (yield tools.explain_many(calls, user)), strict=True):
                if isinstance(result, ApiError):
                    raise result
                places = {_pointer.steps(one.arg) for one in result.arguments if one.outcome != "none"}
                found[key[1]] = frozenset(text for text in key[2] if _pointer.steps(text) in places)
                with self._lock:
                    self._known[key] = (now + FRESH, last, found[key[1]])
        return found


class DefaultOperations:
    """What a model need not see."""

    _defaults: Defaults

    @operation
    def defaults(
        self, tools: Mapping[str, Collection[str]], *, user: str | None = None
    ) -> Several[dict[str, frozenset[str]]]:
        """Which of these arguments have a default, by tool: those that a model need not see.

        An answer is reused for 30 seconds, but not after a change of a secret by this client.
        """
        return self._defaults.find(tools, user)
