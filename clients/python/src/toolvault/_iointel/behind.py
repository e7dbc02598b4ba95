"""The real tool object with the values, behind the one that iointel holds."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn

from pydantic import BaseModel

from .._injection.redaction import Redaction
from ..confidential import Confidential
from ..models import Completed
from .source import Source

_guard = threading.Lock()
_constructions: dict[type[BaseModel], threading.RLock] = {}


class Behind:
    """An object of the tool's own class, created on demand and recreated after each change of a secret."""

    def __init__(self, tool_class: type[BaseModel], source: Source, literals: Mapping[str, Any]) -> None:
        self._class = tool_class
        self._source = source
        self._literals = dict(literals)
        self._lock = threading.RLock()
        self._made: BaseModel | None = None
        self._stamp: object = None
        self.redaction = Redaction(())

    def get(self, args: Mapping[str, Any]) -> BaseModel:
        """The object with the current values, for a tool with these other arguments."""
        completed = self._source.completed(args)
        stamp = [(one.arg, one.secret_id, one.version) for one in completed.applied]
        with self._lock:
            if self._made is None or self._stamp != stamp:
                values = [
                    (one.secret_name, Confidential(completed.args[one.arg])) for one in completed.applied if one.redact
                ]
                self.redaction = Redaction(values)
                self._made = self._make(completed)
                self._stamp = stamp
            return self._made

    def another(self) -> Behind:
        """The same for a copy of the previous object."""
        return Behind(self._class, self._source, self._literals)

    def _make(self, completed: Completed) -> BaseModel:
        # Some classes patch a module while they are constructed, as iointel's Linear patches agno's `getenv`.
        with _construction(self._class):
            failure: Exception
            try:
                return self._class.model_validate(
                    {**self._literals, **{name: completed.args[name] for name in self._source.arguments}}
                )
            except Exception as error:
                failure = self.redaction.failure(error) or error
        # Do not chain the original error: its text and its frames contain the values.
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
        return _told(found, object.__getattribute__(self, "_redaction")) if inspect.ismethod(found) else found

    def __setattr__(self, name: str, value: object) -> None:
        setattr(object.__getattribute__(self, "_toolkit"), name, value)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a toolkit with a credential cannot be pickled")


def _told(method: Callable[..., Any], redaction: Redaction) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        failure: Exception
        try:
            result = method(*args, **kwargs)
            return _awaited(result, redaction) if inspect.isawaitable(result) else redaction.result(result)
        except Exception as error:
            replaced = redaction.failure(error)
            if replaced is None:
                raise
            failure = replaced
        raise failure

    return call


async def _awaited(result: Awaitable[Any], redaction: Redaction) -> Any:
    failure: Exception
    try:
        return redaction.result(await result)
    except Exception as error:
        replaced = redaction.failure(error)
        if replaced is None:
            raise
        failure = replaced
    raise failure


def _construction(tool_class: type[BaseModel]) -> threading.RLock:
    with _guard:
        return _constructions.setdefault(tool_class, threading.RLock())
