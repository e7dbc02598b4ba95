"""The source of the values of one tool object."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ..client import Toolvault
from ..models import Completed


class Source:
    """Fetches the arguments of one tool for the user of now, and caches the answers for some seconds."""

    def __init__(
        self,
        vault: Toolvault,
        tool: str,
        bindings: Mapping[str, str],
        defaults: frozenset[str],
        keep_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tool = tool
        self.arguments = frozenset(bindings) | defaults
        self._vault = vault
        self._bindings = dict(bindings)
        self._defaults = sorted(defaults)
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str | None, _Kept] = {}

    def user(self) -> str | None:
        """The user of now. What was made of the values of one user is not for another."""
        return self._vault.current_user()

    def completed(self, args: Mapping[str, Any]) -> Completed:
        """The arguments with the current values. Raises `SecretMissing` or a related error."""
        user, now = self.user(), self._clock()
        with self._lock:
            self._kept = {one: kept for one, kept in self._kept.items() if kept.until > now or kept.lock.locked()}
            kept = self._kept.setdefault(user, _Kept())
        with kept.lock:
            last = self._vault.last_change
            if kept.completed is not None and kept.until > self._clock() and kept.key == (last, args):
                return kept.completed
            kept.completed = None
            asked = self._clock()
            wanted = {"accepts": self._defaults, "require": self._defaults}
            completed = self._vault.resolve(self.tool, args, bindings=self._bindings, user=user, **wanted)
            kept.until, kept.key, kept.completed = asked + self._keep_seconds, (last, dict(args)), completed
            return completed

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("an object that may hold values cannot be pickled")


class _Kept:
    """The last answer for one user."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.until = 0.0
        self.key: tuple[object, Mapping[str, Any]] = (None, {})
        self.completed: Completed | None = None
