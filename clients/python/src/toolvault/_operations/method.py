"""Methods that both clients have: written once, as the operation, and run by the client that has them."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from .._http.operation import Operation
from .._http.senders import AsyncSender, Sender
from .._http.settings import checked

P = ParamSpec("P")
T = TypeVar("T")
Method = Callable[..., Any]
# Yields operations, whose results it is sent, and returns the result.
Several = Generator[Operation[Any], Any, T]
# Yields operations, whose results it is sent, and lists of what it found.
Steps = Generator["Operation[Any] | Sequence[T]", Any, None]


class AtCall(functools.partial[Any]):
    """A coroutine or generator function that begins when it is called, with what `begin` returns.

    Python runs nothing of such a function until its result is used, and then another user may be acting.
    """

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        [begin] = self.args
        try:
            begun = begin(*args, **kwargs)
        finally:
            # A traceback shows this frame, and a value may be among them.
            del args, kwargs
        return self.func(*begun)

    def __get__(self, instance: object, of: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)


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
        return _described(_call(build, _result_async if is_async else _result), build, "{}")


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
        made = _call(build, _items_async if is_async else _items)
        return _described(made, build, "AsyncIterator[{}]" if is_async else "Iterator[{}]")


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
    members: dict[str, object] = {}
    for base in reversed(to.__mro__):
        members.update(vars(base))
    for name, method in members.items():
        if isinstance(method, (operation, iteration)):
            setattr(to, name, method.bound(is_async))


class _Steps:
    """The steps of one call, for the user for whom the client acts when it is called."""

    def __init__(self, sender: Sender | AsyncSender, wanted: Any) -> None:
        self._user = sender.settings.users.now()
        self._steps = _only(wanted) if isinstance(wanted, Operation) else wanted
        # What the steps returned.
        self.result: Any = None

    def next(self, answer: Any) -> Any:
        """The next operation, or a list of what was found; None at the end."""
        try:
            step = self._steps.send(answer)
        except StopIteration as end:
            self.result = end.value
            return None
        if not isinstance(step, Operation) or step.user is self._user is None:
            return step
        return replace(step, user=self._user if step.user is None else checked(step.user))


def _call(build: Method, run: Method) -> Method:
    def begin(self: Any, *args: Any, **kwargs: Any) -> tuple[Any, _Steps]:
        try:
            return self._sender, _Steps(self._sender, build(self, *args, **kwargs))
        finally:
            del args, kwargs

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            begun = begin(self, *args, **kwargs)
        finally:
            del args, kwargs
        return run(*begun)

    is_async = inspect.iscoroutinefunction(run) or inspect.isasyncgenfunction(run)
    return AtCall(run, begin) if is_async else call


def _only(step: Operation[T]) -> Several[T]:
    result: T = yield step
    return result


def _result(sender: Sender, steps: _Steps) -> Any:
    answer = None
    while (step := steps.next(answer)) is not None:
        answer = sender.run(step)
    return steps.result


async def _result_async(sender: AsyncSender, steps: _Steps) -> Any:
    answer = None
    while (step := steps.next(answer)) is not None:
        answer = await sender.run(step)
    return steps.result


def _items(sender: Sender, steps: _Steps) -> Iterator[Any]:
    answer = None
    while (step := steps.next(answer)) is not None:
        answer = sender.run(step) if isinstance(step, Operation) else None
        yield from () if isinstance(step, Operation) else step


async def _items_async(sender: AsyncSender, steps: _Steps) -> AsyncIterator[Any]:
    answer = None
    while (step := steps.next(answer)) is not None:
        answer = await sender.run(step) if isinstance(step, Operation) else None
        for one in () if isinstance(step, Operation) else step:
            yield one


def _described(made: Method, function: Method, returns: str) -> Method:
    """The method with the function's name, text and parameters."""
    functools.update_wrapper(made, function)
    del made.__wrapped__  # type: ignore[attr-defined]
    result = returns.format(function.__annotations__["return"].partition("[")[2].removesuffix("]"))
    made.__annotations__ = {**function.__annotations__, "return": result}
    made.__signature__ = inspect.signature(function).replace(return_annotation=result)  # type: ignore[attr-defined]
    return made
