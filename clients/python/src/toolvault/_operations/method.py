"""Methods that both clients have: written once, as the operation, and run by the client that has them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Sequence
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

from .._http.operation import Operation
from .._http.senders import AsyncSender, Sender

P = ParamSpec("P")
T = TypeVar("T")
Built = Callable[Concatenate[Any, P], Operation[T]]
# Yields operations, whose results it is sent, and lists of what it found.
Steps = Generator["Operation[Any] | Sequence[T]", Any, None]


class operation(Generic[P, T]):  # noqa: N801 - it is a decorator
    """A method that runs the operation that the function returns: at once, or with `await`."""

    def __init__(self, function: Built[P, T]) -> None:
        self.function = function

    @overload
    def __get__(self, client: None, of: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, client: Blocking, of: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: Asynchronous, of: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: Any, of: type) -> Any:
        return self

    def blocking(self) -> Callable[..., T]:
        """The method of a blocking client."""

        def call(self: Blocking, *args: Any, **kwargs: Any) -> T:
            try:
                wanted = build(self, *args, **kwargs)
            finally:
                # A traceback shows this frame, and a value may be among them.
                del args, kwargs
            return self._sender.run(wanted)

        build = self.function
        return _described(call, build, "{}")

    def asynchronous(self) -> Callable[..., Coroutine[Any, Any, T]]:
        """The method of an async client."""

        async def call(self: Asynchronous, *args: Any, **kwargs: Any) -> T:
            try:
                wanted = build(self, *args, **kwargs)
            finally:
                del args, kwargs
            return await self._sender.run(wanted)

        build = self.function
        return _described(call, build, "{}")


class iteration(Generic[P, T]):  # noqa: N801 - it is a decorator
    """A method that iterates over what the steps of the function find: with `for`, or with `async for`."""

    def __init__(self, function: Callable[Concatenate[Any, P], Steps[T]]) -> None:
        self.function = function

    @overload
    def __get__(self, client: None, of: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, client: Blocking, of: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, client: Asynchronous, of: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, client: Any, of: type) -> Any:
        return self

    def blocking(self) -> Callable[..., Iterator[T]]:
        """The method of a blocking client."""

        def call(self: Blocking, *args: Any, **kwargs: Any) -> Iterator[T]:
            steps, answer = build(self, *args, **kwargs), None
            while (step := _next(steps, answer)) is not None:
                answer = self._sender.run(step) if isinstance(step, Operation) else None
                yield from () if isinstance(step, Operation) else step

        build = self.function
        return _described(call, build, "Iterator[{}]")

    def asynchronous(self) -> Callable[..., AsyncIterator[T]]:
        """The method of an async client."""

        async def call(self: Asynchronous, *args: Any, **kwargs: Any) -> AsyncIterator[T]:
            steps, answer = build(self, *args, **kwargs), None
            while (step := _next(steps, answer)) is not None:
                answer = await self._sender.run(step) if isinstance(step, Operation) else None
                for one in () if isinstance(step, Operation) else step:
                    yield one

        build = self.function
        return _described(call, build, "AsyncIterator[{}]")


class Blocking:
    """A part of the blocking client."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def __init_subclass__(cls) -> None:
        for name, method in _methods(cls):
            setattr(cls, name, method.blocking())


class Asynchronous:
    """A part of the async client."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    def __init_subclass__(cls) -> None:
        for name, method in _methods(cls):
            setattr(cls, name, method.asynchronous())


def _methods(of: type) -> Iterator[tuple[str, operation[Any, Any] | iteration[Any, Any]]]:
    for base in of.__mro__:
        for name, method in vars(base).items():
            if isinstance(method, (operation, iteration)):
                yield name, method


def _next(steps: Steps[T], answer: Any) -> Operation[Any] | Sequence[T] | None:
    try:
        return steps.send(answer)
    except StopIteration:
        return None


F = TypeVar("F", bound=Callable[..., Any])


def _described(call: F, function: Callable[..., Any], returns: str) -> F:
    """The method with the function's name, text and parameters."""
    made = functools.update_wrapper(call, function)
    del made.__wrapped__
    result = function.__annotations__["return"].partition("[")[2].removesuffix("]")
    made.__annotations__ = {**function.__annotations__, "return": returns.format(result)}
    made.__signature__ = inspect.signature(function).replace(  # type: ignore[attr-defined]
        return_annotation=made.__annotations__["return"]
    )
    return cast(F, made)
