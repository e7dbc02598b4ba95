"""Calls of functions of all kinds with what the vault supplies."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from typing import Any, cast

from .injected import Injected
from .injector import Injector
from .later import parts, parts_async

Function = Callable[..., Any]
Arguments = tuple[tuple[Any, ...], dict[str, Any]]
# What a caller gave by name, with the framework's context of the call.
Read = Callable[[tuple[Any, ...], dict[str, Any]], tuple[Mapping[str, Any], object]]
# The arguments of the function, from those that were given and the values.
Fill = Callable[[Mapping[str, Any], Injected], Arguments]


def supplied(function: Function, injector: Injector, read: Read, fill: Fill) -> Function:
    """A function of the same kind whose calls get their values.

    The values are redacted in what the function returns, yields or raises.
    """

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Injected, Arguments]:
        given, context = read(args, kwargs)
        injected = injector.inject(given, context)
        with injected:
            return injected, fill(given, injected)

    async def begin_async(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Injected, Arguments]:
        given, context = read(args, kwargs)
        injected = await injector.inject_async(given, context)
        with injected:
            return injected, fill(given, injected)

    # A traceback shows these frames, so they forget the values at the end.
    async def async_generator(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        injected, (args, kwargs) = await begin_async(args, kwargs)
        stream = function(*args, **kwargs)
        del args, kwargs
        async for part in parts_async(stream, injected.redaction):
            yield part

    def generator(*args: Any, **kwargs: Any) -> Generator[Any, None, Any]:
        injected, (args, kwargs) = begin(args, kwargs)
        stream = function(*args, **kwargs)
        del args, kwargs
        return (yield from parts(stream, injected.redaction))

    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        injected, (args, kwargs) = await begin_async(args, kwargs)
        try:
            with injected:
                return injected.redact(await function(*args, **kwargs))
        finally:
            del args, kwargs

    def plain(*args: Any, **kwargs: Any) -> Any:
        injected, (args, kwargs) = begin(args, kwargs)
        try:
            with injected:
                return injected.redact(function(*args, **kwargs))
        finally:
            del args, kwargs

    routine = routine_of(function)
    if inspect.isasyncgenfunction(routine):
        return async_generator
    if inspect.isgeneratorfunction(routine):
        return generator
    return coroutine if inspect.iscoroutinefunction(routine) else plain


def routine_of(function: Function) -> Function:
    """The underlying function: of a callable object, its `__call__`."""
    if inspect.isroutine(function) or isinstance(function, functools.partial):
        return function
    return cast(Function, getattr(function, "__call__"))  # noqa: B004, B009
