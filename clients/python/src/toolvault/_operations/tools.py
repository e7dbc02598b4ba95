"""Resolving and explaining tool calls, and the caller's own identity."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from .. import _pointer
from .._http.operation import Answer, Body, Operation
from .._http.refusal import of_detail
from .._injection.injected import Injected
from .._reading import build
from ..errors import ApiError, Unresolved
from ..models import Completed, Explanation, Me, ToolCall, Usage
from .method import operation
from .reading import a, given, segment

T = TypeVar("T")
Part = tuple[ToolCall, Callable[[Completed], Any]]

PATH = "/v1/resolve"


class ToolOperations:
    """The operations of the client itself."""

    @operation
    def resolve(
        self,
        tool: str,
        args: Mapping[str, Any] | None = None,
        *,
        bindings: Mapping[str, str] | None = None,
        accepts: Iterable[str] | None = None,
        require: Iterable[str] | None = None,
        user: str | None = None,
    ) -> Operation[Completed]:
        """The completed arguments of a tool call. Needs `resolve`.

        `args` come from a model and are data; `bindings` are references (`secret://name`) from trusted configuration;
        `accepts` are the arguments that defaults may complete, all if not given; `require` are those that must have a
        value. `user` is the user for whom a key with `any_user` acts. Raises `SecretMissing` or a related error, with
        the argument's name.
        """
        return _resolve(call(tool, args, bindings, accepts, require), lambda completed: completed, user)

    @operation
    def inject(
        self,
        tool: str,
        args: Mapping[str, Any] | None = None,
        *,
        bindings: Mapping[str, str] | None = None,
        accepts: Iterable[str] | None = None,
        require: Iterable[str] | None = None,
        redact: Collection[str] | None = None,
        user: str | None = None,
    ) -> Operation[Injected]:
        """The arguments of a tool call with their values, and what redacts these in the tool's results.

        For any runtime: `with vault.inject(name, args) as call: return call.redact(function(**call.args))`. The
        arguments are those of `resolve`. Values are redacted as the policies of the secrets say, or those of the
        arguments in `redact`.
        """
        redacted = None if redact is None else frozenset(redact)
        wanted = call(tool, args, bindings, accepts, require)
        return _resolve(wanted, lambda completed: Injected(completed, redacted), user)

    @operation
    def resolve_many(
        self, calls: Sequence[ToolCall], *, user: str | None = None
    ) -> Operation[list[Completed | ApiError]]:
        """Up to 100 calls at once. Returns for each the result of `resolve`, or the exception that it would raise."""
        return _joined([(one, lambda completed: completed) for one in calls], user)

    @operation
    def explain(
        self,
        tool: str,
        args: Mapping[str, Any] | None = None,
        *,
        bindings: Mapping[str, str] | None = None,
        accepts: Iterable[str] | None = None,
        require: Iterable[str] | None = None,
        user: str | None = None,
    ) -> Operation[Explanation]:
        """Explains what `resolve` would do with the same call, and why; without values."""
        content = _content(call(tool, args, bindings, accepts, require))
        del content["tool_name"]
        path = f"/v1/tools/{segment(tool)}/explain"
        return Operation("POST", path, a(Explanation), body=Body(content), is_repeatable=True, user=user)

    @operation
    def explain_many(
        self, calls: Sequence[ToolCall], *, user: str | None = None
    ) -> Operation[list[Explanation | ApiError]]:
        """Up to 100 calls at once. Returns for each the result of `explain`, or the exception that it would raise."""
        return explain_many(calls, user)

    @operation
    def me(self) -> Operation[Me]:
        """The user and the rights of the credential."""
        return Operation("GET", "/v1/me", a(Me), is_repeatable=True)

    @operation
    def usage(self) -> Operation[Usage]:
        """How much the user has stored."""
        return Operation("GET", "/v1/usage", a(Usage), is_repeatable=True)


def call(
    tool: str,
    args: Mapping[str, Any] | None,
    bindings: Mapping[str, str] | None,
    accepts: Iterable[str] | None,
    require: Iterable[str] | None,
) -> ToolCall:
    """The request of `resolve` and `explain`."""
    return ToolCall(
        tool,
        None if args is None else dict(args),
        None if bindings is None else dict(bindings),
        None if accepts is None else tuple(accepts),
        None if require is None else tuple(require),
    )


def explain_many(wanted: Sequence[ToolCall], user: str | None = None) -> Operation[list[Explanation | ApiError]]:
    return _many("/v1/explain", wanted, [lambda received: build(Explanation, received)] * len(wanted), user)


def _resolve(wanted: ToolCall, finish: Callable[[Completed], T], user: str | None) -> Operation[T]:
    read = _reader(wanted, finish)
    # The name is in the body, where logs of URLs do not show it and proxies do not rewrite it.
    return Operation(
        "POST",
        PATH,
        lambda answer: read(answer.json()),
        body=Body(_content(wanted)),
        is_repeatable=True,
        tool=wanted.tool,
        user=user,
        part=(wanted, finish),
        join=_joined,
    )


def _joined(parts: Sequence[Part], user: str | None) -> Operation[list[Any]]:
    return _many(PATH, [one for one, _ in parts], [_reader(*part) for part in parts], user)


def _content(wanted: ToolCall) -> dict[str, object]:
    return given(
        tool_name=wanted.tool,
        args=wanted.args,
        bindings=wanted.bindings,
        accepts=wanted.accepts,
        require=wanted.require,
    )


def _reader(wanted: ToolCall, finish: Callable[[Completed], T]) -> Callable[[Any], T]:
    return lambda received: finish(_with_own(wanted, build(Completed, received)))


def _with_own(wanted: ToolCall, completed: Completed) -> Completed:
    """Received arguments are the caller's own objects, so numbers keep their type; only values are added."""
    own = wanted.args or {}
    args = {name: own.get(name, value) for name, value in completed.args.items()}
    for one in completed.applied:
        args = _pointer.put(args, one.arg, _pointer.get(completed.args, one.arg))
    return Completed(completed.tool_name, args, completed.applied)


def _many(
    path: str, wanted: Sequence[ToolCall], readers: Sequence[Callable[[Any], Any]], user: str | None
) -> Operation[list[Any]]:
    def read(answer: Answer) -> list[Any]:
        received: Any = answer.json()
        return [
            reader(each["result"]) if each["status"] == 200 else _refused(one, each)
            for one, reader, each in zip(wanted, readers, received["results"], strict=True)
        ]

    return Operation("POST", path, read, body=Body({"calls": [*map(_content, wanted)]}), is_repeatable=True, user=user)


def _refused(wanted: ToolCall, received: Mapping[str, Any]) -> ApiError:
    error = of_detail(received["status"], None, received.get("detail"))
    if isinstance(error, Unresolved):
        error.tool = wanted.tool
    return error
