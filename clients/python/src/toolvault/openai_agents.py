"""Tools of the OpenAI Agents SDK whose keys come from the vault."""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from agents import FunctionTool, RunContextWrapper, function_tool

from . import _json
from ._injection import logs
from ._injection.injected import Injected
from ._injection.injector import Injector, Options, Subject, Vault, user_id, wrapping

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T", bound=FunctionTool)
Invoke = Callable[[Any, str], Awaitable[Any]]

# The SDK logs the arguments and the results of a tool, if it is told to.
logs.watch("openai.agents")


def run_user(context: RunContextWrapper[Any]) -> str | None:
    """The user of a run, for the option `user`: `user_id` of its context."""
    return user_id(context.context)


@overload
def with_secrets(tool: T, vault: Vault, **options: Unpack[Options]) -> T: ...
@overload
def with_secrets(
    tool: Sequence[FunctionTool | Callable[..., Any]], vault: Vault, **options: Unpack[Options]
) -> list[FunctionTool]: ...
@overload
def with_secrets(tool: Callable[..., Any], vault: Vault, **options: Unpack[Options]) -> FunctionTool: ...
def with_secrets(tool: Any, vault: Vault, **options: Unpack[Options]) -> Any:
    """The same tool without the arguments that the vault supplies. The model does not see them; the call has them.

    Takes a tool, a function, or a list of these. `Options` says what the options are. `user` may be a function of
    the `RunContextWrapper`, such as `run_user`. The SDK passes errors to the tool's `failure_error_function`.
    """
    return wrapping(tool, _subject, vault, options).now()


@overload
async def with_secrets_async(tool: T, vault: Vault, **options: Unpack[Options]) -> T: ...
@overload
async def with_secrets_async(
    tool: Sequence[FunctionTool | Callable[..., Any]], vault: Vault, **options: Unpack[Options]
) -> list[FunctionTool]: ...
@overload
async def with_secrets_async(tool: Callable[..., Any], vault: Vault, **options: Unpack[Options]) -> FunctionTool: ...
async def with_secrets_async(tool: Any, vault: Vault, **options: Unpack[Options]) -> Any:
    """`with_secrets` that does not block the event loop."""
    return await wrapping(tool, _subject, vault, options).later()


def _subject(tool: Any) -> Subject[FunctionTool]:
    if not isinstance(tool, FunctionTool):
        if not callable(tool) or not hasattr(tool, "__name__"):
            raise TypeError(
                f"{type(tool).__name__} is not called here: its provider or its server runs it. Give with_secrets "
                "function tools; put an MCP server behind the gateway, and pass a hosted tool to the agent as it is"
            )
        tool = function_tool(tool)
    return Subject(
        tool, tool.name, tool.params_json_schema, lambda injector: _bound(tool, injector), _kind(tool.on_invoke_tool)
    )


def _kind(invoker: Any) -> Any:
    """The model of the arguments of a tool that `function_tool` made: it is in a closure, and private to the SDK."""
    prepare = getattr(getattr(invoker, "_invoke_tool_impl", None), "__agents_prepare_arguments__", None)
    held = inspect.getclosurevars(prepare).nonlocals if inspect.isfunction(prepare) else {}
    return getattr(held.get("schema"), "params_pydantic_model", None)


def _bound(tool: FunctionTool, injector: Injector) -> FunctionTool:
    bound = copy.copy(tool)
    bound.params_json_schema = injector.schema()
    bound.description = injector.description(tool.description)
    invoker = bound.on_invoke_tool
    inner = getattr(invoker, "_invoke_tool_impl", None)
    if inner is None:
        bound.on_invoke_tool = _supplied(invoker, injector)
        return bound
    # What `function_tool` makes reports failures itself, to traces and logs too. The values are added and removed
    # inside of that, in an attribute that is private to the SDK.
    supplied: Any = copy.copy(invoker)
    supplied._invoke_tool_impl = _supplied(inner, injector)
    bound.on_invoke_tool = supplied
    return bound


def _supplied(invoke: Invoke, injector: Injector) -> Invoke:
    @functools.wraps(invoke)
    async def supplied(context: Any, text: str) -> Any:
        given = _read(text)
        if given is None:
            # The tool sees what it would see without us.
            return await invoke(context, text)
        given = injector.given(given)
        injected = await injector.wanted(given, context).later()
        # Arguments that the SDK prepared for a policy of approvals lack the values, and are made again.
        if getattr(context, "_function_tool_arguments", None) is not None:
            context._function_tool_arguments = None
        with injected:
            return injected.redact(await invoke(context, _written(injector, given, injected)))

    prepare = getattr(invoke, "__agents_prepare_arguments__", None)
    if prepare is not None:
        supplied.__agents_prepare_arguments__ = _prepared(prepare, injector)  # type: ignore[attr-defined]
    return supplied


def _prepared(prepare: Callable[[str, str], Any], injector: Injector) -> Callable[[str, str], Any]:
    """How the SDK looks at arguments before a policy of approvals does: with a text in the place of each value."""

    def prepared(text: str, name: str) -> Any:
        given = _read(text)
        if given is None:
            return prepare(text, name)
        made = prepare(_json.write(injector.placeheld(injector.given(given))), name)
        return dataclasses.replace(made, arguments=text)

    return prepared


def _read(text: str) -> dict[str, Any] | None:
    """The arguments; None if they are not a JSON object."""
    try:
        given = _json.read(text.encode("utf-8", "surrogatepass")) if text else {}
    except ValueError:
        return None
    return given if isinstance(given, dict) else None


def _written(injector: Injector, given: Mapping[str, Any], injected: Injected) -> str:
    return _json.write(injector.filled(given, injected))
