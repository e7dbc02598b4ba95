"""Methods that both clients have: written once, as the operation, and run by the client that has them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Sequence
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from .._http.operation import Operation
from .._http.senders import AsyncSender, Sender

P = ParamSpec("P")
T = TypeVar("T")
Method = Callable[..., Any]
# Yields operations, whose results it is sent, and returns the result.
Several = Generator[Operation[Any], Any, T]
# Yields operations, whose results it is sent, and lists of what it found.
Steps = Generator["Operation[Any] | Sequence[T]", Any, None]


class operation(Generic[P, T]):  # noqa: N801 - it is a decorator
    """A method that runs the operations that the function returns: at once, or with `await`."""

    def __init__(self, function: Callable[Concatenate[Any, P], Operation[T] | Several[T]]) -> None:
        self.function = function

    @overload
    def __get__(self, client: None, of: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, client: Blocking, of: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: Asynchronous, of: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: Any, of: type) -> Any:
        return self

    def bound(self, is_async: bool) -> Method:
        """The method of one kind of client."""
        build: Method = self.function

        def call(self: Blocking, *args: Any, **kwargs: Any) -> Any:
            try:
                wanted = build(self, *args, **kwargs)
            finally:
                # A traceback shows this frame, and a value may be among them.
                del args, kwargs
            if isinstance(wanted, Operation):
                return self._sender.run(wanted)
            answer = None
            while True:
                try:
                    step = wanted.send(answer)
                except StopIteration as end:
                    return end.value
                answer = self._sender.run(step)

        async def call_async(self: Asynchronous, *args: Any, **kwargs: Any) -> Any:
            try:
                wanted = build(self, *args, **kwargs)
            finally:
                del args, kwargs
            if isinstance(wanted, Operation):
                return await self._sender.run(wanted)
            answer = None
            while True:
                try:
                    step = wanted.send(answer)
                except StopIteration as end:
                    return end.value
                answer = await self._sender.run(step)

        return _described(call_async if is_async else call, build, "{}")


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

    def bound(self, is_async: bool) -> Method:
        """The method of one kind of client."""
        build: Method = self.function

        def call(self: Blocking, *args: Any, **kwargs: Any) -> Iterator[Any]:
            steps, answer = build(self, *args, **kwargs), None
            while (step := _next(steps, answer)) is not None:
                answer = self._sender.run(step) if isinstance(step, Operation) else None
                yield from () if isinstance(step, Operation) else step

        async def call_async(self: Asynchronous, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            steps, answer = build(self, *args, **kwargs), None
            while (step := _next(steps, answer)) is not None:
                answer = await self._sender.run(step) if isinstance(step, Operation) else None
                for one in () if isinstance(step, Operation) else step:
                    yield one

        function = self.function
        return _described(
            call_async if is_async else call, function, "AsyncIterator[{}]" if is_async else "Iterator[{}]"
        )


class Blocking:
    """A part of the blocking client."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def __init_subclass__(cls) -> None:
        _bind(cls, is_async=False)


class Asynchronous:
    """A part of the async client."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    def __init_subclass__(cls) -> None:
        _bind(cls, is_async=True)


def _bind(to: type, is_async: bool) -> None:
    for base in to.__mro__:
        for name, method in vars(base).items():
            if isinstance(method, (operation, iteration)):
                setattr(to, name, method.bound(is_async))


def _next(steps: Steps[T], answer: Any) -> Operation[Any] | Sequence[T] | None:
    try:
        return steps.send(answer)
    except StopIteration:
        return None


def _described(made: Method, function: Method, returns: str) -> Method:
    """The method with the function's name, text and parameters."""
    functools.update_wrapper(made, function)
    del made.__wrapped__  # type: ignore[attr-defined]
    result = returns.format(function.__annotations__["return"].partition("[")[2].removesuffix("]"))
    made.__annotations__ = {**function.__annotations__, "return": result}
    made.__signature__ = inspect.signature(function).replace(return_annotation=result)  # type: ignore[attr-defined]
    return made
