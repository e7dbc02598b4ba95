"""Tools of agno 3 whose keys come from the vault."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any

from agno.exceptions import AgentRunException
from agno.tools.function import Function

from ._injection import schema
from ._injection.function import injected
from ._injection.injector import Injector, Vault

KEPT = (AgentRunException,)
DECORATOR = "agno.tools.decorator"


def with_secrets(
    tool: Function | Callable[..., Any],
    vault: Vault,
    *,
    tool_name: str | None = None,
    hide: Collection[str] | None = None,
    bindings: Mapping[str, str] | None = None,
    redact: Collection[str] | None = None,
) -> Function:
    """The same tool without the arguments that the vault supplies: the model does not see them, the call has them.

    These are the arguments in `bindings` (to references such as `secret://linear-prod`) and in `hide`, or, without
    `hide`, those for which the vault has a default for `tool_name`, which is the tool's own name if not given. In what
    the tool answers, values are replaced: all of them, or those of the arguments in `redact`. A call without its secret
    raises `SecretMissing` or a sibling of it, with the argument's name; agno tells the model of it.
    """
    tool = tool.model_copy() if isinstance(tool, Function) else Function(name=tool.__name__, entrypoint=tool)
    if tool.entrypoint is None:
        raise TypeError(f"tool {tool.name!r} has nothing to call")
    # agno logs what a tool of its decorator raises, so the values join outside of pydantic's checks and inside of that.
    tool.entrypoint, tool.skip_entrypoint_processing = _own(tool.entrypoint), False
    tool.process_entrypoint()
    injector = Injector(vault, tool_name or tool.name, schema.declared(tool.parameters), hide, bindings, redact)
    if not injector.hidden:
        return tool
    tool.parameters = schema.without(tool.parameters, injector.hidden)
    tool.entrypoint, tool.skip_entrypoint_processing = injected(tool.entrypoint, injector, KEPT), True
    tool.process_entrypoint()
    return tool


def _own(entrypoint: Callable[..., Any]) -> Callable[..., Any]:
    """The tool's own function, without what agno and pydantic put around it: they would log what it raises."""
    while not inspect.ismethod(entrypoint):
        module = getattr(entrypoint, "__globals__", {}).get("__name__")
        inner = getattr(entrypoint, "raw_function", None)
        if inner is None and module == DECORATOR:
            inner = getattr(entrypoint, "__wrapped__", None)
        if inner is None:
            break
        entrypoint = inner
    return entrypoint
