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
    """The same tool without the arguments that the vault supplies. The model does not see them; the call has them.

    These are the arguments in `bindings` (references such as `secret://linear-prod`) and in `hide`, or, without `hide`,
    those for which the vault has a default for `tool_name`. `tool_name` is the tool's own name by default. Values are
    redacted in the tool's results: all of them, or those of the arguments in `redact`. A call without its secret raises
    `SecretMissing` or a related error with the argument's name; agno reports it to the model.
    """
    tool = tool.model_copy() if isinstance(tool, Function) else Function(name=tool.__name__, entrypoint=tool)
    if tool.entrypoint is None:
        raise TypeError(f"tool {tool.name!r} has no function")
    # agno logs what a tool raises, so values are added inside that, but outside of pydantic's checks.
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
    """The tool's own function, without the wrappers of agno and pydantic, which would log what it raises."""
    while not inspect.ismethod(entrypoint):
        module = getattr(entrypoint, "__globals__", {}).get("__name__")
        inner = getattr(entrypoint, "raw_function", None)
        if inner is None and module == DECORATOR:
            inner = getattr(entrypoint, "__wrapped__", None)
        if inner is None:
            break
        entrypoint = inner
    return entrypoint
