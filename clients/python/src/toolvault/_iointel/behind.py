"""The real tool object with the values, behind the one that iointel holds."""

from __future__ import annotations

import functools
import inspect
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pydantic import BaseModel

from .. import _pointer
from .._injection.redaction import Redaction
from ..client import Toolvault
from ..confidential import Confidential
from ..models import Completed

_guard = threading.Lock()
_constructions: dict[type[BaseModel], threading.RLock] = {}

# For how many users objects are kept.
MOST_USERS = 100


@dataclass(frozen=True)
class Source:
    """Where the values of one tool come from: references and defaults, by argument."""

    vault: Toolvault
    tool: str
    bindings: Mapping[str, str]
    defaults: frozenset[str]
    # For how long an answer is used.
    keep_seconds: float


# A traceback may show it.
@dataclass(repr=False)
class _Made:
    """The object with the values of one user, what finds these in results, and how long the last answer is used."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    until: float = 0.0
    key: object = None
    stamp: object = None
    object: BaseModel | None = None
    redaction: Redaction = field(default_factory=lambda: Redaction(()))


class Behind:
    """Objects of the tool's own class, one for each user, created on demand and again after a change of a secret."""

    def __init__(self, tool_class: type[BaseModel], source: Source, literals: Mapping[str, Any]) -> None:
        self._class = tool_class
        self._source = source
        self._literals = dict(literals)
        self._lock = threading.Lock()
        self._made: dict[str | None, _Made] = {}

    def get(self, args: Mapping[str, Any]) -> BaseModel:
        """The object with the current values, for a tool with these other arguments.

        Raises `SecretMissing` or a related error.
        """
        vault = self._source.vault
        user = vault.current_user()
        with self._lock:
            # The last one is the one that was used last.
            made = self._made[user] = self._made.pop(user) if user in self._made else _Made()
            if len(self._made) > MOST_USERS:
                del self._made[next(iter(self._made))]
        with made.lock:
            key, now = (vault.last_change, args), time.monotonic()
            if made.object is None or made.until <= now or made.key != key:
                made.until = 0.0
                self._update(made, args, user)
                made.key, made.until = key, now + self._source.keep_seconds
            assert made.object is not None  # noqa: S101 - for the type checker
            return made.object

    @property
    def redaction(self) -> Redaction:
        """What finds the values that the user of now has received."""
        made = self._made.get(self._source.vault.current_user())
        return Redaction(()) if made is None else made.redaction

    def another(self) -> Behind:
        """The same for a copy of the previous object."""
        return Behind(self._class, self._source, self._literals)

    def _update(self, made: _Made, args: Mapping[str, Any], user: str | None) -> None:
        source, defaults = self._source, sorted(self._source.defaults)
        completed = source.vault.resolve(
            source.tool, args, bindings=source.bindings, accepts=defaults, require=defaults, user=user
        )
        stamp = [(one.arg, one.secret_id, one.version) for one in completed.applied]
        if made.object is None or made.stamp != stamp:
            made.object, made.redaction = self._new(completed)
            made.stamp = stamp

    def _new(self, completed: Completed) -> tuple[BaseModel, Redaction]:
        redaction = Redaction(
            (one.secret_name, Confidential(_pointer.get(completed.args, one.arg)))
            for one in completed.applied
            if one.redact
        )
        supplied = {*self._source.bindings, *self._source.defaults}
        given = {**self._literals, **{name: completed.args[name] for name in supplied}}
        # Some classes patch a module while they are constructed, as iointel's Linear patches agno's `getenv`.
        with _construction(self._class):
            failure: BaseException
            try:
                return self._class.model_validate(given), redaction
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
        with _failing(redaction):
            result = function(*args, **kwargs)
            # The values of a call are known after it.
            return redaction().result(result)

    @functools.wraps(function)
    async def call_async(*args: Any, **kwargs: Any) -> Any:
        with _failing(redaction):
            result = await function(*args, **kwargs)
            return redaction().result(result)

    return call_async if inspect.iscoroutinefunction(function) else call


@contextmanager
def _failing(redaction: Callable[[], Redaction]) -> Iterator[None]:
    failure: BaseException
    try:
        yield
        return
    except Exception as error:
        failure = redaction().failure(error) or error
    raise failure


def _construction(tool_class: type[BaseModel]) -> threading.RLock:
    with _guard:
        return _constructions.setdefault(tool_class, threading.RLock())
