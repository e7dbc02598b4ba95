"""Calls of functions of all kinds with what the vault supplies."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, cast

from . import logs
from .injected import Injected

Function = Callable[..., Any]
# The values, and the arguments of the function with them.
Begun = tuple[Injected, tuple[Any, ...], dict[str, Any]]


def supplied(function: Function, begin: Callable[..., Begun], begin_async: Callable[..., Awaitable[Begun]]) -> Function:
    """A function of the same kind. Its arguments are those that `begin` makes of a call's.

    The values are redacted in what the function returns, yields or raises.
    """
    routine = _routine(function)

    # A traceback shows these frames, so they forget the values at the end.
    async def parts_async(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        injected, args, kwargs = await begin_async(args, kwargs)
        parts = function(*args, **kwargs)
        del args, kwargs
        async for part in redacted_parts_async(parts, injected):
            yield part

    def parts(*args: Any, **kwargs: Any) -> Iterator[Any]:
        injected, args, kwargs = begin(args, kwargs)
        parts = function(*args, **kwargs)
        del args, kwargs
        yield from redacted_parts(parts, injected)

    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        injected, args, kwargs = await begin_async(args, kwargs)
        try:
            with guarded(injected):
                return redacted(await function(*args, **kwargs), injected)
        finally:
            del args, kwargs

    def plain(*args: Any, **kwargs: Any) -> Any:
        injected, args, kwargs = begin(args, kwargs)
        try:
            with guarded(injected):
                return redacted(function(*args, **kwargs), injected)
        finally:
            del args, kwargs

    if inspect.isasyncgenfunction(routine):
        return parts_async
    if inspect.isgeneratorfunction(routine):
        return parts
    return coroutine if inspect.iscoroutinefunction(routine) else plain


class guarded:  # noqa: N801 - it is used like a function
    """Redacts what the block raises and, unless it yields in between, what frameworks log meanwhile."""

    __slots__ = ("_before", "_injected", "_yields")

    def __init__(self, injected: Injected, *, yields: bool = False) -> None:
        self._injected = injected
        self._yields = yields

    def __enter__(self) -> None:
        if not self._yields:
            self._before = logs.begin(self._injected.redaction)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not self._yields:
            logs.end(self._before)
        if error is None:
            return
        # The lines of the traceback stay, but not what the functions held.
        traceback.clear_frames(error.__traceback__)
        failure = self._injected.redaction.failure(error)
        is_new = failure is not error
        del error, trace
        if failure is not None and is_new:
            context = failure.__context__
            try:
                raise failure
            finally:
                # The original is not chained to what replaces it.
                failure.__context__ = context
                del failure


def redacted(result: Any, injected: Injected) -> Any:
    """The result of a call, also if it comes later or in parts."""
    if inspect.isgenerator(result):
        return redacted_parts(result, injected)
    if inspect.isasyncgen(result):
        return redacted_parts_async(result, injected)
    return _later(result, injected) if inspect.iscoroutine(result) else injected.redact(result)


async def _later(result: Awaitable[Any], injected: Injected) -> Any:
    with guarded(injected):
        return injected.redact(await result)


class _Parts:
    """Parts of a stream, where a value may be split between texts that follow each other."""

    def __init__(self, injected: Injected) -> None:
        self._injected = injected
        self._streams: dict[type, Any] = {str: injected.redaction.stream(), bytes: injected.redaction.raw_stream()}
        self._kind: type = object

    def of(self, part: Any) -> Iterator[Any]:
        if type(part) is not self._kind:
            yield from self.end()
        self._kind = type(part)
        stream = self._streams.get(self._kind)
        clean = self._injected.redact(part) if stream is None else stream.feed(part)
        if stream is None or clean or not part:
            yield clean

    def end(self) -> Iterator[Any]:
        rest = self._streams[self._kind].end() if self._kind in self._streams else ""
        if rest:
            yield rest


def redacted_parts(parts: Iterator[Any], injected: Injected) -> Iterator[Any]:
    """The parts without values."""
    clean = _Parts(injected)
    try:
        with guarded(injected, yields=True):
            for part in parts:
                yield from clean.of(part)
    except Exception:
        yield from clean.end()
        raise
    yield from clean.end()


async def redacted_parts_async(parts: AsyncIterator[Any], injected: Injected) -> AsyncIterator[Any]:
    """The same for an async generator."""
    clean = _Parts(injected)
    try:
        with guarded(injected, yields=True):
            async for part in parts:
                for one in clean.of(part):
                    yield one
    except Exception:
        for one in clean.end():
            yield one
        raise
    for one in clean.end():
        yield one


def _routine(function: Function) -> Function:
    """The underlying function: of a callable object, its `__call__`."""
    if inspect.isroutine(function) or isinstance(function, functools.partial):
        return function
    return cast(Function, getattr(function, "__call__"))  # noqa: B004, B009
