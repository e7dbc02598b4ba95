"""A decorator for plain functions."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar, cast

from . import _pointer
from ._injection import schema
from ._injection.calls import Arguments, Function, routine_of, supplied
from ._injection.injected import Injected
from ._injection.injector import Injector, Options, Place, User, Vault
from ._injection.objects import Path, hints_of, typed, typed_member
from .confidential import Confidential

F = TypeVar("F", bound=Callable[..., Any])

COPIED = ("__module__", "__name__", "__qualname__", "__doc__")


def secrets(
    vault: Vault,
    *arguments: str,
    tool_name: str | None = None,
    bindings: Mapping[str, str] | None = None,
    redact: Collection[str] | None = None,
    user: User = None,
) -> Callable[[F], F]:
    """A decorator: the function gets these arguments from the vault, and nothing that inspects it sees them.

    For functions, coroutines and generators. An argument is a name, or a JSON Pointer such as `/req/api_key` into one;
    those in `bindings` (references such as `secret://linear-prod`) need not be repeated. `tool_name` is the function's
    name by default. Values are redacted in results as the policies of the secrets say, or those of the arguments in
    `redact`. `user`, an ID or a function that returns one, is the user for whom a key with `any_user` acts.
    """
    names = list(dict.fromkeys([*arguments, *(bindings or ())]))
    if not names:
        raise TypeError("name the arguments that the vault supplies")

    def decorate(function: F) -> F:
        return cast(F, _decorated(function, names, vault, tool_name, bindings, redact, user))

    return decorate


def _decorated(
    function: Function, names: list[str], vault: Vault, tool_name: str | None, bindings: Any, redact: Any, user: User
) -> Function:
    # A partial function has no name; a generator function that got secrets already has one.
    called = function if hasattr(function, "__name__") else getattr(function, "func", function)
    tool = tool_name or str(getattr(called, "__name__", type(called).__name__))
    signature, hints = inspect.signature(function), hints_of(routine_of(called))
    rest = next((one.name for one in signature.parameters.values() if one.kind is inspect.Parameter.VAR_KEYWORD), None)
    places = [_place(tool, signature, name, rest is not None) for name in names]
    for text in redact or ():
        if not any(one.path == _pointer.steps(text) for one in places):
            raise ValueError(f"{text!r} in `redact` is no argument that the vault supplies to tool {tool!r}")
    described: dict[str, Any] = {"properties": {name: {} for name in signature.parameters if name != rest}}
    options: Options = {"bindings": bindings, "redact": redact, "user": user}
    injector = Injector(vault, tool, described, places, options, hints, shows_others=rest is not None)
    hidden = {one.path[0] for one in places if len(one.path) == 1}
    visible = signature.replace(
        parameters=[
            one.replace(annotation=hints.get(name, one.annotation))
            for name, one in signature.parameters.items()
            if name not in hidden
        ],
        return_annotation=hints.get("return", signature.return_annotation),
    )

    def given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[dict[str, Any], object]:
        # What a model supplies for an argument that it does not see is discarded.
        bound = visible.bind(*args, **{name: one for name, one in kwargs.items() if name not in hidden}).arguments
        others = {} if rest is None else bound.pop(rest, {})
        return injector.given({**bound, **others}), None

    def typed_argument(args: Any, path: Path, value: Confidential) -> Any:
        return typed_member(args, path, value) if len(path) > 1 else typed(path[0], value, hints.get(path[0]))

    def completed(given: Mapping[str, Any], injected: Injected) -> Arguments:
        filled = injector.filled(given, injected, typed_argument)
        ordered = {name: filled.pop(name) for name in signature.parameters if name in filled}
        if rest is not None:
            ordered[rest] = filled
        whole = inspect.BoundArguments(signature, typing.cast(Any, ordered))
        return whole.args, whole.kwargs

    wrapper = supplied(function, injector, given, completed)
    for name in COPIED:
        if getattr(function, name, None) is not None:
            setattr(wrapper, name, getattr(function, name))
    wrapper.__doc__ = schema.described(wrapper.__doc__, hidden) if wrapper.__doc__ and hidden else wrapper.__doc__
    # Some frameworks look at what a partial function calls.
    for one in (wrapper, getattr(wrapper, "func", wrapper)):
        one.__annotations__ = {name: hint for name, hint in hints.items() if name not in hidden}
    wrapper.__signature__ = visible  # type: ignore[attr-defined]
    return wrapper


def _place(tool: str, signature: inspect.Signature, text: str, takes_any: bool) -> Place:
    path = _pointer.steps(text)
    parameter = signature.parameters.get(path[0])
    if parameter is None and not takes_any:
        raise ValueError(f"the function of tool {tool!r} does not take argument {path[0]!r}")
    is_required = parameter is None or parameter.default is inspect.Parameter.empty
    return Place(text, path, is_required, is_held=is_required)
