"""Tools of iointel whose results are redacted, and functions that get their secrets when they are called.

iointel looks up a tool in its registry by its source, and keeps from the tool that it was given only `fn_self`, the
dumped `self` of a method. So a function with secrets is such a `self`, and the registered tool, whose class becomes
`ServedTool`, asks it.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

from iointel.src.agent_methods.data_models.datamodels import TOOL_SELF_INSTANCES, Tool
from iointel.src.utilities.registries import TOOLS_REGISTRY
from pydantic import BaseModel, PrivateAttr

from .._injection import schema
from .._injection.injector import Vault
from .._secrets import secrets
from ..errors import ToolvaultError
from .behind import redacted
from .served import Dump, behind, prepare

_KEY = "toolvault.iointel:Function"


class Function(BaseModel):
    """What iointel holds as the `self` of a function with secrets."""

    _call: Callable[..., Any] = PrivateAttr()
    _shown: dict[str, Any] = PrivateAttr()


class ServedTool(Tool):  # type: ignore[misc]
    """A tool in iointel's registry. For an agent without secrets it is the one that it was."""

    def get_wrapped_fn(self) -> Callable[..., Any]:
        """The function that an agent calls."""
        held = self._load_fn_self()
        if isinstance(held, Function):
            return held._call
        function = cast("Callable[..., Any]", super().get_wrapped_fn())
        behind_it = behind(held)
        if behind_it is None:
            return function
        call = redacted(function, lambda: behind_it.redaction)
        if not inspect.iscoroutinefunction(call):
            return call

        @functools.wraps(call)
        async def prepared(*args: Any, **kwargs: Any) -> Any:
            # What reads a value while an event loop runs must not wait for it.
            await asyncio.to_thread(prepare, held)
            return await call(*args, **kwargs)

        return prepared

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Tool:
        """The copy that an agent gets: without the arguments that the vault supplies."""
        copy = cast("Tool", super().model_copy(update=update, deep=deep))
        held = copy._load_fn_self()
        if isinstance(held, Function):
            for name, shown in held._shown.items():
                setattr(copy, name, shown)
        return copy


def registered(tool: Tool | Callable[..., Any]) -> Tool:
    """The tool in iointel's registry. From now on it redacts its results where an agent has it with secrets."""
    given = Tool.from_function(tool)
    same = (one for one in TOOLS_REGISTRY.values() if one.fn is given.fn or (one.body and one.body == given.body))
    found = next(same, None)
    if found is None:
        raise ToolvaultError(f"the tool {given.name} is not registered; decorate its function with @register_tool")
    if type(found) is Tool:
        found.__class__ = ServedTool
    return found


def is_function(tool: Any) -> bool:
    """Whether it is a registered function, not a method."""
    return isinstance(tool, Tool) and tool.fn_self is None and not inspect.ismethod(tool.fn) and not is_stateful(tool)


def with_values(
    tool: Tool,
    vault: Vault,
    hide: Collection[str],
    bindings: Mapping[str, str] | None = None,
    redact: Collection[str] | None = None,
) -> Tool:
    """A registered function without the arguments that the vault supplies."""
    hidden = {*hide, *(bindings or ())}
    for name in sorted(hidden - arguments(tool)):
        raise ToolvaultError(f"the tool {tool.name} has no argument '{name}'")
    if not hidden:
        return tool
    held = Function()
    held._call = secrets(vault, *hidden, tool_name=tool.name, bindings=bindings, redact=redact)(tool.fn)
    held._shown = {
        "parameters": schema.without(tool.parameters, [(name,) for name in hidden]),
        "description": schema.described(tool.description, hidden),
    }
    TOOL_SELF_INSTANCES[id(held)] = held
    dump = Dump("{}")
    dump.of = held
    return cast("Tool", tool.model_copy(update={"fn_self": (_KEY, dump, id(held))}))


def arguments(tool: Tool) -> frozenset[str]:
    """The arguments of a tool."""
    return frozenset(tool.parameters.get("properties", ()))


def is_stateful(tool: Tool) -> bool:
    """Whether it is a method, whose object iointel creates."""
    return bool(tool.fn_metadata and tool.fn_metadata.stateful)
