"""Calls of functions of all kinds with what the vault supplies."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any, cast

from .injected import Injected
from .later import parts, parts_async

Function = Callable[..., Any]
# The values, and the arguments of the function with them.
Begun = tuple[Injected, tuple[Any, ...], dict[str, Any]]


def supplied(function: Function, begin: Callable[..., Begun], begin_async: Callable[..., Awaitable[Begun]]) -> Function:
    """A function of the same kind. Its arguments are those that `begin` makes of a call's.

    The values are redacted in what the function returns, yields or raises.
    """
    routine = _routine(function)

    # A traceback shows these frames, so they forget the values at the end.
    async def async_generator(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        injected, args, kwargs = await begin_async(args, kwargs)
        stream = function(*args, **kwargs)
        del args, kwargs
        async for part in parts_async(stream, injected.redaction):
            yield part

    def generator(*args: Any, **kwargs: Any) -> Generator[Any, None, Any]:
        injected, args, kwargs = begin(args, kwargs)
        stream = function(*args, **kwargs)
        del args, kwargs
        return (yield from parts(stream, injected.redaction))

    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        injected, args, kwargs = await begin_async(args, kwargs)
        try:
            with injected:
                return injected.redact(await function(*args, **kwargs))
        finally:
            del args, kwargs

    def plain(*args: Any, **kwargs: Any) -> Any:
        injected, args, kwargs = begin(args, kwargs)
        try:
            with injected:
                return injected.redact(function(*args, **kwargs))
        finally:
            del args, kwargs

    if inspect.isasyncgenfunction(routine):
        return async_generator
    if inspect.isgeneratorfunction(routine):
        return generator
    return coroutine if inspect.iscoroutinefunction(routine) else plain


def _routine(function: Function) -> Function:
    """The underlying function: of a callable object, its `__call__`."""
    if inspect.isroutine(function) or isinstance(function, functools.partial):
        return function
    return cast(Function, getattr(function, "__call__"))  # noqa: B004, B009
