"""The object with the values, behind the one that iointel holds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from pydantic import BaseModel, ValidationError

from ..errors import ToolvaultError
from .source import Source

_guard = threading.Lock()
_constructions: dict[type[BaseModel], threading.RLock] = {}


class Behind:
    """An object of the tool's own class, made on demand and made anew after each change of a secret."""

    def __init__(self, tool_class: type[BaseModel], source: Source, literals: Mapping[str, Any]) -> None:
        self._class = tool_class
        self._source = source
        self._literals = dict(literals)
        self._lock = threading.RLock()
        self._made: BaseModel | None = None
        self._stamp: object = None

    def get(self, args: Mapping[str, Any]) -> BaseModel:
        """The object with the values that hold now, for a tool with these other arguments."""
        completed = self._source.completed(args)
        stamp = [(one.arg, one.secret_id, one.version) for one in completed.applied]
        with self._lock:
            if self._made is None or self._stamp != stamp:
                self._made = self._make(completed.args)
                self._stamp = stamp
            return self._made

    def another(self) -> Behind:
        """The same for a copy of the object before this one."""
        return Behind(self._class, self._source, self._literals)

    def _make(self, values: Mapping[str, Any]) -> BaseModel:
        served = {name: values[name] for name in self._source.arguments}
        # Some classes patch a module while they are constructed, as iointel's Linear patches agno's `getenv`.
        with _construction(self._class):
            return _made(
                self._source.tool, served, lambda: self._class.model_validate({**self._literals, **served})
            )

    def __deepcopy__(self, memo: object) -> Behind:
        return self.another()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a tool that Toolvault serves cannot be pickled; dump its workflow")


def _construction(tool_class: type[BaseModel]) -> threading.RLock:
    with _guard:
        return _constructions.setdefault(tool_class, threading.RLock())


def _made(tool: str, served: Mapping[str, Any], make: Callable[[], BaseModel]) -> BaseModel:
    """What `make` makes. Its errors show no value: not in their text, and not in the frames they came through."""
    failure: Exception
    try:
        return make()
    except ValidationError as error:
        places = {".".join(map(str, one["loc"])) for one in error.errors(include_input=False, include_context=False)}
        failure = ToolvaultError(f"the tool {tool} refuses what it was given for {', '.join(sorted(places))}")
    except Exception as error:
        failure = error
        if _shows(error, [value for value in served.values() if isinstance(value, str)]):
            name = type(error).__name__
            failure = ToolvaultError(f"the tool {tool} could not be made: {name}, and its message held a secret")
    # Behind the handlers, so that the error it replaces is not its context.
    raise failure.with_traceback(None)


def _shows(error: BaseException | None, values: list[str]) -> bool:
    while error is not None:
        text = f"{error} {error!r}"
        if any(value in text for value in values):
            return True
        error = error.__cause__ or error.__context__
    return False
