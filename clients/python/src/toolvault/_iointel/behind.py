"""The real tool object with the values, behind the one that iointel holds."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn

from pydantic import BaseModel

from .. import _pointer
from .._injection.redaction import Redaction
from ..confidential import Confidential
from ..models import Completed
from .source import Source

_guard = threading.Lock()
_constructions: dict[type[BaseModel], threading.RLock] = {}

# For how many users objects are kept.
MOST_USERS = 100


class Made(NamedTuple):
    """An object with the values of one user, and what finds these in results."""

    stamp: object
    object: BaseModel
    redaction: Redaction


class Behind:
    """Objects of the tool's own class, one for each user, created on demand and again after a change of a secret."""

    def __init__(self, tool_class: type[BaseModel], source: Source, literals: Mapping[str, Any]) -> None:
        self._class = tool_class
        self._source = source
        self._literals = dict(literals)
        self._lock = threading.RLock()
        self._made: dict[str | None, Made] = {}

    def get(self, args: Mapping[str, Any]) -> BaseModel:
        """The object with the current values, for a tool with these other arguments."""
        user, completed = self._source.user(), self._source.completed(args)
        stamp = [(one.arg, one.secret_id, one.version) for one in completed.applied]
        with self._lock:
            made = self._made.pop(user, None)
            if made is None or made.stamp != stamp:
                made = self._make(stamp, completed)
            # The last one is the one that was used last.
            self._made[user] = made
            if len(self._made) > MOST_USERS:
                del self._made[next(iter(self._made))]
            return made.object

    @property
    def redaction(self) -> Redaction:
        """What finds the values that the user of now has received."""
        made = self._made.get(self._source.user())
        return Redaction(()) if made is None else made.redaction

    def another(self) -> Behind:
        """The same for a copy of the previous object."""
        return Behind(self._class, self._source, self._literals)

    def _make(self, stamp: object, completed: Completed) -> Made:
        redaction = Redaction(
            (one.secret_name, Confidential(_pointer.get(completed.args, one.arg)))
            for one in completed.applied
            if one.redact
        )
        given = {**self._literals, **{name: completed.args[name] for name in self._source.arguments}}
        # Some classes patch a module while they are constructed, as iointel's Linear patches agno's `getenv`.
        with _construction(self._class):
            failure: BaseException
            try:
                return Made(stamp, self._class.model_validate(given), redaction)
            except Exception as error:
                failure = redaction.failure(error) or error
        del completed, given
        # Its frames contain the values, also if its text does not.
        raise failure.with_traceback(None)

    def __deepcopy__(self, memo: object) -> Behind:
        return self.another()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a tool that Toolvault serves cannot be pickled; dump its workflow")


class Toolkit:
    """The toolkit of a tool of agno. The values in its results and errors are redacted."""

    __slots__ = ("_redaction", "_toolkit")

    def __init__(self, toolkit: object, redaction: Redaction) -> None:
        object.__setattr__(self, "_toolkit", toolkit)
        object.__setattr__(self, "_redaction", redaction)

    def __getattr__(self, name: str) -> Any:
        found = getattr(object.__getattribute__(self, "_toolkit"), name)
        redaction = object.__getattribute__(self, "_redaction")
        return redacted(found, lambda: redaction) if inspect.ismethod(found) else found

    def __setattr__(self, name: str, value: object) -> None:
        setattr(object.__getattribute__(self, "_toolkit"), name, value)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a toolkit with a credential cannot be pickled")


def redacted(function: Callable[..., Any], redaction: Callable[[], Redaction]) -> Callable[..., Any]:
    """The function, with values redacted in what it returns or raises."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        failure: BaseException
        try:
            result = function(*args, **kwargs)
            # The values of a call are known after it.
            return redaction().result(result)
        except Exception as error:
            failure = redaction().failure(error) or error
        raise failure

    @functools.wraps(function)
    async def call_async(*args: Any, **kwargs: Any) -> Any:
        failure: BaseException
        try:
            result = await function(*args, **kwargs)
            return redaction().result(result)
        except Exception as error:
            failure = redaction().failure(error) or error
        raise failure

    return call_async if inspect.iscoroutinefunction(function) else call


def _construction(tool_class: type[BaseModel]) -> threading.RLock:
    with _guard:
        return _constructions.setdefault(tool_class, threading.RLock())
