"""A function without the arguments that the vault supplies, which calls the original with them."""

from __future__ import annotations

import functools
import importlib
import inspect
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any

from ..confidential import Confidential
from .injector import Injector, Supply
from .redaction import Redaction

Function = Callable[..., Any]
Kept = tuple[type[Exception], ...]

COPIED = ("__module__", "__name__", "__qualname__", "__doc__")


class Prepared:
    """The arguments of one call. The supplied ones stay confidential until it begins. It has no readable form."""

    __slots__ = ("_given", "_hints", "_signature", "_supply")

    def __init__(
        self, signature: inspect.Signature, hints: Mapping[str, Any], given: Mapping[str, Any], supply: Supply
    ) -> None:
        self._signature = signature
        self._hints = hints
        self._given = given
        self._supply = supply

    @property
    def redaction(self) -> Redaction:
        """Finds the supplied values in results."""
        return self._supply.redaction

    @property
    def args(self) -> tuple[Any, ...]:
        """The positional arguments."""
        return self._bound().args

    @property
    def kwargs(self) -> dict[str, Any]:
        """The keyword arguments."""
        return self._bound().kwargs

    def _bound(self) -> inspect.BoundArguments:
        arguments: dict[str, Any] = {}
        further = None
        for name, parameter in self._signature.parameters.items():
            if name in self._supply.values:
                arguments[name] = _as_annotated(name, self._supply.values[name], self._hints.get(name))
            elif name in self._given:
                arguments[name] = self._given[name]
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                further = name
        if further is not None:
            # Supplied arguments without a parameter of their own, passed through `**kwargs`.
            extra = {
                name: value.reveal()
                for name, value in self._supply.values.items()
                if name not in self._signature.parameters
            }
            arguments[further] = {**arguments.get(further, {}), **extra}
        return inspect.BoundArguments(self._signature, typing.cast(Any, arguments))


