"""Results that come later or in parts: coroutines, generators, and the iterators of the language."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncGenerator, Awaitable, Generator, Iterator
from contextlib import aclosing, closing, nullcontext
from types import AsyncGeneratorType, CoroutineType
from typing import TYPE_CHECKING, Any

from . import logs

if TYPE_CHECKING:
    from .redaction import Redaction

AWAITED = (CoroutineType, asyncio.Future)
# Where the classes of iterators are that have nothing but their items: `map`, `zip`, of lists and dictionaries …
BUILT_IN = ("builtins", "itertools", "collections", "_collections")


def is_later(value: Any) -> bool:
    """Whether the content of a result is known only when it is used."""
    kind = type(value)
    if hasattr(kind, "__next__"):
        return kind.__module__ in BUILT_IN
    return isinstance(value, (AsyncGeneratorType, *AWAITED))


def redacted(value: Any, redaction: Redaction) -> Any:
    """The same, with the values redacted when it comes."""
    if isinstance(value, AWAITED):
        return _awaited(value, redaction)
    return parts_async(value, redaction) if isinstance(value, AsyncGeneratorType) else parts(value, redaction)


class guarded:  # noqa: N801 - it is used like a function
    """Redacts what the block raises and, unless it yields in between, what frameworks log meanwhile."""

    __slots__ = ("_before", "_redaction", "_yields")

    def __init__(self, redaction: Redaction, *, yields: bool = False) -> None:
        self._redaction = redaction
        self._yields = yields

    def __enter__(self) -> None:
        if not self._yields:
            self._before = logs.begin(self._redaction)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not self._yields:
            logs.end(self._before)
        if error is None:
            return
        # The lines of the traceback stay, but not what the functions held.
        traceback.clear_frames(error.__traceback__)
        failure = self._redaction.failure(error)
        is_new = failure is not error
        # This frame is part of the traceback, so it must not hold the error.
        del error, trace
        if failure is not None and is_new:
            context = failure.__context__
            try:
                raise failure
            finally:
                # The original is not chained to what replaces it.
                failure.__context__ = context
                del failure


async def _awaited(result: Awaitable[Any], redaction: Redaction) -> Any:
    with guarded(redaction):
        return redaction.result(await result)


def parts(stream: Iterator[Any], redaction: Redaction) -> Generator[Any, Any, Any]:
    """The parts of an iterator without values, and what a generator returns."""
    clean = _Parts(redaction)
    # An iterator such as `map` has nothing to close, and nothing can be sent into it.
    step = getattr(stream, "send", lambda _: next(stream))
    closed: Any = closing(stream) if isinstance(stream, Generator) else nullcontext()
    sent: Any = None
    try:
        with guarded(redaction, yields=True), closed:
            while True:
                # No variable holds a part: a traceback shows this frame.
                try:
                    given = clean.of(step(sent))
                except StopIteration as end:
                    result = redaction.result(end.value)
                    break
                sent = None
                for one in given:
                    sent = yield one
    except Exception:
        yield from clean.end()
        raise
    yield from clean.end()
    return result


async def parts_async(stream: AsyncGenerator[Any, Any], redaction: Redaction) -> AsyncGenerator[Any, Any]:
    """The same for an async generator."""
    clean = _Parts(redaction)
    sent: Any = None
    try:
        with guarded(redaction, yields=True):
            async with aclosing(stream):
                while True:
                    try:
                        given = clean.of(await stream.asend(sent))
                    except StopAsyncIteration:
                        break
                    sent = None
                    for one in given:
                        sent = yield one
    except Exception:
        for one in clean.end():
            yield one
        raise
    for one in clean.end():
        yield one


class _Parts:
    """Parts of a stream, where a value may be split between texts that follow each other."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._streams: dict[type, Any] = {str: redaction.stream(), bytes: redaction.raw_stream()}
        self._kind: type = object

    def of(self, part: Any) -> Iterator[Any]:
        if type(part) is not self._kind:
            yield from self.end()
        self._kind = type(part)
        stream = self._streams.get(self._kind)
        clean = self._redaction.result(part) if stream is None else stream.feed(part)
        if stream is None or clean or not part:
            yield clean

    def end(self) -> Iterator[Any]:
        rest = self._streams[self._kind].end() if self._kind in self._streams else ""
        if rest:
            yield rest
