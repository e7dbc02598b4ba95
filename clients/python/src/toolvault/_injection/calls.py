"""Calls of functions of all kinds with what the vault supplies."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from contextlib import aclosing
from typing import Any, cast

from .._operations.method import AtCall
from .injected import Injected
from .injector import Injector, Wanted
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

    def begin(*args: Any, **kwargs: Any) -> tuple[Mapping[str, Any], Wanted]:
        given, context = read(args, kwargs)
        return given, injector.wanted(given, context)

    def filled(given: Mapping[str, Any], injected: Injected) -> Arguments:
        with injected:
            return fill(given, injected)

    # A traceback shows these frames, so they forget the values at the end.
    async def async_generator(given: Mapping[str, Any], wanted: Wanted) -> AsyncIterator[Any]:
        injected = await wanted.later()
        args, kwargs = filled(given, injected)
        stream = function(*args, **kwargs)
        del args, kwargs
        async with aclosing(parts_async(stream, injected.redaction)) as parts_of:
            async for part in parts_of:
                yield part

    def generator(given: Mapping[str, Any], wanted: Wanted) -> Generator[Any, Any, Any]:
        injected = wanted.now()
        args, kwargs = filled(given, injected)
        stream = function(*args, **kwargs)
        del args, kwargs
        return (yield from parts(stream, injected.redaction))

    # Some frameworks take only real functions for coroutine functions, and those await at once.
    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        given, wanted = begin(*args, **kwargs)
        injected = await wanted.later()
        args, kwargs = filled(given, injected)
        try:
            with injected:
                return injected.redact(await function(*args, **kwargs))
        finally:
            del args, kwargs

    def plain(*args: Any, **kwargs: Any) -> Any:
        given, wanted = begin(*args, **kwargs)
        injected = wanted.now()
        args, kwargs = filled(given, injected)
        try:
            with injected:
                return injected.redact(function(*args, **kwargs))
        finally:
            del args, kwargs

    routine = routine_of(function)
    if inspect.isasyncgenfunction(routine):
        return AtCall(async_generator, begin)
    if inspect.isgeneratorfunction(routine):
        return AtCall(generator, begin)
    return coroutine if inspect.iscoroutinefunction(routine) else plain


def routine_of(function: Function) -> Function:
    """The underlying function: of a callable object, its `__call__`."""
    if inspect.isroutine(function) or isinstance(function, functools.partial):
        return function
    return cast(Function, getattr(function, "__call__"))  # noqa: B004, B009