class Injection:
    """A function with its injector."""

    def __init__(self, function: Function, injector: Injector) -> None:
        self._injector = injector
        self._full = inspect.signature(function)
        self._hints = hints(function)
        accepts_any = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in self._full.parameters.values())
        for name in injector.hidden:
            parameter = self._full.parameters.get(name)
            if parameter is None and not accepts_any:
                raise ValueError(f"the function of tool {injector.tool!r} does not take argument {name!r}")
        self.visible = self._full.replace(
            parameters=[
                one.replace(annotation=self._hints.get(name, one.annotation))
                for name, one in self._full.parameters.items()
                if name not in injector.hidden
            ],
            return_annotation=self._hints.get("return", self._full.return_annotation),
        )
        self.annotations = {name: hint for name, hint in self._hints.items() if name not in injector.hidden}

    def prepare(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Prepared:
        """The completed arguments of a call."""
        given = self._given(args, kwargs)
        return Prepared(self._full, self._hints, given, self._injector.supply(self._named(given)))

    async def prepare_async(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Prepared:
        """The same without blocking the event loop."""
        given = self._given(args, kwargs)
        return Prepared(self._full, self._hints, given, await self._injector.supply_async(self._named(given)))

    def _given(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        # Discard what the model supplies for an argument that it does not see.
        kwargs = {name: value for name, value in kwargs.items() if name not in self._injector.hidden}
        return dict(self.visible.bind(*args, **kwargs).arguments)

    def _named(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments, with those that `**kwargs` received merged in."""
        named = dict(given)
        for name, parameter in self.visible.parameters.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                named |= named.pop(name, {})
        return named


def injected(function: Function, injector: Injector, keeps: Kept = ()) -> Function:
    """The function for the framework: neither its signature nor its calls have the hidden arguments.

    The values are redacted in what it returns or raises.
    """
    injection = Injection(function, injector)
    kind = _routine(function)
    if inspect.isasyncgenfunction(kind):
        wrapper: Function = _async_generator(function, injection, keeps)
    elif inspect.isgeneratorfunction(kind):
        wrapper = _generator(function, injection, keeps)
    elif inspect.iscoroutinefunction(kind):
        wrapper = _coroutine(function, injection, keeps)
    else:
        wrapper = _plain(function, injection, keeps)
    for name in COPIED:
        value = getattr(function, name, None)
        if value is not None:
            setattr(wrapper, name, value)
    wrapper.__annotations__ = injection.annotations
    wrapper.__signature__ = injection.visible  # type: ignore[attr-defined]
    return wrapper


def hints(function: Function) -> dict[str, Any]:
    """The annotations of a function, evaluated as far as possible."""
    target = _routine(function.func if isinstance(function, functools.partial) else function)
    try:
        return typing.get_type_hints(target, include_extras=True)
    except (NameError, TypeError):
        pass
    try:
        return dict(getattr(target, "__annotations__", {}))
    except NameError:
        return {}


def _routine(function: Function) -> Function:
    """The underlying function: of a callable object, its `__call__`."""
    if inspect.isroutine(function) or isinstance(function, functools.partial):
        return function
    return typing.cast(Function, getattr(function, "__call__"))  # noqa: B004, B009


def _as_annotated(name: str, value: Confidential, hint: Any) -> Any:
    """The value in the type that the function's annotation requires, such as `SecretStr`."""
    if hint is Confidential:
        return value
    if hint in (None, str, Any, inspect.Parameter.empty) or isinstance(hint, (str, typing.TypeVar)):
        return value.reveal()
    try:
        return importlib.import_module("pydantic").TypeAdapter(hint).validate_python(value.reveal())
    except ImportError:
        return value.reveal()
    except Exception:  # noqa: S110 - its message may contain the value
        pass
    raise ValueError(f"the value for argument {name!r} is refused by its type")


def _plain(function: Function, injection: Injection, keeps: Kept) -> Function:
    def call(*args: Any, **kwargs: Any) -> Any:
        prepared = injection.prepare(args, kwargs)
        with _Watched(prepared.redaction, keeps):
            result = function(*prepared.args, **prepared.kwargs)
            if inspect.isawaitable(result):
                return _awaited(result, prepared.redaction, keeps)
            if inspect.isgenerator(result):
                return _parts(result, prepared.redaction, keeps)
            if inspect.isasyncgen(result):
                return _parts_async(result, prepared.redaction, keeps)
            return prepared.redaction.result(result)

    return call


def _coroutine(function: Function, injection: Injection, keeps: Kept) -> Function:
    async def call(*args: Any, **kwargs: Any) -> Any:
        prepared = await injection.prepare_async(args, kwargs)
        with _Watched(prepared.redaction, keeps):
            return prepared.redaction.result(await function(*prepared.args, **prepared.kwargs))

    return call


def _generator(function: Function, injection: Injection, keeps: Kept) -> Function:
    def call(*args: Any, **kwargs: Any) -> Any:
        prepared = injection.prepare(args, kwargs)
        with _Watched(prepared.redaction, keeps):
            parts = function(*prepared.args, **prepared.kwargs)
        yield from _parts(parts, prepared.redaction, keeps)

    return call


def _async_generator(function: Function, injection: Injection, keeps: Kept) -> Function:
    async def call(*args: Any, **kwargs: Any) -> Any:
        prepared = await injection.prepare_async(args, kwargs)
        with _Watched(prepared.redaction, keeps):
            parts = function(*prepared.args, **prepared.kwargs)
        async for part in _parts_async(parts, prepared.redaction, keeps):
            yield part

    return call


class _Watched:
    """Replaces an error that shows a value with one that does not, and that has no reference to the original."""

    def __init__(self, redaction: Redaction, keeps: Kept) -> None:
        self._redaction = redaction
        self._keeps = keeps

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        failure = self._redaction.failure(error) if isinstance(error, Exception) else None
        # This frame is part of the traceback, so it must not hold the error.
        del error, traceback
        if failure is None:
            return
        try:
            raise failure
        finally:
            failure.__context__ = None


async def _awaited(result: Awaitable[Any], redaction: Redaction, keeps: Kept) -> Any:
    with _Watched(redaction, keeps):
        return redaction.result(await result)


def _parts(parts: Iterator[Any], redaction: Redaction, keeps: Kept) -> Iterator[Any]:
    with _Watched(redaction, keeps):
        for part in parts:
            yield redaction.result(part)


async def _parts_async(parts: AsyncIterator[Any], redaction: Redaction, keeps: Kept) -> AsyncIterator[Any]:
    with _Watched(redaction, keeps):
        async for part in parts:
            yield redaction.result(part)
