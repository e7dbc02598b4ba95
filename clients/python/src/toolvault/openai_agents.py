"""Tools of the OpenAI Agents SDK whose keys come from the vault."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from agents import FunctionTool, function_tool
from agents.tool_context import ToolContext

from ._injection import schema
from ._injection.function import injected
from ._injection.injector import Injector, Vault


def with_secrets(
    tool: FunctionTool | Callable[..., Any],
    vault: Vault,
    *,
    tool_name: str | None = None,
    hide: Collection[str] | None = None,
    bindings: Mapping[str, str] | None = None,
    redact: Collection[str] | None = None,
) -> FunctionTool:
    """The same tool without the arguments that the vault supplies. The model does not see them; the call has them.

    These are the arguments in `bindings` (references such as `secret://linear-prod`) and in `hide`, or, without `hide`,
    those for which the vault has a default for `tool_name`. `tool_name` is the tool's own name by default. Values are
    redacted in the tool's results: all of them, or those of the arguments in `redact`. A call without its secret raises
    `SecretMissing` or a related error with the argument's name; the SDK passes it to the tool's
    `failure_error_function`.
    """
    tool = tool if isinstance(tool, FunctionTool) else function_tool(tool)
    visible = tool.params_json_schema
    injector = Injector(vault, tool_name or tool.name, schema.declared(visible), hide, bindings, redact)
    if not injector.hidden:
        return tool
    reduced = schema.without(visible, injector.hidden)
    function = getattr(tool, "__wrapped__", None)
    if function is None:
        return dataclasses.replace(tool, params_json_schema=reduced, on_invoke_tool=_invoker(tool, injector))
    # The SDK logs and traces what it passes to the function, so the value is added only inside it.
    checked = function_tool(
        injected(function, injector),
        name_override=tool.name,
        strict_mode=tool.strict_json_schema,
        failure_error_function=None,
    )
    return dataclasses.replace(tool, params_json_schema=reduced, on_invoke_tool=checked.on_invoke_tool)


def _invoker(tool: FunctionTool, injector: Injector) -> Callable[[ToolContext[Any], str], Any]:
    """For a tool that reads its arguments as JSON itself."""

    async def invoke(context: ToolContext[Any], text: str) -> Any:
        given = {name: one for name, one in json.loads(text or "{}").items() if name not in injector.hidden}
        supply = await injector.supply_async(given)
        try:
            return supply.redaction.result(await tool.on_invoke_tool(context, supply.merged(given)))
        except Exception as error:
            failure = supply.redaction.failure(error)
            if failure is None:
                raise
        raise failure

    return invoke
