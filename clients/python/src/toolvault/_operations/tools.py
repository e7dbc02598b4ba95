"""Resolving and explaining tool calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._http.operation import Answer, Body, Operation
from .._http.refusal import of_detail
from .._reading import build
from ..errors import ApiError, Unresolved
from ..models import Completed, Explanation, ToolCall
from .reading import a, given, segment

PATH = "/v1/resolve"


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


def resolve(wanted: ToolCall) -> Operation[Completed]:
    # The name is in the body, where logs of URLs do not show it and proxies do not rewrite it.
    body = Body(_content(wanted))
    return Operation("POST", PATH, _completed(wanted), body=body, is_repeatable=True, tool=wanted.tool)


def resolve_many(wanted: Sequence[ToolCall]) -> Operation[list[Completed | ApiError]]:
    def read(answer: Answer) -> list[Completed | ApiError]:
        received: Any = answer.json()
        return [_result(one, each) for one, each in zip(wanted, received["results"], strict=True)]

    return Operation("POST", PATH, read, body=Body({"calls": list(map(_content, wanted))}), is_repeatable=True)


def explain(wanted: ToolCall) -> Operation[Explanation]:
    content = _content(wanted)
    del content["tool_name"]
    path = f"/v1/tools/{segment(wanted.tool)}/explain"
    return Operation("POST", path, a(Explanation), body=Body(content), is_repeatable=True)


def _content(wanted: ToolCall) -> dict[str, object]:
    return given(
        tool_name=wanted.tool,
        args=wanted.args,
        bindings=wanted.bindings,
        accepts=wanted.accepts,
        require=wanted.require,
    )


def _completed(wanted: ToolCall) -> Callable[[Answer], Completed]:
    return lambda answer: _with_own(wanted, build(Completed, answer.json()))


def _with_own(wanted: ToolCall, completed: Completed) -> Completed:
    """Received arguments that did not change are the caller's own objects, so numbers keep their type."""
    applied = {one.arg for one in completed.applied}
    own = wanted.args or {}
    args = {name: own[name] if name in own and name not in applied else value for name, value in completed.args.items()}
    return replace(completed, args=args)


def _result(wanted: ToolCall, received: Mapping[str, Any]) -> Completed | ApiError:
    if received["status"] == 200:
        return _with_own(wanted, build(Completed, received["result"]))
    error = of_detail(received["status"], None, received.get("detail"))
    if isinstance(error, Unresolved):
        error.tool = wanted.tool
    return error
