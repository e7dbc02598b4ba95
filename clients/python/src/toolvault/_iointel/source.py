"""The source of the values of one tool object."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from .._http.senders import Sender
from .._operations import tools
from ..models import Completed


class Source:
    """Fetches the arguments of one tool, and caches the answer for some seconds."""

    def __init__(
        self,
        sender: Sender,
        tool: str,
        bindings: Mapping[str, str],
        defaults: frozenset[str],
        keep_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tool = tool
        self.arguments = frozenset(bindings) | defaults
        self._sender = sender
        self._bindings = dict(bindings)
        self._defaults = sorted(defaults)
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[float, Mapping[str, Any], Completed] | None = None

    def completed(self, args: Mapping[str, Any]) -> Completed:
        """The arguments with the current values. Raises `SecretMissing` or a related error."""
        with self._lock:
            if self._kept is not None:
                until, kept_args, completed = self._kept
                if self._clock() < until and kept_args == args:
                    return completed
            self._kept = None
            asked = self._clock()
            completed = self._sender.run(
                tools.resolve(tools.call(self.tool, args, self._bindings, self._defaults, self._defaults))
            )
            self._kept = (asked + self._keep_seconds, dict(args), completed)
            return completed

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("an object that may hold values cannot be pickled")
